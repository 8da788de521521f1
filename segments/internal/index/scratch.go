package index

import (
	"slices"

	"whowhen.dev/whowhen/segments/internal/column"
)

// scratch is memory that one draft after the other uses. Nothing of it comes into a version.
type scratch struct {
	ordinals []uint32
	days     []int32
	list     []uint64 // to sort
	spare    []uint64
	rows     column.Rows
	counting counting
	values   []int64 // of a block; see codes
	free     []*arrivals
}

// keys returns a list of n keys to fill and then sort.
func (s *scratch) keys(n int) []uint64 {
	s.list = slices.Grow(s.list[:0], n)[:n]
	return s.list
}

// sort sorts the list, whose keys ascend by the bits below low already, as those of rows do that number them, and have nothing
// from high on. It returns the sorted list.
func (s *scratch) sort(low, high uint) []uint64 {
	const (
		few        = 256  // are sorted by comparison
		many       = 8192 // bear a large table of counts
		small, big = 8, 11
	)
	n := len(s.list)
	if n < few {
		slices.Sort(s.list)
		return s.list
	}
	if high <= low {
		return s.list
	}
	widest := uint(small)
	if n >= many {
		widest = big
	}
	passes := (high - low + widest - 1) / widest
	width := (high - low + passes - 1) / passes
	s.spare = slices.Grow(s.spare[:0], n)[:n]
	for ; low < high; low += width {
		if digitPass(s.list, s.spare, low, width) {
			s.list, s.spare = s.spare, s.list
		}
	}
	return s.list
}

// digitPass copies a list ordered by one digit, and else as it was. It says false, having copied nothing, when all have the same.
func digitPass(from, to []uint64, shift, width uint) bool {
	const mostBits = 11
	var starts [1 << mostBits]uint32
	mask := uint64(1)<<width - 1
	for _, key := range from {
		starts[key>>shift&mask&(1<<mostBits-1)]++
	}
	if int(starts[from[0]>>shift&mask]) == len(from) {
		return false
	}
	next := uint32(0)
	for i, n := range starts[:mask+1] {
		starts[i] = next
		next += n
	}
	for _, key := range from {
		at := &starts[key>>shift&mask&(1<<mostBits-1)]
		to[*at] = key
		*at++
	}
	return true
}

// arrivals returns empty ones for an event.
func (s *scratch) arrivals(event uint32) *arrivals {
	a := &arrivals{}
	if last := len(s.free) - 1; last >= 0 {
		a, s.free = s.free[last], s.free[:last]
	}
	a.event = event
	return a
}

// giveBack takes back what was returned by arrivals, to be used again unless it is large or there are some already.
func (s *scratch) giveBack(a *arrivals) {
	const mostKept, mostColumns, mostRows = 2, 32, 1 << 18
	if len(s.free) == mostKept || cap(a.props) > mostColumns || cap(a.ordinals) > 2*mostRows {
		return
	}
	clear(a.ids)
	*a = arrivals{ordinals: a.ordinals[:0], millis: a.millis[:0], utc: a.utc[:0], ids: a.ids[:0], props: a.props[:0], receipts: a.receipts[:0]}
	s.free = append(s.free, a)
}
