package index

import (
	"math"
	"slices"
	"sort"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

// An event is late by as many days as the day on which it was received comes after the one on which it happened. Those of one day that
// are late alike have chunks of their own, told by the chunks' keys: so nothing is kept for each event, and what was on time
// is as it would be if nothing came late. Bulk loads are of history: nothing in them is late.

// lateSteps are the days that classes of lateness go up to; the last one has no end.
var lateSteps = [...]int32{0, 1, 2, 3, 5, 7, 14, 30, 90, math.MaxInt32}

// A chunk's part of its key is its class of lateness and, below that, a serial number.
const (
	lateShift  = 24
	serialMask = 1<<lateShift - 1
)

// LateForever is what an event is late by that was received more than 90 days later.
const LateForever = math.MaxInt32

func lateClass(days int32) uint32 {
	return uint32(sort.Search(len(lateSteps), func(i int) bool { return lateSteps[i] >= days }))
}

// lateDays returns by how many days the events of a chunk are late at most.
func lateDays(f *chunkFrag) int32 {
	return lateSteps[min(int(f.key.part>>lateShift), len(lateSteps)-1)]
}

// LateDays returns by how many days events of the day are late at most.
func (d *EventDay) LateDays() int32 {
	if len(d.chunks) == 0 {
		return 0
	}
	return lateDays(d.chunks[len(d.chunks)-1]) // they ascend by class
}

// EachLate calls f with how many events of the day are late by how many days at most, ascending; bounds can repeat.
func (d *EventDay) EachLate(f func(days int32, events int)) {
	for _, c := range d.chunks {
		f(lateDays(c), int(c.count))
	}
}

// ChunksWithin returns the day's events that are late by so many days at most.
func (d *EventDay) ChunksWithin(days int32) ([]*column.Chunk, error) {
	timely := *d
	for n := len(timely.chunks); n > 0 && lateDays(timely.chunks[n-1]) > days; n-- {
		timely.chunks = timely.chunks[:n-1]
	}
	return timely.Chunks()
}

// lateGroup returns the places [from, to) of the chunks of a class.
func (d *EventDay) lateGroup(class uint32) (from, to int) {
	at := func(class uint32) int {
		return sort.Search(len(d.chunks), func(i int) bool { return d.chunks[i].key.part>>lateShift >= class })
	}
	return at(class), at(class + 1)
}

// nextSerial returns a serial number that no chunk of the day has.
func (d *EventDay) nextSerial() uint32 {
	next := d.nextPart & serialMask
	for _, c := range d.chunks {
		next = max(next, c.key.part&serialMask+1)
	}
	return next
}

// receipt says that arrivals from a row on were received on a day.
type receipt struct {
	row uint32
	day int32
}

// neverLate is a day of receipt before which nothing happens.
const neverLate = math.MinInt32

// receivedDay returns the day on which a batch's events were received.
func (d *Draft) receivedDay(b *batch.Batch) int32 {
	if b.Load != nil {
		return neverLate
	}
	return d.zone.Day(floorSeconds(b.ReceivedMillis))
}

// received notes that all rows from one on were received on a day.
func (a *arrivals) received(row int, day int32) {
	if n := len(a.receipts); n == 0 || a.receipts[n-1].day != day {
		a.receipts = append(a.receipts, receipt{uint32(row), day})
	}
}

// lateness returns the class of a row that happened on a day.
func (a *arrivals) lateness(row uint32, day int32) uint32 {
	return a.receipts[sort.Search(len(a.receipts), func(i int) bool { return a.receipts[i].row > row })-1].lateness(day)
}

// lateness returns the class of what happened on a day.
func (r receipt) lateness(day int32) uint32 {
	if r.day <= day {
		return 0
	}
	return lateClass(int32(min(int64(r.day)-int64(day), math.MaxInt32)))
}

// alike says whether all that happened on a day is of one class, and of which, as far as that can be told without looking at rows.
func (a *arrivals) alike(day int32) (class uint32, ok bool) {
	class = a.receipts[0].lateness(day)
	return class, !slices.ContainsFunc(a.receipts[1:], func(r receipt) bool { return r.lateness(day) != class })
}

// addDay gives a day of a shard the rows from..to of the order, which are all of it: those that are late alike at once.
func (d *Draft) addDay(a *arrivals, o *arrivalOrder, from, to int) error {
	day, shardID := o.day(from), o.ordinal(from)/bitmap.ShardOrdinals
	if class, ok := a.alike(day); ok {
		return d.eventDay(a.event, day, shardID, class, d.scratch.gather(a, o, from, to))
	}
	mask := uint64(1)<<o.rowBits - 1
	var classes [len(lateSteps)][]uint64
	for _, key := range o.keys[from:to] {
		class := a.lateness(uint32(key&mask), day)
		classes[class] = append(classes[class], key)
	}
	for class, keys := range classes {
		if len(keys) == 0 {
			continue
		}
		some := *o
		some.keys = keys
		if err := d.eventDay(a.event, day, shardID, uint32(class), d.scratch.gather(a, &some, 0, len(keys))); err != nil {
			return err
		}
	}
	return nil
}
