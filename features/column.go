// Package features turns what is known of a CID before a day into numbers: the columns of propensity models.
//
// A column is named by a canonical text in the manner of the audience language, such as count("open", within 30d), and computed
// for any past day by one function, for training and for scoring alike.
package features

import (
	"errors"
	"fmt"
	"math"
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
	// Days is the number of days in the window with the event. Like Count and Sum it may be Scaled.
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
	// Pace is the number of events in the window over the days since the first of them, for 30 days, and Flow the same of a sum: 30 n/(T + 30)
	// with T the distance in days from that first day to D. Unlike Count and Sum, neither grows while the store covers less time than the window. The 30
	// days in the denominator keep newcomers from extremes. Both are 0 when there is no event.
	Pace
	Flow
	// Habit is the share of the spans of so many days, since the oldest day in the window with the event, that have a day with it. Spans are laid from
	// the newest day backwards. It is shrunk to one half, (n + 1/2)/(m + 1) with n spans of m, as few spans say little; missing when there is no day.
	Habit
	// Chance is that of another day with the event within the span to come, as told by the days in the window with it: their number x+1, the
	// distance t in days between the first and the last of them, and the distance T from the first of them to D. It is the closed form of the
	// BG/NBD model, whose people have days at a rate of their own and may give up after each (P. Fader, B. Hardie and K. Lee, "Counting your
	// customers" the easy way, Marketing Science 2005), with the constants r=1, α=100, a=0.3, b=3 for everybody, so that the same days mean the same number
	// anywhere; a model fits its own curve to it. Missing when there is no day.
	Chance
	// Popularity says how popular among everybody what somebody took is at present: it is the mean rank of the CID's events in the window that have a string
	// or a whole number as a property. The rank of a value is, of everybody's events of the last SpanDays days with one, the share whose value came less often
	// and half of those whose value came as often, so that their mean is one half whatever the season; it is 0 for a value that none of them had. An event
	// weighs 2^(-days/SpanDays), in days before the CID's newest day with the event, down to 2^-17, and three events of full weight and rank one half are
	// added, as few events say little. Missing when no event in the window counts.
	Popularity
	// Typical is what the CID's events in the window usually have as a numeric property, in its unit: a geometric mean of their values and of three
	// more that are Around, as few events say little. With s(x) = sign(x) log2(1 + |x|) it is the x of which s(x) = (3 s(Around) + sum of s)/(3 + n), where n events
	// have a number. The s of each is rounded to 2^-24 and then added up exactly, so that a value is known to about 4e-8 of 1 + |value|: more than a column holds of
	// 1 and above, and nothing of 1e-8. Missing when n is 0.
	Typical
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
	Pace: "pace", Flow: "flow", Habit: "habit", Chance: "chance", Popularity: "popularity", Typical: "typical", Weekend: "weekend", Night: "night", Rate: "rate", Tag: "tag", Attribute: "attr",
}

// MaxWindowDays is the longest window, as in the audience language.
const MaxWindowDays = 36_500

// Column names one number about a CID. Columns are values: equal ones are the same column. Which fields have a meaning depends on the family, and
// the others are zero.
type Column struct {
	Family Family
	Name   string // of the event, tag or attribute
	// Anything says that the column is of all events but those about messages, as if they were one, and has no name: their days are the days with any of
	// them, and their number is the sum of their numbers.
	Anything bool
	Property string // of a sum, flow, popularity or typical
	Per      string // event that a rate is given
	// WindowDays is the window, the short one of a trend; 0 means everything kept.
	WindowDays int
	LongDays   int // of a trend
	SpanDays   int // of a habit, chance or popularity
	// Around is the value that a typical is brought towards, in the property's unit: 0, or of a size from 1e-18 to 2^63, as stored numbers are. It is part
	// of the column, and not looked up, so that training and scoring have the same.
	Around float64
	// Scaled says that a count, days or sum is for WindowDays days of data: where they begin at SinceDay, L days before D and L < WindowDays, it is
	// times WindowDays / L. Thus it is that of the window once the data reach so far back, and before that it does not grow with them. The day is part of the
	// column, and not looked up, so that no stray record can move it. It is in days since 1970-01-01.
	Scaled   bool
	SinceDay int32
}

// The days that a column may be scaled from, of the years 1 to 9999.
const firstSinceDay, lastSinceDay = -719_162, 2_932_896

