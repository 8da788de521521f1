package bench

import (
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"whowhen.dev/whowhen/segments/internal/baseline"
)

// Library holds a dataset in bitmaps of the roaring library. What a query needs is made when it is first asked, outside of
// what is measured, if the query is asked once before. It serves one goroutine.
type Library struct {
	data       Dataset
	tags       map[int]*baseline.Set
	days       map[int][]baseline.Day
	categories map[int][][]*baseline.Set // of events, by category and day
	numbers    map[int]*baseline.Number
	counter    *baseline.Counter
}

// NewLibrary returns the dataset's library.
func NewLibrary(d Dataset) *Library {
	return &Library{
		data: d, tags: map[int]*baseline.Set{}, days: map[int][]baseline.Day{},
		categories: map[int][][]*baseline.Set{}, numbers: map[int]*baseline.Number{},
	}
}

// each calls f with the numbers below n, in as many goroutines as there are processors.
func each(n int, f func(i int)) {
	var done sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	done.Wait()
}

// words collects the bits of all blocks.
func (l *Library) words(fill func(block int, words *[BlockWords]uint64)) []uint64 {
	all := make([]uint64, l.data.Blocks()*BlockWords)
	for block := range l.data.Blocks() {
		fill(block, (*[BlockWords]uint64)(all[block*BlockWords:]))
	}
	return all
}

// withTags makes sure that some tags are there.
func (l *Library) withTags(tags ...int) []*baseline.Set {
	missing := slices.DeleteFunc(slices.Clone(tags), func(t int) bool { return l.tags[t] != nil })
	made := make([]*baseline.Set, len(missing))
	each(len(missing), func(i int) {
		made[i] = baseline.FromWords(l.words(func(block int, words *[BlockWords]uint64) { l.data.TagWords(missing[i], block, words) }))
	})
	for i, t := range missing {
		l.tags[t] = made[i]
	}
	sets := make([]*baseline.Set, len(tags))
	for i, t := range tags {
		sets[i] = l.tags[t]
	}
	return sets
}

// and5 counts (a and b and (c or d)) and not e.
func (l *Library) and5(tags [5]int) uint64 {
	s := l.withTags(tags[:]...)
	return baseline.And5(s[0], s[1], s[2], s[3], s[4])
}

// withDays makes sure that an event's days are there.
func (l *Library) withDays(event int) []baseline.Day {
	if days := l.days[event]; days != nil {
		return days
	}
	days := make([]baseline.Day, Days)
	each(Days, func(day int) {
		var presence []uint32
		var planes [3][]uint32 // nobody does anything more than 6 times a day
		for block := range l.data.Blocks() {
			rows := l.data.Happened(event, day, block).Ordinals
			for i := 0; i < len(rows); {
				first := i
				for i < len(rows) && rows[i] == rows[first] {
					i++
				}
				presence = append(presence, rows[first])
				for more := uint(i - first - 1); more != 0; more &= more - 1 {
					k := bits.TrailingZeros(more)
					planes[k] = append(planes[k], rows[first])
				}
			}
		}
		days[day].Presence = baseline.FromMembers(presence)
		for _, members := range planes {
			days[day].Planes = append(days[day].Planes, baseline.FromMembers(members))
		}
	})
	l.days[event] = days
	return days
}

func (l *Library) counting() *baseline.Counter {
	if l.counter == nil {
		l.counter = baseline.NewCounter(l.data.CIDs)
	}
	return l.counter
}

func (l *Library) daysAtLeast(event int, n uint8) uint64 {
	return l.counting().DaysAtLeast(n, l.withDays(event))
}

func (l *Library) eventsAtLeast(event int, n uint8) uint64 {
	return l.counting().EventsAtLeast(n, l.withDays(event))
}

// withCategories makes sure that a bitmap for each category and day of an event is there: as rows by value would be
// kept for fast answers.
func (l *Library) withCategories(event int) [][]*baseline.Set {
	if sets := l.categories[event]; sets != nil {
		return sets
	}
	sets := make([][]*baseline.Set, len(l.data.Categories()))
	for c := range sets {
		sets[c] = make([]*baseline.Set, Days)
	}
	each(Days, func(day int) {
		members := make([][]uint32, len(sets))
		for block := range l.data.Blocks() {
			rows := l.data.Happened(event, day, block)
			for i, c := range rows.Category {
				members[c] = append(members[c], rows.Ordinals[i])
			}
		}
		for c := range sets {
			sets[c][day] = baseline.FromMembers(slices.Compact(members[c]))
		}
	})
	l.categories[event] = sets
	return sets
}

func (l *Library) didCategory(event, category int) uint64 {
	return baseline.Union(l.withCategories(event)[category])
}

// withNumber makes sure that a number's planes are there.
func (l *Library) withNumber(number int) *baseline.Number {
	if n := l.numbers[number]; n != nil {
		return n
	}
	planes := make([][]uint64, l.data.Numbers()[number].Bits)
	for k := range planes {
		planes[k] = make([]uint64, l.data.Blocks()*BlockWords)
	}
	present := make([]uint64, l.data.Blocks()*BlockWords)
	each(l.data.Blocks(), func(block int) {
		values := make([]int64, BlockOrdinals)
		l.data.Values(number, block, values, (*[BlockWords]uint64)(present[block*BlockWords:]))
		for i, v := range values {
			for ; v != 0; v &= v - 1 {
				planes[bits.TrailingZeros64(uint64(v))][block*BlockWords+i>>6] |= 1 << (i & 63)
			}
		}
	})
	n := &baseline.Number{Present: baseline.FromWords(present)}
	for _, plane := range planes {
		n.Planes = append(n.Planes, baseline.FromWords(plane))
	}
	l.numbers[number] = n
	return n
}

func (l *Library) above(number int, k uint64) uint64 { return l.withNumber(number).Above(k) }
