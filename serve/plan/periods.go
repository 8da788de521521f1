package plan

import (
	"slices"
	"time"
)

const (
	secondsOfHour = 3600
	secondsOfDay  = 86400
)

// span is a half-open span of seconds, of Unix time or of wall time.
type span struct{ start, end int64 }

// period is a span of Unix time in which local time is ahead of UTC by one offset. Wall time is Unix time plus offset: the clock on the wall,
// counted as if it were UTC.
type period struct {
	span
	offset int64 // seconds
}

// periods cuts [from, until) where the zone's offset changes.
func periods(loc *time.Location, from, until int64) []period {
	var all []period
	for at := from; at < until; {
		local := time.Unix(at, 0).In(loc)
		_, offset := local.Zone()
		end := until
		if _, change := local.ZoneBounds(); !change.IsZero() && change.Unix() < until {
			end = change.Unix()
		}
		if n := len(all); n > 0 && all[n-1].offset == int64(offset) {
			all[n-1].end = end
		} else {
			all = append(all, period{span{at, end}, int64(offset)})
		}
		at = end
	}
	return all
}

// wallSpans returns the wall time that [s.start, s.end) shows, without repetition: sorted, disjoint and not touching. Time that daylight saving
// repeats is in it once.
func wallSpans(ps []period, s span) []span {
	var walls []span
	for _, p := range ps {
		if start, end := max(p.start, s.start), min(p.end, s.end); start < end {
			walls = append(walls, span{start + p.offset, end + p.offset})
		}
	}
	return union(walls)
}

// unixSpans appends when the clock on the wall shows a time in [wall.start, wall.end): not at all where a gap leaves it out, and twice where it
// is repeated.
func unixSpans(to []span, ps []period, wall span) []span {
	for _, p := range ps {
		if start, end := max(p.start, wall.start-p.offset), min(p.end, wall.end-p.offset); start < end {
			to = append(to, span{start, end})
		}
	}
	return to
}

// union sorts spans and joins those that overlap or touch. It reuses the slice.
func union(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int {
		switch {
		case a.start < b.start:
			return -1
		case a.start > b.start:
			return 1
		}
		return 0
	})
	joined := spans[:1]
	for _, s := range spans[1:] {
		if last := &joined[len(joined)-1]; s.start <= last.end {
			last.end = max(last.end, s.end)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// starts returns where a window of a local hour may start: the beginning of every local hour that exists in the periods, or of what exists of it,
// once. Time that the wall has shown before starts nothing. The beginning of the first period is not among them unless an hour begins there.
func starts(ps []period) []int64 {
	var all []int64
	var shown int64 // what the wall has reached
	for i, p := range ps {
		fresh, end := p.start+p.offset, p.end+p.offset
		if i > 0 {
			hour := floorTo(fresh, secondsOfHour)
			if hour < fresh && hour >= shown { // a gap left out how this hour begins
				all = append(all, p.start)
			}
			fresh, end = max(fresh, shown), max(end, shown)
		}
		for hour := floorTo(fresh+secondsOfHour-1, secondsOfHour); hour < end; hour += secondsOfHour {
			all = append(all, hour-p.offset)
		}
		shown = end
	}
	return all
}

// repeated says whether the wall shows at unix what it has shown before, in these periods.
func repeated(ps []period, unix int64) bool {
	var shown int64
	for i, p := range ps {
		if unix < p.end {
			return i > 0 && unix+p.offset < shown
		}
		if end := p.end + p.offset; i == 0 || end > shown {
			shown = end
		}
	}
	return false
}

func floorTo(x, unit int64) int64 {
	r := x % unit
	if r < 0 {
		r += unit
	}
	return x - r
}
