package propensity

import (
	"fmt"
	"time"
)

const secondsPerDay = 86400

// Day is a civil day of the app's zone, counted from 1970-01-01.
type Day int32

// ParseDay reads a day as 2026-01-31.
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return 0, fmt.Errorf("%q is not a day between 1970 and 9999, such as 2026-01-31", text)
	}
	return Day(t.Unix() / secondsPerDay), nil
}

// String returns the day as 2026-01-31.
func (d Day) String() string { return time.Unix(int64(d)*secondsPerDay, 0).UTC().Format(time.DateOnly) }

// Start returns the first moment of the day in a zone.
func (d Day) Start(zone *time.Location) time.Time {
	t := time.Unix(int64(d)*secondsPerDay, 0).UTC()
	// Where clocks change at midnight, Date may take the day before; some zones have left out whole days.
	for start, tries := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone), 0; ; start, tries = start.Add(time.Hour), tries+1 {
		if y, m, day := start.Date(); tries == 25 || time.Date(y, m, day, 0, 0, 0, 0, time.UTC).Unix() >= t.Unix() {
			return start
		}
	}
}