// The sizes that a typical may be around, besides 0: those of a value.Decimal.
const leastAround, mostAround = 1e-18, 1 << 63

// Check returns why a column cannot be, or nil.
func (c Column) Check() error {
	want := Column{Family: c.Family, Name: c.Name, Anything: c.Anything, WindowDays: c.WindowDays}
	switch c.Family {
	case Recency, Gap, Pace, Weekend, Night:
	case Count, Days:
		want.Scaled, want.SinceDay = c.Scaled, c.SinceDay
	case Sum, Flow, Popularity, Typical:
		want.Property = c.Property
		switch c.Family {
		case Sum:
			want.Scaled, want.SinceDay = c.Scaled, c.SinceDay
		case Typical:
			if size := math.Abs(c.Around); size != 0 && !(size >= leastAround && size <= mostAround) {
				return errors.New("what a typical is around is 0, or of a size from 1e-18 to 2^63")
			}
			want.Around = c.Around
		}
		if wrong := batch.CheckName(c.Property); wrong != "" {
			return fmt.Errorf("the property of a %s: %s", c.Family, wrong)
		}
	case Habit, Chance:
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
		return errors.New("a column is of one of the families recency, count, days, sum, trend, gap, pace, flow, habit, chance, popularity, typical, tenure, weekend, night, rate, tag and attr")
	}
	if c.spans() {
		want.SpanDays = c.SpanDays
		if most := c.longestSpanDays(); c.SpanDays < 1 || c.SpanDays > most {
			return fmt.Errorf("the span of a %s is of 1d to %dd", c.Family, most)
		}
	}
	if c.Anything && !c.Family.ofAnything() {
		return fmt.Errorf("%s(...) is of a name; of anything there are recency, count, days, trend, gap, pace, habit, chance and weekend", c.Family)
	}
	if c != want {
		return fmt.Errorf("a column of the family %s has no use for some of %+v", c.Family, c)
	}
	if c.WindowDays < 0 || c.WindowDays > MaxWindowDays || c.Scaled && c.WindowDays == 0 {
		return fmt.Errorf("a window is of 1d to %dd", MaxWindowDays)
	}
	if !c.Scaled && c.SinceDay != 0 || c.SinceDay < firstSinceDay || c.SinceDay > lastSinceDay {
		return errors.New("a column per so many days of data begins on a day of the years 1 to 9999")
	}
	if c.Family == Tenure || c.Anything && c.Name == "" {
		return nil
	}
	if c.Anything {
		return fmt.Errorf("a column of anything has no name, and not %s", value.Quote(c.Name))
	}
	if wrong := batch.CheckName(c.Name); wrong != "" {
		return fmt.Errorf("the name in %s(...): %s", c.Family, wrong)
	}
	return nil
}

// ofAnything says whether a column of the family can be of all events. Those that can need no more of an event than how often who did it on which day: what else
// there is would have to be read for each event of each day.
func (f Family) ofAnything() bool {
	switch f {
	case Recency, Count, Days, Trend, Gap, Pace, Habit, Chance, Weekend:
		return true
	}
	return false
}

// ofProperty says whether the column is made of a property.
func (c Column) ofProperty() bool {
	return c.Family == Sum || c.Family == Flow || c.Family == Popularity || c.Family == Typical
}

// spans says whether the column has a number of days besides its window.
func (c Column) spans() bool {
	return c.Family == Habit || c.Family == Chance || c.Family == Popularity
}

// longestSpanDays bounds what everybody's events are read of.
func (c Column) longestSpanDays() int {
	if c.Family == Popularity {
		return 366
	}
	return MaxWindowDays
}

// Grows says whether the column moves with the time that the store covers, when that is so many days at first: a window that reaches beyond them
// holds more each day, and a scaled one newcomers for a lesser part of it; the time since somebody was first heard of grows, too. That such a column
// moves says nothing.
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

// Receipt says whether the column is about messages: about an event such as push.sent. Anything is about no such event.
func (c Column) Receipt() bool {
	return !c.Static() && (isReceipt(c.Name) || c.Family == Rate && isReceipt(c.Per))
}

// Exposure says whether the column grows with the number of messages sent, and so carries the policy of the time into a model: scoring fixes such
// columns at a value. Rates given sent do not.
func (c Column) Exposure() bool { return c.Receipt() && c.Family != Rate }

func isReceipt(event string) bool { return strings.HasPrefix(event, "push.") }
