package load

import (
	"math"
	"sort"
	"time"
)

// localZone turns local times into moments. It remembers the spans of constant offset it
// has met, because a look-up in a time.Location costs more than the rest of reading a time.
//
// A local time counts with the offset in force before a change of clocks, both when the clocks
// show it twice and when they skip it. So each span of constant offset owns one half-open range of
// local times, and the ranges meet without gap or overlap.
type localZone struct {
	location *time.Location
	spans    []localSpan // ascending
	last     localSpan
}

// localSpan is a range of local seconds, counted as if they were UTC, with one offset.
type localSpan struct{ from, to, offset int64 }

func newLocalZone(location *time.Location) *localZone {
	return &localZone{location: location}
}

// unix returns the Unix time of a local time given in seconds as if it were UTC.
func (z *localZone) unix(local int64) int64 {
	if local < z.last.from || local >= z.last.to {
		z.last = z.span(local)
	}
	return local - z.last.offset
}

func (z *localZone) span(local int64) localSpan {
	i := sort.Search(len(z.spans), func(i int) bool { return z.spans[i].to > local })
	if i < len(z.spans) && z.spans[i].from <= local {
		return z.spans[i]
	}
	s := z.find(local)
	z.spans = append(z.spans, localSpan{})
	copy(z.spans[i+1:], z.spans[i:])
	z.spans[i] = s
	return s
}

// find asks the location. A local time taken for UTC is less than a day from the moment meant, so
// the span sought is the one there or a neighbour.
func (z *localZone) find(local int64) localSpan {
	at := time.Unix(local, 0).In(z.location)
	for {
		start, end := at.ZoneBounds()
		_, offset := at.Zone()
		s := localSpan{from: math.MinInt64, to: math.MaxInt64, offset: int64(offset)}
		if !start.IsZero() {
			_, before := start.Add(-time.Second).Zone()
			s.from = start.Unix() + max(int64(before), s.offset)
		}
		if !end.IsZero() {
			_, after := end.Zone()
			s.to = end.Unix() + max(int64(after), s.offset)
		}
		switch {
		case local < s.from:
			at = start.Add(-time.Second)
		case local >= s.to:
			at = end
		default:
			return s
		}
	}
}
