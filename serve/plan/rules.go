package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"whowhen.dev/whowhen/serve/plan/calendar"
)

type reader struct {
	file      string
	lines     lines
	calendars map[string]*calendar.Calendar
}

func (r *reader) fault(field, format string, args ...any) error {
	return &PolicyError{File: r.file, Line: r.lines.of(field), Field: field, Message: fmt.Sprintf(format, args...)}
}

func (r *reader) policy(name string, doc policyDoc) (*Policy, error) {
	at := "policy." + name
	if err := checkName(name); err != nil {
		return nil, r.fault(at, "%v", err)
	}
	if n := max(len(doc.Calendars), len(doc.Quiet), len(doc.Holiday), len(doc.Weekend), len(doc.Season)); n > maxRules {
		return nil, r.fault(at, "there are %d of one kind of rule, and the most is %d", n, maxRules)
	}
	p := &Policy{name: name, mentioned: map[string]bool{}}
	for i, c := range doc.Calendars {
		found, err := r.calendar(fmt.Sprintf("%s.calendars[%d]", at, i), c)
		if err != nil {
			return nil, err
		}
		p.calendars = append(p.calendars, found)
	}
	for i, d := range doc.Quiet {
		rule, err := r.quiet(fmt.Sprintf("%s.quiet[%d]", at, i), d)
		if err != nil {
			return nil, err
		}
		p.quiet = append(p.quiet, rule)
	}
	for i, d := range doc.Holiday {
		rule, err := r.holiday(fmt.Sprintf("%s.holiday[%d]", at, i), d)
		if err != nil {
			return nil, err
		}
		p.holidays = append(p.holidays, rule)
	}
	for i, d := range doc.Weekend {
		rule, err := r.weekend(fmt.Sprintf("%s.weekend[%d]", at, i), d)
		if err != nil {
			return nil, err
		}
		p.weekends = append(p.weekends, rule)
	}
	for i, d := range doc.Season {
		rule, err := r.season(fmt.Sprintf("%s.season[%d]", at, i), d)
		if err != nil {
			return nil, err
		}
		p.seasons = append(p.seasons, rule)
	}
	p.finish()
	return p, nil
}

func checkName(name string) error {
	const longest = 64
	if name == "" || len(name) > longest {
		return fmt.Errorf("%.80q is no name; one has 1 to %d characters", name, longest)
	}
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return fmt.Errorf("%q is no name; letters, digits, - _ and . make one", name)
		}
	}
	return nil
}

