package civil

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

var zones = []string{"UTC", "Europe/London", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia",
	"America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Havana", "Asia/Tehran"}

func slowDay(t time.Time) int32 {
	y, m, d := t.Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

func TestDayAgainstCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		location, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		z := NewZone(location)
		for range 20 {
			seconds := rapid.Int64Range(-86400, 4_200_000_000).Draw(t, "seconds")
			if got, want := z.Day(seconds), slowDay(time.Unix(seconds, 0).In(location)); got != want {
				t.Fatalf("Day(%d) = %d, want %d", seconds, got, want)
			}
		}
	})
}

// TestLastSecond walks every second of the hours around some midnights.
func TestLastSecond(t *testing.T) {
	for _, name := range zones {
		location, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		z := NewZone(location)
		days := []string{"2006-10-28", "2006-10-29", "2010-11-06", "2010-11-07", "2011-03-13", "2011-12-29", "2011-12-30", "2018-02-17", "2018-11-03", "2018-11-04", "2024-02-28", "2024-02-29", "2024-03-30", "2024-03-31", "2024-10-31", "1970-01-01"}
		for _, text := range days {
			midnight, err := time.Parse(time.DateOnly, text)
			if err != nil {
				t.Fatal(err)
			}
			day := int32(midnight.Unix() / secondsPerDay)
			want := int64(0)
			for s := int64(day+1)*secondsPerDay - 16*3600; s < int64(day+1)*secondsPerDay+16*3600; s += 1 {
				if s%60 > 1 && s%60 < 59 {
					continue // changes of date happen on the minute
				}
				if slowDay(time.Unix(s, 0).In(location)) <= day {
					want = s
				}
			}
			if got := z.LastSecond(day); got != want {
				t.Errorf("%s: LastSecond(%s) = %v, want %v", name, text, time.Unix(got, 0).In(location), time.Unix(want, 0).In(location))
			}
		}
	}
}
