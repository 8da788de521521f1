// Package civil counts days the way the people in a time zone do.
//
// A day is a number: days since 1970-01-01 of the zone's calendar. The day of a moment
// is the date that a clock on the wall shows, so days have 23 to 25 hours around a change of
// the clocks, and where clocks are set back across midnight a day can come in two pieces.
package civil

import (
	"math"
	"time"
)

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

// Other returns another Zone of the same location, for another goroutine.
func (z *Zone) Other() *Zone { return NewZone(z.location) }

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

// Span is a stretch of seconds, both ends included.
type Span struct{ First, Last int64 }

// Until returns the seconds whose day is not after a day, ascending, the first span beginning at the start
// of time. It is one span, but two or more where clocks were set back across midnight.
func (z *Zone) Until(day int32) []Span {
	// The following day begins, in any zone, within these hours of UTC.
	from, to := int64(day+1)*secondsPerDay-16*3600, int64(day+1)*secondsPerDay+16*3600
	spans := []Span{{math.MinInt64, from - 1}}
	for at := from; at < to; at = z.toSeconds {
		if at < z.fromSeconds || at >= z.toSeconds {
			z.seek(at)
		}
		// While these clocks hold, the day ends where the wall shows the next midnight.
		end := min(int64(day+1)*secondsPerDay-z.offsetSeconds, z.toSeconds)
		switch last := &spans[len(spans)-1]; {
		case end <= at:
		case last.Last == at-1:
			last.Last = end - 1
		default:
			spans = append(spans, Span{at, end - 1})
		}
	}
	return spans
}

// LastSecond returns the last second of a day. Of a day that the zone's calendar leaves out
// it returns the last second of the day before.
func (z *Zone) LastSecond(day int32) int64 {
	spans := z.Until(day)
	return spans[len(spans)-1].Last
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
