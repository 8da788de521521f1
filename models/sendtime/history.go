package sendtime

import "math/bits"

// Hours is how many hours a local day has.
const Hours = 24

// History is what is known of the rhythm of one CID. It has the fields of features/rhythm.State in the same order, so that one converts to the
// other, and a change of one that is not made to the other does not compile.
type History struct {
	Hours, Weekend     [Hours]uint16
	Received, Answered [Hours]uint16
	Days               [7]uint16
	Recent             [Hours]float32
	RecentDays         float32
	WeekDays           float32

	FirstDay, LastDay int32
	LastHours         [3]uint32

	LastSeconds   int64
	OffsetMinutes int16
	Seen          bool
	Shown         bool
	ShownSeconds  int64

	Lately         float32
	MessageDay     int32
	MessageSeconds int64
	MessageHour    uint8
	Waiting        bool
	RestDays       uint8
}

func (h *History) activeDays() int {
	n := 0
	for _, d := range h.Days {
		n += int(d)
	}
	return n
}

func (h *History) weekendDays() int {
	rest := h.RestDays
	if rest == 0 {
		rest = 1<<0 | 1<<6
	}
	n := 0
	for w, d := range h.Days {
		if rest>>w&1 != 0 {
			n += int(d)
		}
	}
	return n
}

// lastHour is the latest active hour of the last active day.
func (h *History) lastHour() int { return max(0, bits.Len32(h.LastHours[0])-1) }

// Question is what is asked about a CID besides its history.
type Question struct {
	// Day is the local day asked about, in days since 1970-01-01, and Weekend whether it is lived as one.
	Day     int32
	Weekend bool
	// Ahead says that the day before is unknown as well, as when a plan is made ahead.
	Ahead bool
	// OffsetMinutes is what the CID's clock is ahead of UTC, as far as known; it chooses the curve of its zone. Zoned says that it is known.
	OffsetMinutes int16
	Zoned         bool
	// Country is the index of the CID's country in the model, NoCountry if it is not known or has no curve.
	Country int
}

// NoCountry is the country of those whose country says nothing.
const NoCountry = -1

// Level says whose habits an answer rests on most.
type Level uint8

// The levels, from the least evidence to the most.
const (
	LevelPrior    Level = iota // nobody's: an assumed curve, as there is no data at all
	LevelEveryone              // those of everyone
	LevelZone                  // those of the CID's zone or country
	LevelUser                  // its own
)

// String returns prior, everyone, zone or user.
func (l Level) String() string {
	return [...]string{"prior", "everyone", "zone", "user"}[min(l, LevelUser)]
}

// Answer is what a model says of a CID and a day.
type Answer struct {
	// Hour are the probabilities of activity in each local hour, on a day with activity.
	Hour [Hours]float64
	// Active is the probability that there is activity on the day at all.
	Active float64
	Level  Level
	// ActiveDays is on how many days of its own the answer rests.
	ActiveDays int
	// clicks is what the columns of the base add to the log-odds of an answer to a message, by Model.Click.
	clicks [Hours]float64
}