func (r *reader) calendar(at, name string) (*calendar.Calendar, error) {
	if c := r.calendars[name]; c != nil {
		return c, nil
	}
	return nil, r.fault(at, "there is no calendar %.64q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(r.calendars)), ", "))
}

func (r *reader) places(at string, countries []string) (places, error) {
	if len(countries) > maxPlaces {
		return nil, r.fault(at+".countries", "there are %d, and the most is %d", len(countries), maxPlaces)
	}
	for i, c := range countries {
		if err := calendar.CheckPlace(c); err != nil {
			return nil, r.fault(fmt.Sprintf("%s.countries[%d]", at, i), "%v", err)
		}
	}
	return countries, nil
}

func (r *reader) days(at string, names []string, none weekdays) (weekdays, error) {
	var days weekdays
	for i, name := range names {
		d, err := parseWeekday(name)
		if err != nil {
			return 0, r.fault(fmt.Sprintf("%s.days[%d]", at, i), "%v", err)
		}
		days |= 1 << d
	}
	if names == nil {
		return none, nil
	}
	return days, nil
}

func (r *reader) spans(at string, texts []string) ([]clockSpan, error) {
	if len(texts) > maxSpans {
		return nil, r.fault(at, "there are %d spans, and the most is %d", len(texts), maxSpans)
	}
	var spans []clockSpan
	for i, text := range texts {
		s, err := parseClockSpan(text)
		if err != nil {
			return nil, r.fault(fmt.Sprintf("%s[%d]", at, i), "%v", err)
		}
		spans = append(spans, s)
	}
	return spans, nil
}

// on reads what a rule does; the first choice is what it does when it does not say.
func (r *reader) on(at, text string, choices ...string) (string, error) {
	if text == "" {
		return choices[0], nil
	}
	if !slices.Contains(choices, text) {
		return "", r.fault(at+".on", "%.40q is not one of %s", text, strings.Join(choices, ", "))
	}
	return text, nil
}

func (r *reader) quietAction(at, text string) (action, error) {
	on, err := r.on(at, text, "shift", "best", "drop", "ignore")
	return map[string]action{"shift": move, "best": passOver, "drop": drop, "ignore": allow}[on], err
}

func (r *reader) quiet(at string, d quietDoc) (q quietRule, err error) {
	if q.places, err = r.places(at, d.Countries); err != nil {
		return q, err
	}
	if q.days, err = r.days(at, d.Days, everyDay); err != nil {
		return q, err
	}
	if q.action, err = r.quietAction(at, d.On); err != nil {
		return q, err
	}
	if len(d.Hours) == 0 && q.action != allow {
		return q, r.fault(at, "it has no hours; write them as in hours = [\"22:00-08:00\"]")
	}
	q.hours, err = r.spans(at+".hours", d.Hours)
	return q, err
}

func (r *reader) holiday(at string, d holidayDoc) (h holidayRule, err error) {
	if h.places, err = r.places(at, d.Countries); err != nil {
		return h, err
	}
	on, err := r.on(at, d.On, "weekend", "allow", "avoid", "shift")
	h.action = map[string]action{"weekend": weekend, "allow": allow, "avoid": passOver, "shift": moveDay}[on]
	return h, err
}

func (r *reader) weekend(at string, d weekendDoc) (w weekendRule, err error) {
	if w.places, err = r.places(at, d.Countries); err != nil {
		return w, err
	}
	if d.Days == nil {
		return w, r.fault(at, "it has no days; write them as in days = [\"fri\", \"sat\"]")
	}
	w.days, err = r.days(at, d.Days, 0)
	return w, err
}

func (r *reader) season(at string, d seasonDoc) (s seasonRule, err error) {
	if s.calendar, err = r.calendar(at+".calendar", d.Calendar); err != nil {
		return s, err
	}
	if s.places, err = r.places(at, d.Countries); err != nil {
		return s, err
	}
	if s.action, err = r.quietAction(at, d.On); err != nil {
		return s, err
	}
	if s.hours, err = r.shifted(at, d); err != nil {
		return s, err
	}
	if d.QuietHours != nil {
		s.replaces = true
		s.quiet, err = r.spans(at+".quiet_hours", *d.QuietHours)
		if s.action == allow {
			s.quiet = nil
		}
	}
	return s, err
}

// shifted computes whose chance stands for each hour's on a fasting day: before dawn and after sunset those of hours that are lively on other
// days, and by day their own, less lively.
func (r *reader) shifted(at string, d seasonDoc) (hours [24]shiftedHour, err error) {
	integer := func(field string, value *int, none, most int) int {
		if value == nil {
			return none
		}
		if err == nil && (*value < 0 || *value > most) {
			err = r.fault(at+"."+field, "%d is not from 0 to %d", *value, most)
		}
		return *value
	}
	factor := func(field string, value *float64, none float64) float32 {
		if value == nil {
			return float32(none)
		}
		if err == nil && !(*value >= 0 && *value <= 10) {
			err = r.fault(at+"."+field, "%g is not from 0 to 10", *value)
		}
		return float32(*value)
	}
	dawn, sunset := integer("dawn_hour", d.DawnHour, 5, 23), integer("sunset_hour", d.SunsetHour, 18, 23)
	before, beforeLike := integer("before_dawn_hours", d.BeforeDawnHours, 2, 23), integer("before_dawn_like_hour", d.BeforeDawnLikeHour, 7, 23)
	after, afterLike := integer("after_sunset_hours", d.AfterSunsetHours, 4, 23), integer("after_sunset_like_hour", d.AfterSunsetLikeHour, 18, 23)
	beforeFactor, afterFactor := factor("before_dawn_factor", d.BeforeDawnFactor, 1), factor("after_sunset_factor", d.AfterSunsetFactor, 1)
	fasting := factor("fasting_factor", d.FastingFactor, 0.8)
	if err != nil {
		return hours, err
	}
	if dawn >= sunset {
		return hours, r.fault(at, "dawn, at %d, is not before sunset, at %d", dawn, sunset)
	}
	if before+after > 24-(sunset-dawn) {
		return hours, r.fault(at, "%d hours before dawn and %d after sunset are more than the night has", before, after)
	}
	for h := range hours {
		hours[h] = shiftedHour{uint8(h), 1}
		if h >= dawn && h < sunset {
			hours[h].factor = fasting
		}
	}
	for i := range before {
		hours[(dawn-before+i+24)%24] = shiftedHour{uint8((beforeLike + i) % 24), beforeFactor}
	}
	for i := range after {
		hours[(sunset+i)%24] = shiftedHour{uint8((afterLike + i) % 24), afterFactor}
	}
	return hours, nil
}
