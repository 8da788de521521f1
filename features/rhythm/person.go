package rhythm

import (
	"time"

	"whowhen.dev/whowhen/features/weekend"
)

// Person is a CID with all that is read of it.
type Person struct {
	Ordinal  uint32
	HeardDay int32 // app day on which it was first heard of
	// Zone is where it lives by its profile, the app's zone if that does not say. ZoneKnown tells the two apart.
	Zone      *time.Location
	ZoneKnown bool
	// Country is the code of its country, segments.View.AttributeText telling the text; below 0 if there is none.
	Country int64
	Rest    weekend.Days // the weekend of its country
	Events  []Event      // in the order of their time
}

// Zoned says whether it is known where the CID is, from its profile or from the offset of an event before.
func (p *Person) Zoned(s *State) bool { return p.ZoneKnown || s.Seen }

// OffsetDays is for how long an offset that was seen counts against a profile: a traveller may have come home since.
const OffsetDays = 30

// Offset returns what the CID's clock is ahead of UTC in minutes at a moment, as far as its state tells: as it was last seen, but for the
// changes of its profile's zone if it was there, or may be there again.
func (p *Person) Offset(s *State, seconds int64) int16 {
	home := p.ZoneKnown && seconds-s.LastSeconds > OffsetDays*secondsPerDay
	if !s.Seen || home || s.OffsetMinutes == offsetAt(p.Zone, s.LastSeconds) {
		return offsetAt(p.Zone, seconds)
	}
	return s.OffsetMinutes
}

// follow gives events without an offset of their own the one that was seen before, of somebody whose profile tells no zone: what a server reports of
// it happened where it was.
func follow(events []Event) {
	offset, seen := int16(0), false
	for i := range events {
		switch e := &events[i]; {
		case e.Own:
			offset, seen = e.OffsetMinutes, true
		case seen:
			e.OffsetMinutes = offset
		}
	}
}

func offsetAt(zone *time.Location, seconds int64) int16 {
	_, offset := time.Unix(seconds, 0).In(zone).Zone()
	return int16(offset / secondsPerMinute)
}
