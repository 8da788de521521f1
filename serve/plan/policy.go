package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	weekends "whowhen.dev/whowhen/features/weekend"
	"whowhen.dev/whowhen/serve/plan/calendar"
)

// Policy says what windows are allowed: quiet hours, holidays, weekends, and seasons whose hours are shifted. It is made by ParsePolicies, never
// changed, and may be used by any number of goroutines. A nil Policy allows everything.
//
// Rules may name places. On the days that it is about, a rule that names a place replaces, for that place, the rules of its kind that do not;
// and one that names a subdivision those that name its country.
type Policy struct {
	name      string
	version   string
	calendars []*calendar.Calendar
	quiet     []quietRule
	holidays  []holidayRule
	weekends  []weekendRule
	seasons   []seasonRule
	mentioned map[string]bool // places that a rule or calendar knows
}

// Name returns the policy's name.
func (p *Policy) Name() string {
	if p == nil {
		return ""
	}
	return p.name
}

// Version identifies what the policy says, with its calendars: it changes when, and only when, one of them does.
func (p *Policy) Version() string {
	if p == nil {
		return ""
	}
	return p.version
}

// finish notes what the rules mention, and the version.
func (p *Policy) finish() {
	h := sha256.New()
	write := func(format string, args ...any) { fmt.Fprintf(h, format+"\n", args...) }
	mention := func(ps places) {
		for _, place := range ps {
			p.mentioned[place] = true
		}
	}
	dates := func(c *calendar.Calendar) {
		mention(c.Places())
		for _, row := range c.Rows() {
			write("row %q %d %d %d %q %t", row.Place, row.First, row.Last, row.Kind, row.Name, row.Estimated)
		}
	}
	for _, c := range p.calendars {
		write("calendar %q", c.Name())
		dates(c)
	}
	for _, q := range p.quiet {
		write("quiet %q %d %v %d", []string(q.places), q.days, q.hours, q.action)
		mention(q.places)
	}
	for _, d := range p.holidays {
		write("holiday %q %d", []string(d.places), d.action)
		mention(d.places)
	}
	for _, d := range p.weekends {
		write("weekend %q %d", []string(d.places), d.days)
		mention(d.places)
	}
	for _, s := range p.seasons {
		write("season %q %q %v %v %t %d", []string(s.places), s.calendar.Name(), s.hours, s.quiet, s.replaces, s.action)
		mention(s.places)
		dates(s.calendar)
	}
	p.version = hex.EncodeToString(h.Sum(nil)[:8])
}

// action is what becomes of a window that a rule is against.
type action uint8

const (
	allow    action = iota // it stays
	passOver               // the best of the other windows is taken
	move                   // it moves to the nearest allowed window before or after, whichever is better
	moveDay                // it moves to the same local time on the nearest allowed day before or after, whichever is better
	drop                   // there is no window
	weekend                // it stays, and its day has the rhythm of a weekend
)

// places are the places that a rule names; none of them means everywhere.
type places []string

// fit says how closely the rule's places fit one: 0 not at all, 1 everywhere, 2 its country, 3 the place itself.
func (ps places) fit(place string) int {
	if len(ps) == 0 {
		return 1
	}
	country, _, divided := strings.Cut(place, "-")
	switch {
	case place == "":
		return 0
	case slices.Contains(ps, place):
		return 3
	case divided && slices.Contains(ps, country):
		return 2
	}
	return 0
}

type quietRule struct {
	places places
	days   weekdays
	hours  []clockSpan
	action action
}

type holidayRule struct {
	places places
	action action
}

type weekendRule struct {
	places places
	days   weekdays
}

type seasonRule struct {
	places   places
	calendar *calendar.Calendar
	hours    [24]shiftedHour
	quiet    []clockSpan
	replaces bool // whether quiet replaces the quiet hours of other days
	action   action
}

// shiftedHour says whose chance stands for an hour's.
type shiftedHour struct {
	like   uint8
	factor float32
}

// closest calls use for the rules that fit a place best.
func closest[R any](rules []R, fit func(R) int, use func(R)) {
	best := 0
	for _, r := range rules {
		best = max(best, fit(r))
	}
	for _, r := range rules {
		if best > 0 && fit(r) == best {
			use(r)
		}
	}
}

// canonical returns what of a place the policy can tell apart, so that places it does not know share their arithmetic.
func (p *Policy) canonical(place string) string {
	if p != nil && p.mentioned[place] {
		return place
	}
	country, _, _ := strings.Cut(place, "-")
	if p != nil && p.mentioned[country] || weekends.Of(country) != weekends.Of("") {
		return country
	}
	return ""
}

// dayRules is what a policy says of one local day in one place.
type dayRules struct {
	day     Day
	holiday action // allow on other days
	season  *seasonRule
	quiet   []quietSpan
}

type quietSpan struct {
	clockSpan
	action action
}

func (p *Policy) on(place string, d calendar.Date) dayRules {
	r := dayRules{day: Day{Date: d}}
	if p == nil {
		r.day.Weekend = weekdays(weekends.Of(place)).has(d.Weekday())
		return r
	}
	p.rhythm(place, &r)
	closest(p.seasons, func(s seasonRule) int {
		if row, ok := s.calendar.On(place, d); ok && row.Kind == calendar.Season {
			return s.places.fit(place)
		}
		return 0
	}, func(s seasonRule) { r.season = &s })
	if r.season != nil && r.season.replaces {
		for _, h := range r.season.quiet {
			r.quiet = append(r.quiet, quietSpan{h, r.season.action})
		}
		return r
	}
	closest(p.quiet, func(q quietRule) int {
		if !q.days.has(d.Weekday()) {
			return 0
		}
		return q.places.fit(place)
	}, func(q quietRule) {
		if q.action == allow {
			return
		}
		for _, h := range q.hours {
			r.quiet = append(r.quiet, quietSpan{h, q.action})
		}
	})
	return r
}

// rhythm decides whether a day is a weekend or a holiday. Of several calendars the last one that has a row about the day decides.
func (p *Policy) rhythm(place string, r *dayRules) {
	days := weekdays(weekends.Of(place))
	closest(p.weekends, func(w weekendRule) int { return w.places.fit(place) }, func(w weekendRule) { days = w.days })
	r.day.Weekend = days.has(r.day.Date.Weekday())
	kind := calendar.None
	for _, c := range p.calendars {
		if row, ok := c.On(place, r.day.Date); ok && row.Kind != calendar.Season {
			kind = row.Kind
		}
	}
	switch kind {
	case calendar.Working:
		r.day.Weekend = false
	case calendar.Holiday:
		closest(p.holidays, func(h holidayRule) int { return h.places.fit(place) }, func(h holidayRule) { r.holiday = h.action })
		if r.holiday == weekend {
			r.day.Weekend = true
		}
	}
}

// weekdays is a set of days of the week, a bit for each time.Weekday.
type weekdays uint8

const everyDay weekdays = 1<<7 - 1

func (w weekdays) has(d time.Weekday) bool { return w&(1<<d) != 0 }

// clockSpan is a half-open span of wall time, in minutes since the midnight that its day begins with. It ends on the next day when endMinute is
// above 24 hours.
type clockSpan struct{ startMinute, endMinute int }
