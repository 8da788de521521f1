// Package index holds what an app knows in the form that queries read: immutable
// versions made of fragments, each at one position of the log.
//
// The applier drafts the next version from the newest one, sharing every fragment a batch does
// not touch, and publishes it in one step. Readers pin a version and never see
// another. A checkpoint writes a version's new fragments to the store, then the
// manifest that lists all of them.
package index

import (
	"math"
	"slices"
	"sort"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

// Version is the index at one position of the log. It is immutable; fragments
// that are not in memory are read from the store, so most methods can fail.
type Version struct {
	Position uint64
	CIDs     int // ordinals 0 to CIDs-1 are known

	cache       *Cache
	shards      []*shard
	retention   *retention // nil when everything is kept for ever
	sweptMillis int64      // tags that expired up to then are in no row
	scores      []*Score
}

type shard struct {
	heard      [bitmap.ShardBlocks]*columnFrag
	tags       []*tagRows    // by tag; nil where nobody bears it
	attributes []*blocks     // by attribute
	events     [][]*EventDay // by event, ascending by day
	scores     []scoreSides  // by number of the score; nil where nobody has one
}

type blocks [bitmap.ShardBlocks]*columnFrag

// tagRows is a tag. The expiry column has those too who bore the tag until it expired, for some time.
type tagRows struct {
	row    *rowFrag // nil where nobody bears it
	expiry blocks
}

// EventDay is what happened of one event on one day in one shard.
type EventDay struct {
	Day int32
	// LowMillis and HighMillis are the times of the first and the last event.
	LowMillis, HighMillis int64

	presence *rowFrag
	planes   []*rowFrag
	chunks   []*chunkFrag
	nextPart uint32
	cache    *Cache
}

// Shards returns the number of shards.
func (v *Version) Shards() int { return len(v.shards) }

// BlockCIDs returns how many ordinals of a block are known.
func (v *Version) BlockCIDs(shard, block int) int {
	return max(0, min(bitmap.BlockOrdinals, v.CIDs-shard*bitmap.ShardOrdinals-block*bitmap.BlockOrdinals))
}

// HeardBetween returns the least and the greatest second in which CIDs of a block were first heard of; any is false where there are none.
func (v *Version) HeardBetween(shard, block int) (low, high int64, any bool) {
	f := v.shards[shard].heard[block]
	if f == nil {
		return 0, 0, false
	}
	return f.low, f.high, true
}

// Heard returns a block of the column that says in which second each CID was first heard of. The block must not be empty.
func (v *Version) Heard(shard, block int) (*column.Block, error) {
	return v.shards[shard].heard[block].get(v.cache, column.DecodeBlock)
}

// Tag returns the row of a tag, nil when nobody bears it.
func (v *Version) Tag(shard int, tag uint32) (*bitmap.Bitmap, error) {
	t := at(v.shards[shard].tags, tag)
	if t == nil || t.row == nil {
		return nil, nil
	}
	return t.row.get(v.cache, bitmap.Decode)
}

// TagInBlock returns how many bear a tag in a block, expired ones included, without reading who.
func (v *Version) TagInBlock(shard int, tag uint32, block int) int {
	t := at(v.shards[shard].tags, tag)
	if t == nil || t.row == nil {
		return 0
	}
	return int(t.row.inBlock[block])
}

// TagInMemory says whether a tag's row need not be read from the store.
func (v *Version) TagInMemory(shard int, tag uint32) bool {
	t := at(v.shards[shard].tags, tag)
	return t == nil || t.row == nil || t.row.loaded.Load() != nil
}

// AttributeInMemory says whether a block of an attribute's column need not be read from the store.
func (v *Version) AttributeInMemory(shard int, attribute uint32, block int) bool {
	a := at(v.shards[shard].attributes, attribute)
	return a == nil || a[block] == nil || a[block].loaded.Load() != nil
}

// TagExpiry returns a block of a tag's expiry column, in milliseconds, when some of its
// expiries are not later than that moment; otherwise nil. The tag's row does not have those any more whose
// expiry is not after sweptMillis.
func (v *Version) TagExpiry(shard int, tag uint32, block int, notLaterMillis int64) (b *column.Block, sweptMillis int64, err error) {
	t := at(v.shards[shard].tags, tag)
	if t == nil || t.expiry[block] == nil || t.expiry[block].low > notLaterMillis {
		return nil, 0, nil
	}
	b, err = t.expiry[block].get(v.cache, column.DecodeBlock)
	return b, v.sweptMillis, err
}

// Attribute returns a block of an attribute's column, nil when it is empty.
func (v *Version) Attribute(shard int, attribute uint32, block int) (*column.Block, error) {
	a := at(v.shards[shard].attributes, attribute)
	if a == nil || a[block] == nil {
		return nil, nil
	}
	return a[block].get(v.cache, column.DecodeBlock)
}

// EventDays returns the days from..to, both included, on which anything of an
// event happened, ascending.
func (v *Version) EventDays(shard int, event uint32, from, to int32) []*EventDay {
	days := at(v.shards[shard].events, event)
	low := sort.Search(len(days), func(i int) bool { return days[i].Day >= from })
	high := sort.Search(len(days), func(i int) bool { return days[i].Day > to })
	return days[low:max(low, high)]
}

// TagCount returns how many CIDs bear a tag, expired ones included.
func (v *Version) TagCount(tag uint32) (n uint64) {
	for _, s := range v.shards {
		if t := at(s.tags, tag); t != nil && t.row != nil {
			n += uint64(t.row.count)
		}
	}
	return n
}

// AttributeCount returns how many CIDs have an attribute.
func (v *Version) AttributeCount(attribute uint32) (n uint64) {
	for _, s := range v.shards {
		if a := at(s.attributes, attribute); a != nil {
			for _, f := range a {
				if f != nil {
					n += uint64(f.count)
				}
			}
		}
	}
	return n
}

// EventCount returns how many events there are of a name from a day on, and the first and last day.
func (v *Version) EventCount(event uint32, from int32) (n uint64, first, last int32) {
	seen := false
	for shard := range v.shards {
		for _, d := range v.EventDays(shard, event, from, math.MaxInt32) {
			n += uint64(d.Events())
			if !seen {
				first, last, seen = d.Day, d.Day, true
			}
			first, last = min(first, d.Day), max(last, d.Day)
		}
	}
	return n, first, last
}

// Presence returns who did the event on the day.
func (d *EventDay) Presence() (*bitmap.Bitmap, error) { return d.presence.get(d.cache, bitmap.Decode) }

// InMemory says whether the row of who did the event on the day need not be read from the store.
func (d *EventDay) InMemory() bool { return d.presence.loaded.Load() != nil }

// InBlock returns how many did the event on the day in a block, without reading who.
func (d *EventDay) InBlock(block int) int { return int(d.presence.inBlock[block]) }

// Planes returns the bits of (number of events - 1), lowest first.
func (d *EventDay) Planes() ([]*bitmap.Bitmap, error) {
	planes := make([]*bitmap.Bitmap, len(d.planes))
	for i, f := range d.planes {
		var err error
		if planes[i], err = f.get(d.cache, bitmap.Decode); err != nil {
			return nil, err
		}
	}
	return planes, nil
}

// Chunks returns the day's events, earlier arrivals first.
func (d *EventDay) Chunks() ([]*column.Chunk, error) {
	chunks := make([]*column.Chunk, len(d.chunks))
	for i, f := range d.chunks {
		var err error
		if chunks[i], err = f.get(d.cache, column.DecodeChunk); err != nil {
			return nil, err
		}
	}
	return chunks, nil
}

// Events returns the number of events.
func (d *EventDay) Events() int {
	n := 0
	for _, f := range d.chunks {
		n += int(f.count)
	}
	return n
}

// at returns element i, or the zero value beyond the end.
func at[T any](list []T, i uint32) T {
	if int(i) < len(list) {
		return list[i]
	}
	var none T
	return none
}

// put sets element i, lengthening the list as needed.
func put[T any](list []T, i uint32, v T) []T {
	for int(i) >= len(list) {
		var none T
		list = append(list, none)
	}
	list[i] = v
	return list
}

// clone returns a shard that can be changed without touching the original: lists of
// fragments are copied, fragments are shared.
func (s *shard) clone() *shard {
	c := *s
	c.tags, c.attributes, c.events = slices.Clone(s.tags), slices.Clone(s.attributes), slices.Clone(s.events)
	c.scores = slices.Clone(s.scores)
	return &c
}

// each calls f with every fragment.
func (s *shard) each(f func(anyFrag)) {
	eachBlock := func(b *blocks) {
		for _, c := range b {
			if c != nil {
				f(c)
			}
		}
	}
	eachBlock((*blocks)(&s.heard))
	for _, t := range s.tags {
		if t != nil {
			if t.row != nil {
				f(t.row)
			}
			eachBlock(&t.expiry)
		}
	}
	for _, a := range s.attributes {
		if a != nil {
			eachBlock(a)
		}
	}
	for _, pair := range s.scores {
		for _, b := range pair {
			if b != nil {
				eachBlock(b)
			}
		}
	}
	for _, days := range s.events {
		for _, d := range days {
			f(d.presence)
			for _, p := range d.planes {
				f(p)
			}
			for _, c := range d.chunks {
				f(c)
			}
		}
	}
}
