package plan

import "whowhen.dev/whowhen/serve/plan/calendar"

// ZoneFrom says where a CID's zone came from.
type ZoneFrom uint8

const (
	FromApp     ZoneFrom = iota // the app's zone: nothing is known of the CID's own
	FromProfile                 // the zone of its profile
	FromOffsets                 // the offsets of its own recent events
)

// Evidence is the level that a probability rests on, as the model that computed it tells. It is passed through.
type Evidence uint8

const (
	EvidencePrior    Evidence = iota // a curve that was brought along: no data at all
	EvidenceEveryone                 // everyone's activity
	EvidenceZone                     // the activity of the zone or country
	EvidenceUser                     // the CID's own activity
)

// Day is a local day of a CID as a rhythm sees it.
type Day struct {
	Date calendar.Date
	// Weekend is whether the day has the rhythm of a weekend: by the weekday, by a holiday that the policy gives that rhythm, and not on a
	// make-up working day.
	Weekend bool
}

// Part is the share of one local hour that lies in a window.
type Part struct {
	Day Day
	// Hour is the local hour, 0 to 23.
	Hour uint8
	// Like is the hour whose chance stands for this one: the hour itself, except in a season whose days have shifted hours.
	Like uint8
	// Factor multiplies the chance: 1, except in a season.
	Factor float32
	// Share is how much of the hour the window contains, above 0 and at most 1. Time that comes twice counts once.
	Share float32

	seconds int64  // the same
	scale   uint32 // Factor
}

func (p *Part) class() int {
	if p.Day.Weekend {
		return 1
	}
	return 0
}

// Hours is how many hours a local day has.
const Hours = 24

// Curve is the chance that a message earns engagement when it is sent in a local hour, on a weekday and on a day of the weekend.
type Curve [2][Hours]Chance

// BestHours is how many hours of a class of day a Habit tells one by one.
const BestHours = 3

// Habit is a Curve in a few words. A class of day is 0 for weekdays and 1 for the weekend.
type Habit struct {
	// Hour are the best hours, best first. What is no hour counts for nothing, and of an hour that is named twice the better counts.
	Hour [2][BestHours]uint8
	// Chance are theirs, in steps of 2^-32: each above the next, and the last above 0.
	Chance [2][BestHours]uint32
	// Others are the hours that are not among the best.
	Others *Others
}

// HabitCertain would be the chance of what is certain in a Habit.
const HabitCertain = 1 << habitBits

const habitBits = chanceBits - otherBits

// Others says what the chance of each hour is that is not among the best of a Habit: in steps of 1/4096 of that of the last of the best, up to
// MaxOther, so that it is below. It is shared by many.
type Others [2][Hours]uint16

const otherBits = 12

// MaxOther is the most of Others; what is above counts as that.
const MaxOther = 1<<otherBits - 1

// best is the chance of the best hours.
func (h *Habit) best(class, rank int) Chance { return Chance(h.Chance[class][rank]) << otherBits }

// other is the chance of an hour that is not among them.
func (h *Habit) other(class int, hour uint8) Chance {
	return Chance(h.Chance[class][BestHours-1]) * Chance(h.Others.of(class, hour))
}

func (o *Others) of(class int, hour uint8) uint32 { return uint32(min(o[class][hour], MaxOther)) }

// at is the chance of an hour.
func (h *Habit) at(class int, hour uint8) Chance {
	for rank, best := range h.Hour[class] {
		if best == hour {
			return h.best(class, rank)
		}
	}
	return h.other(class, hour)
}

// Curve writes all hours to a Curve.
func (h *Habit) Curve(to *Curve) {
	for class := range to {
		for hour := range to[class] {
			to[class][hour] = h.other(class, uint8(hour))
		}
		for rank := BestHours - 1; rank >= 0; rank-- {
			if hour := h.Hour[class][rank]; hour < Hours {
				to[class][hour] = h.best(class, rank)
			}
		}
	}
}

// Subject is the CID to plan for.
type Subject struct {
	CID string
	// Ordinal spreads its send times if it is Known; its text does otherwise.
	Ordinal uint32
	Known   bool
	// Zone is its zone, or nil when none is known; then the app's is used, and the answer says so.
	Zone     *Zone
	ZoneFrom ZoneFrom
	// Place is its country (ISO 3166-1 alpha-2, upper case), optionally with a subdivision, as in GB-SCT; empty when it is not known.
	Place string
	// Curve ranks windows. A message is sent at a moment that is spread evenly over its window, so the chance of a window is the mean over its
	// hours. nil is no chance in any hour.
	Curve *Curve
	// Any returns the chance of any activity in a window, from what it contains of hours. It is asked about windows that are answered only, and must not keep parts.
	// When it is nil, the hours of Curve are taken for independent: 1 - product of (1 - chance)^share over the parts.
	Any        func(parts []Part) float64
	Evidence   Evidence
	ActiveDays uint32
}
