package plan

type policyFile struct {
	Version int                  `toml:"version"`
	Policy  map[string]policyDoc `toml:"policy"`
}

type policyDoc struct {
	Calendars []string     `toml:"calendars"`
	Quiet     []quietDoc   `toml:"quiet"`
	Holiday   []holidayDoc `toml:"holiday"`
	Weekend   []weekendDoc `toml:"weekend"`
	Season    []seasonDoc  `toml:"season"`
}

type quietDoc struct {
	Countries []string `toml:"countries"`
	Days      []string `toml:"days"`
	Hours     []string `toml:"hours"`
	On        string   `toml:"on"`
}

type holidayDoc struct {
	Countries []string `toml:"countries"`
	On        string   `toml:"on"`
}

type weekendDoc struct {
	Countries []string `toml:"countries"`
	Days      []string `toml:"days"`
}

type seasonDoc struct {
	Calendar            string    `toml:"calendar"`
	Countries           []string  `toml:"countries"`
	DawnHour            *int      `toml:"dawn_hour"`
	SunsetHour          *int      `toml:"sunset_hour"`
	BeforeDawnHours     *int      `toml:"before_dawn_hours"`
	BeforeDawnLikeHour  *int      `toml:"before_dawn_like_hour"`
	BeforeDawnFactor    *float64  `toml:"before_dawn_factor"`
	AfterSunsetHours    *int      `toml:"after_sunset_hours"`
	AfterSunsetLikeHour *int      `toml:"after_sunset_like_hour"`
	AfterSunsetFactor   *float64  `toml:"after_sunset_factor"`
	FastingFactor       *float64  `toml:"fasting_factor"`
	QuietHours          *[]string `toml:"quiet_hours"`
	On                  string    `toml:"on"`
}
