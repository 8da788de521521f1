package calendar

import (
	"fmt"
	"time"
)

// Date is a day of the proleptic Gregorian calendar, as the number of days since 1970-01-01. It has no zone.
type Date int32

const (
	earliest Date = -25567 // 1900-01-01
	latest   Date = 84006  // 2200-01-01, and no calendar reaches it
)

// ParseDate reads a day as in 2026-03-01. Days outside of the years 1900 to 2199 are an error.
func ParseDate(s string) (Date, error) { return parseDate("2006-01-02", s, "2026-03-01") }

func parseDate(layout, s, example string) (Date, error) {
	t, err := time.Parse(layout, s)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no day; write it as in %s", s, example)
	}
	d := DateOf(t.Year(), t.Month(), t.Day())
	if d < earliest || d >= latest {
		return 0, fmt.Errorf("%s is not in the years 1900 to 2199", s)
	}
	return d, nil
}

// DateOf returns the day of a year, month and day of the month.
func DateOf(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday {
	return time.Weekday(((int(d)+4)%7 + 7) % 7) // day 0 was a Thursday
}

// Civil returns the year, month and day of the month.
func (d Date) Civil() (int, time.Month, int) { return time.Unix(int64(d)*86400, 0).UTC().Date() }

// String returns the day as in 2026-03-01.
func (d Date) String() string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }
