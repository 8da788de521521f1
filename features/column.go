// Package features turns what is known of a CID before a day into numbers: the columns of propensity models.
//
// A column is named by a canonical text in the manner of the audience language, such as count("open", within 30d), and computed
// for any past day by one function, for training and for scoring alike.
package features

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// Family says what a column measures. In the formulas D is the cut-off: only what happened before day D counts. A day's age is D-1 less the day:
// 0 for the last day that counts. A window of W days has the ages 0 to W-1; without a window it is everything kept.
type Family uint8

const (
	// Recency is the least age of a day with the event, in days; missing when there is none in the window.
	Recency Family = iota + 1
	// Count is the number of events in the window.
	Count
	// Days is the number of days in the window with the event.
	Days
	// Sum is the exact sum of a numeric property of the events in the window, in the property's unit, rounded once; values that
	// are no numbers add nothing.
	Sum
	// Trend is the events a day of a short window over those of a long one: (count(short)/short) / (count(long)/long). It is 1 where
	// nothing changes; missing when the long window has no event.
	Trend
	// Gap is the time since the last event against what is usual: the least age, over the mean distance in days between neighbouring days
	// with the event, in the window. Above 1 somebody is later than usual. Missing with fewer than two such days.
	Gap
	// Tenure is the age of the day on which the CID was first heard of, in days.
	Tenure
	// Weekend is the share of the events in the window that fell on a Saturday or Sunday, by app day; missing when there is none.
	Weekend
	// Night is the share of the events in the window between 0 and 6 o'clock where they happened, by their own UTC offset, or else in the app's
	// zone; missing when there is none.
	Night
	// Rate is the number of events over that of another event in the window, such as of clicks given sent; missing when there is none of
	// the other.
	Rate
	// Tag is 1 for who bears a tag now and 0 for others. It has no history.
	Tag
	// Attribute is the present value: a number as it is, a bool as 0 or 1, a time as the age of its app day, in days, and a string as
	// its place in a list of levels that stands beside the column, or the length of the list when it is not there. Missing when
	// there is no value. It has no history.
	Attribute
)

func (f Family) String() string {
	if int(f) < len(familyNames) && f > 0 {
		return familyNames[f]
	}
	return "unknown"
}

var familyNames = [...]string{
	Recency: "recency", Count: "count", Days: "days", Sum: "sum", Trend: "trend", Gap: "gap", Tenure: "tenure",
	Weekend: "weekend", Night: "night", Rate: "rate", Tag: "tag", Attribute: "attr",
}

// MaxWindowDays is the longest window, as in the audience language.
const MaxWindowDays = 36_500

// Column names one number about a CID. Columns are values: equal ones are the same column. Which fields have a meaning depends on the family, and
// the others are zero.
type Column struct {
	Family   Family
	Name     string // of the event, tag or attribute
	Property string // that is summed
	Per      string // event that a rate is given
	// WindowDays is the window, the short one of a trend; 0 means everything kept.
	WindowDays int
	LongDays   int // of a trend
}

// Check returns why a column cannot be, or nil.
func (c Column) Check() error {
	want := Column{Family: c.Family, Name: c.Name, WindowDays: c.WindowDays}
	switch c.Family {
	case Recency, Count, Days, Gap, Weekend, Night:
	case Sum:
		want.Property = c.Property
		if wrong := batch.CheckName(c.Property); wrong != "" {
			return fmt.Errorf("the property of a sum: %s", wrong)
		}
	case Trend:
		want.LongDays = c.LongDays
		if c.WindowDays < 1 || c.WindowDays >= c.LongDays || c.LongDays > MaxWindowDays {
			return errors.New("a trend has a short window and then a longer one, such as 7d, 30d")
		}
	case Rate:
		want.Per = c.Per
		if wrong := batch.CheckName(c.Per); wrong != "" {
			return fmt.Errorf("the second event of a rate: %s", wrong)
		}
	case Tenure:
		want.Name, want.WindowDays = "", 0
	case Tag, Attribute:
		want.WindowDays = 0
	default:
		return errors.New("a column is of one of the families recency, count, days, sum, trend, gap, tenure, weekend, night, rate, tag and attr")
	}
	if c != want {
		return fmt.Errorf("a column of the family %s has no use for some of %+v", c.Family, c)
	}
	if c.WindowDays < 0 || c.WindowDays > MaxWindowDays {
		return fmt.Errorf("a window is of 1d to %dd", MaxWindowDays)
	}
	if c.Family == Tenure {
		return nil
	}
	if wrong := batch.CheckName(c.Name); wrong != "" {
		return fmt.Errorf("the name in %s(...): %s", c.Family, wrong)
	}
	return nil
}

// String returns the canonical text, which Parse reads.
func (c Column) String() string {
	if c.Family == Tenure {
		return c.Family.String()
	}
	args := []string{value.Quote(c.Name)}
	switch {
	case c.Family == Sum && strings.Contains(c.Property, "."):
		args = append(args, value.Quote(c.Property)) // the last dot does not separate the two
	case c.Family == Sum:
		args[0] = value.Quote(c.Name + "." + c.Property)
	case c.Family == Rate:
		args = append(args, value.Quote(c.Per))
	}
	switch {
	case c.Family == Trend:
		args = append(args, days(c.WindowDays), days(c.LongDays))
	case c.WindowDays > 0:
		args = append(args, "within "+days(c.WindowDays))
	}
	return c.Family.String() + "(" + strings.Join(args, ", ") + ")"
}

func days(n int) string { return strconv.Itoa(n) + "d" }

// MarshalText returns the canonical text.
func (c Column) MarshalText() ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads a text as Parse does.
func (c *Column) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*c = parsed
	}
	return err
}

// Grows says whether the column grows with the time that the store covers, when that is so many days at first: a window that reaches beyond them
// holds more each day, as does the time since somebody was first heard of. That such a column moves says nothing.
func (c Column) Grows(coveredDays int) bool {
	switch c.Family {
	case Tenure:
		return true
	case Tag, Attribute:
		return false
	}
	return c.WindowDays == 0 || max(c.WindowDays, c.LongDays) > coveredDays
}

// Static says whether the column is of the present alone, so that a model may use it only where the fact does not change: of the past it says
// what is so now.
func (c Column) Static() bool { return c.Family == Tag || c.Family == Attribute }

// Receipt says whether the column is about messages: about an event such as push.sent.
func (c Column) Receipt() bool {
	return !c.Static() && (isReceipt(c.Name) || c.Family == Rate && isReceipt(c.Per))
}

// Exposure says whether the column grows with the number of messages sent, and so carries the policy of the time into a model: scoring fixes such
// columns at a value. Rates given sent do not.
func (c Column) Exposure() bool { return c.Receipt() && c.Family != Rate }

func isReceipt(event string) bool { return strings.HasPrefix(event, "push.") }
