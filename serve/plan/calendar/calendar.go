package calendar

import (
	"fmt"
	"slices"
	"strings"
)

// Kind says what a day is.
type Kind uint8

const (
	None    Kind = iota // nothing in particular; as a row of a place it takes back what everyone's rows say
	Holiday             // a day of rest
	Working             // a working day, whatever the weekday: a make-up day
	Season              // a day of a season whose hours are shifted
)

var kindNames = [...]string{"none", "holiday", "working", "season"}

// String returns the name of the kind, as files write it.
func (k Kind) String() string { return kindNames[k] }

func parseKind(s string) (Kind, error) {
	for k, name := range kindNames {
		if strings.EqualFold(s, name) {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("%.40q is no kind of day; the kinds are %s", s, strings.Join(kindNames[:], ", "))
}

const (
	maxRows      = 200_000   // of a file
	maxRowDays   = 400       // of a row
	maxDays      = 1_000_000 // of a calendar, so that a small file cannot fill the memory
	maxNameBytes = 200
)

// Row is one or more successive days of a calendar.
type Row struct {
	// Place is a country (ISO 3166-1 alpha-2, upper case), optionally with a subdivision, as in GB-SCT. Empty is everywhere.
	Place string
	// First and Last are the first and the last day.
	First, Last Date
	Kind        Kind
	Name        string
	// Estimated is whether the days are computed, and may yet be announced otherwise.
	Estimated bool
}

// Calendar is a named set of rows. It is never changed, and may be used by any number of goroutines.
type Calendar struct {
	name   string
	rows   []Row
	places map[string]map[Date]int32 // the index of a row
}

// New makes a calendar. Of two rows about the same day and place the later one holds.
func New(name string, rows []Row) (*Calendar, error) {
	c := &Calendar{name: name, rows: slices.Clone(rows), places: map[string]map[Date]int32{}}
	total := 0
	for i, r := range c.rows {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("calendar %s: row %d: %w", name, i+1, err)
		}
		if total += int(r.Last-r.First) + 1; total > maxDays {
			return nil, fmt.Errorf("calendar %s: more than %d days", name, maxDays)
		}
		days := c.places[r.Place]
		if days == nil {
			days = map[Date]int32{}
			c.places[r.Place] = days
		}
		for d := r.First; d <= r.Last; d++ {
			days[d] = int32(i)
		}
	}
	return c, nil
}

func (r Row) check() error {
	switch {
	case r.First < earliest || r.Last >= latest:
		return fmt.Errorf("%s to %s is not in the years 1900 to 2199", r.First, r.Last)
	case r.Last < r.First:
		return fmt.Errorf("the last day %s is before the first, %s", r.Last, r.First)
	case r.Last-r.First >= maxRowDays:
		return fmt.Errorf("%s to %s is more than %d days", r.First, r.Last, maxRowDays)
	case int(r.Kind) >= len(kindNames):
		return fmt.Errorf("%d is no kind of day", r.Kind)
	case len(r.Name) > maxNameBytes:
		return fmt.Errorf("the name is longer than %d bytes", maxNameBytes)
	case r.Place != "":
		return CheckPlace(r.Place)
	}
	return nil
}

// Name returns the calendar's name.
func (c *Calendar) Name() string { return c.name }

// Rows returns the rows, in the order they were given in.
func (c *Calendar) Rows() []Row { return slices.Clone(c.rows) }

// Places returns the places that have rows of their own, sorted. Everywhere is not among them.
func (c *Calendar) Places() []string {
	var places []string
	for p := range c.places {
		if p != "" {
			places = append(places, p)
		}
	}
	slices.Sort(places)
	return places
}

// On returns the row about a day in a place, and false when there is none. The rows of a subdivision come before those of its country, and
// those before the rows for everywhere.
func (c *Calendar) On(place string, d Date) (Row, bool) {
	for {
		if i, ok := c.places[place][d]; ok {
			return c.rows[i], true
		}
		switch country, _, divided := strings.Cut(place, "-"); {
		case place == "":
			return Row{}, false
		case divided:
			place = country
		default:
			place = ""
		}
	}
}

// CheckPlace returns an error unless s is an ISO 3166-1 alpha-2 country in upper case, optionally with an ISO 3166-2 subdivision, as in GB-SCT.
func CheckPlace(s string) error {
	country, division, divided := strings.Cut(s, "-")
	ok := len(country) == 2 && inside(country, 'A', 'Z')
	if divided {
		ok = ok && len(division) >= 1 && len(division) <= 3
		for i := range len(division) {
			ok = ok && (inside(division[i:i+1], 'A', 'Z') || inside(division[i:i+1], '0', '9'))
		}
	}
	if !ok {
		return fmt.Errorf("%.40q is no place; write a country as in GB, or with a subdivision as in GB-SCT", s)
	}
	return nil
}

func inside(s string, low, high byte) bool {
	for i := range len(s) {
		if s[i] < low || s[i] > high {
			return false
		}
	}
	return true
}
