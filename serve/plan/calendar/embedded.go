package calendar

import (
	_ "embed"
	"strings"
)

//go:embed data/holidays.csv
var holidaysCSV string

//go:embed data/ramadan.csv
var ramadanCSV string

const (
	// Holidays names the calendar of public holidays that is brought along: those of the whole country in AE, BR, CN, DE, GB, ID, IN, JP, MX, SA,
	// TH, US and VN from 2025 to 2028, with China's make-up working days as far as they are announced.
	Holidays = "holidays"
	// Ramadan names the calendar of Ramadan that is brought along: the days of Umm al-Qura from 2020 to 2040, and where ID and IN keep others.
	Ramadan = "ramadan"
)

// Embedded returns the calendars that are brought along.
func Embedded() ([]*Calendar, error) {
	holidays, err := ReadCSV(Holidays, strings.NewReader(holidaysCSV))
	if err != nil {
		return nil, err
	}
	ramadan, err := ReadCSV(Ramadan, strings.NewReader(ramadanCSV))
	if err != nil {
		return nil, err
	}
	return []*Calendar{holidays, ramadan}, nil
}
