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
}

// Curve is what is known of one CID's chance of engaging.
type Curve struct {
	// Hour returns the chance that a message sent in this local hour of this day earns engagement, from 0 to 1. It must return the same for
	// the same arguments. What is no number counts as 0; what is out of range, as the nearer end.
	Hour func(day Day, hour int) float64
	// Any returns the chance of any activity in a window, from the hours that it contains. When it is nil, hours are taken for independent:
	// 1 - product of (1 - chance)^share over the parts. It must not keep parts.
	Any func(parts []Part) float64
}

// Subject is the CID to plan for.
type Subject struct {
	CID string
	// Zone is its zone, or nil when none is known; then the app's is used, and the answer says so.
	Zone     *Zone
	ZoneFrom ZoneFrom
	// Place is its country (ISO 3166-1 alpha-2, upper case), optionally with a subdivision, as in GB-SCT; empty when it is not known.
	Place      string
	Curve      Curve
	Evidence   Evidence
	ActiveDays uint32
}
