// Package civil counts days the way the people in a time zone do.
//
// A day is a number: days since 1970-01-01 of the zone's calendar. The day of a moment
// is the date that a clock on the wall shows, so days have 23 to 25 hours around a change of
// the clocks, and where clocks are set back across midnight a day can come in two pieces.
package civil

import "time"

// Zone counts days in one time zone. It is not safe for concurrent use; making
// one is cheap.
type Zone struct {
	location *time.Location
	// The span in which offsetSeconds holds, the last one looked at.
	fromSeconds, toSeconds int64
	offsetSeconds          int64
}

// NewZone returns the zone of a location.
func NewZone(l *time.Location) *Zone { return &Zone{location: l} }

const secondsPerDay = 86400

// Day returns the day of a moment.
func (z *Zone) Day(seconds int64) int32 {
	if seconds < z.fromSeconds || seconds >= z.toSeconds {
		z.seek(seconds)
	}
	return int32(floorDiv(seconds+z.offsetSeconds, secondsPerDay))
}

// seek finds the span that a moment lies in.
func (z *Zone) seek(seconds int64) {
	const forever = 1 << 60
	t := time.Unix(seconds, 0).In(z.location)
	start, end := t.ZoneBounds()
	_, offset := t.Zone()
	z.offsetSeconds = int64(offset)
	z.fromSeconds, z.toSeconds = -forever, forever
	if !start.IsZero() {
		z.fromSeconds = start.Unix()
	}
	if !end.IsZero() {
		z.toSeconds = end.Unix()
	}
}

// LastSecond returns the last second of a day. Of a day that the zone's calendar leaves out
// it returns the last second of the day before.
func (z *Zone) LastSecond(day int32) int64 {
	// The following day starts, in any zone, within this span of UTC.
	from, to := int64(day+1)*secondsPerDay-16*3600, int64(day+1)*secondsPerDay+16*3600
	last := from
	for at := from; at < to; at = z.toSeconds {
		if at < z.fromSeconds || at >= z.toSeconds {
			z.seek(at)
		}
		// Within this span the day ends where the wall shows the next midnight.
		end := min(int64(day+1)*secondsPerDay-z.offsetSeconds, z.toSeconds)
		if end > at {
			last = end - 1
		}
	}
	return last
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// DayStart is the moment that offsets within a day count from, in milliseconds: the day's
// midnight as if the zone were UTC. It is the same for every zone, which keeps
// offsets free of ambiguity when clocks change.
func DayStart(day int32) int64 { return int64(day) * secondsPerDay * 1000 }

// Format returns a day as 2006-01-02.
func Format(day int32) string {
	return time.Unix(int64(day)*secondsPerDay, 0).UTC().Format(time.DateOnly)
}
