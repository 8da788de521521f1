package column

import (
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// MostMerged is how many chunks Merge takes.
const MostMerged = 1 << mergedBits

const (
	mergedBits = 8
	offsetBits = 32
)

// Merge returns the rows of all chunks, of one moment of an ordinal those of earlier chunks before those of later ones. It takes
// two chunks at least and MostMerged at most.
func Merge(chunks []*Chunk) *Chunk {
	m := newMerger(chunks)
	low, high := chunks[0].low, chunks[0].high
	for _, c := range chunks {
		low, high = min(low, c.low), max(high, c.high)
	}
	merged := &Chunk{low: low, high: high, ordinals: make([]uint16, m.total)}
	for k := range bitmap.ShardBlocks {
		for _, c := range chunks {
			merged.starts[k+1] += c.starts[k+1]
		}
	}
	if uint64(high)-uint64(low) < 1<<offsetBits {
		m.place(merged)
	} else {
		m.placeOneByOne(merged) // what is no day
	}
	merged.offsets = m.ints(func(c *Chunk) Ints { return c.offsets })
	if slices.ContainsFunc(chunks, func(c *Chunk) bool { return c.utc.Len() > 0 }) {
		merged.utc = m.ints(func(c *Chunk) Ints { return c.utc.or(NoUTC, c.Len()) })
	}
	if slices.ContainsFunc(chunks, (*Chunk).HasIDs) {
		m.ids(merged)
	}
	for _, c := range chunks {
		for i := range c.props {
			if id := c.props[i].ID; merged.Prop(id) == nil {
				merged.props = append(merged.props, m.prop(id))
			}
		}
	}
	return merged
}

// merger knows where each row of some chunks goes.
type merger struct {
	chunks []*Chunk
	total  int
	to     [][]uint32 // by chunk: the place of each row among all
}

func newMerger(chunks []*Chunk) *merger {
	m := &merger{chunks: chunks, to: make([][]uint32, len(chunks))}
	for _, c := range chunks {
		m.total += c.Len()
	}
	places := make([]uint32, m.total)
	for i, c := range chunks {
		m.to[i], places = places[:c.Len():c.Len()], places[c.Len():]
	}
	return m
}

// place finds the places, block by block, and puts the ordinals there. Keys are an ordinal, an offset and the number
// of a chunk, so that the order of keys is that of rows.
func (m *merger) place(merged *Chunk) {
	var keys, spare []uint64
	var ends []int
	next := make([]int, len(m.chunks))
	for k := range bitmap.ShardBlocks {
		first := merged.starts[k]
		keys, ends = keys[:0], ends[:0]
		for i, c := range m.chunks {
			from, to := c.Block(k)
			if from == to {
				continue
			}
			keys = c.appendKeys(keys, from, to, merged.low, i)
			ends = append(ends, len(keys))
			next[i] = from
		}
		keys, spare = mergeRuns(keys, spare, ends)
		for n, key := range keys {
			i := key & (MostMerged - 1)
			m.to[i][next[i]] = uint32(first + n)
			next[i]++
			merged.ordinals[first+n] = uint16(key >> (mergedBits + offsetBits))
		}
	}
}

// placeOneByOne is place for offsets of any span.
func (m *merger) placeOneByOne(merged *Chunk) {
	next := make([]int, len(m.chunks))
	for n := range m.total {
		least := -1
		for i, c := range m.chunks {
			if next[i] < c.Len() && (least < 0 || c.before(next[i], m.chunks[least], next[least])) {
				least = i
			}
		}
		merged.ordinals[n] = m.chunks[least].ordinals[next[least]]
		m.to[least][next[least]] = uint32(n)
		next[least]++
	}
}

// before says whether a row comes before one of another chunk, whatever the order of their coming.
func (c *Chunk) before(row int, other *Chunk, otherRow int) bool {
	a, b := c.Ordinal(row), other.Ordinal(otherRow)
	return a < b || a == b && c.offsets.At(row) < other.offsets.At(otherRow)
}

func (c *Chunk) appendKeys(keys []uint64, from, to int, low int64, number int) []uint64 {
	n := len(keys)
	keys = slices.Grow(keys, to-from)[:n+to-from]
	own := keys[n:]
	switch delta := uint64(c.offsets.base - low); c.offsets.width {
	case 0:
		keysOf[byte](own, c.ordinals[from:to], nil, delta, number)
	case 1:
		keysOf(own, c.ordinals[from:to], c.offsets.b1[from:to], delta, number)
	case 2:
		keysOf(own, c.ordinals[from:to], c.offsets.b2[from:to], delta, number)
	case 4:
		keysOf(own, c.ordinals[from:to], c.offsets.b4[from:to], delta, number)
	case 8:
		keysOf(own, c.ordinals[from:to], c.offsets.b8[from:to], delta, number)
	}
	return keys
}

func keysOf[T byte | uint16 | uint32 | uint64](keys []uint64, ordinals []uint16, offsets []T, delta uint64, number int) {
	for i, o := range ordinals {
		offset := delta
		if offsets != nil {
			offset += uint64(offsets[i])
		}
		keys[i] = uint64(o)<<(mergedBits+offsetBits) | offset<<mergedBits | uint64(number)
	}
}

// mergeRuns sorts a list of sorted runs, which end at ends, and returns it and what to use as spare the next time.
func mergeRuns(keys, spare []uint64, ends []int) (sorted, other []uint64) {
	spare = slices.Grow(spare[:0], len(keys))[:len(keys)]
	for len(ends) > 1 {
		kept, from := ends[:0], 0
		for i := 0; i < len(ends); i += 2 {
			middle, to := ends[i], ends[min(i+1, len(ends)-1)]
			mergeTwo(spare[from:to], keys[from:middle], keys[middle:to])
			kept, from = append(kept, to), to
		}
		ends = kept
		keys, spare = spare, keys
	}
	return keys, spare
}

// mergeTwo does without branches that cannot be foreseen, while there is something in both.
func mergeTwo(to, a, b []uint64) {
	n := 0
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		x, y := a[i], b[j]
		right := 0
		if y < x {
			right = 1
		}
		to[n] = min(x, y)
		j += right
		i += 1 - right
		n++
	}
	n += copy(to[n:], a[i:])
	copy(to[n:], b[j:])
}

// or returns the list, or n times a value when it is empty.
func (c *Ints) or(v int64, n int) Ints {
	if c.n > 0 {
		return *c
	}
	return Ints{base: v, n: n}
}

// ints merges a column.
func (m *merger) ints(of func(*Chunk) Ints) Ints {
	lists := make([]Ints, len(m.chunks))
	low, high := int64(0), int64(0)
	for i, c := range m.chunks {
		lists[i] = of(c)
		least, most := lists[i].bounds()
		if i == 0 {
			low, high = least, most
		}
		low, high = min(low, least), max(high, most)
	}
	merged := Ints{base: low, n: m.total, width: widthOf(uint64(high) - uint64(low))}
	switch merged.width {
	case 1:
		merged.b1 = spread[byte](lists, m.to, m.total, low)
	case 2:
		merged.b2 = spread[uint16](lists, m.to, m.total, low)
	case 4:
		merged.b4 = spread[uint32](lists, m.to, m.total, low)
	case 8:
		merged.b8 = spread[uint64](lists, m.to, m.total, low)
	}
	return merged
}

// bounds returns the least and the greatest value.
func (c *Ints) bounds() (low, high int64) {
	switch c.width {
	case 1:
		return boundsOf(c.b1, c.base)
	case 2:
		return boundsOf(c.b2, c.base)
	case 4:
		return boundsOf(c.b4, c.base)
	case 8:
		return boundsOf(c.b8, c.base)
	}
	return c.base, c.base
}

func boundsOf[T byte | uint16 | uint32 | uint64](list []T, base int64) (low, high int64) {
	least, most := list[0], list[0]
	for _, v := range list {
		least, most = min(least, v), max(most, v)
	}
	return base + int64(least), base + int64(most)
}

// spread returns the values of all lists in their places.
func spread[T byte | uint16 | uint32 | uint64](lists []Ints, to [][]uint32, total int, base int64) []T {
	merged := make([]T, total)
	for i := range lists {
		switch l, delta := &lists[i], T(uint64(lists[i].base)-uint64(base)); l.width {
		case 0:
			for _, at := range to[i] {
				merged[at] = delta
			}
		case 1:
			spreadOne(merged, l.b1, to[i], delta)
		case 2:
			spreadOne(merged, l.b2, to[i], delta)
		case 4:
			spreadOne(merged, l.b4, to[i], delta)
		case 8:
			spreadOne(merged, l.b8, to[i], delta)
		}
	}
	return merged
}

func spreadOne[T, F byte | uint16 | uint32 | uint64](merged []T, list []F, to []uint32, delta T) {
	to = to[:len(list)]
	for i, v := range list {
		merged[to[i]] = delta + T(v)
	}
}

// prop merges a property.
func (m *merger) prop(id uint32) Prop {
	props := make(map[*Chunk]*Prop, len(m.chunks))
	scaled := false
	for _, c := range m.chunks {
		if p := c.Prop(id); p != nil {
			props[c] = p
			scaled = scaled || p.scales.Len() > 0
		} else {
			props[c] = &Prop{}
		}
	}
	kinds := m.ints(func(c *Chunk) Ints { return props[c].kinds.or(0, c.Len()) })
	data := m.ints(func(c *Chunk) Ints { return props[c].data.or(0, c.Len()) })
	if !scaled {
		return newProp(id, kinds, data, Ints{})
	}
	data, scales := oneScale(kinds, data, m.ints(func(c *Chunk) Ints { return props[c].scales.or(0, c.Len()) }))
	return newProp(id, kinds, data, scales)
}

// ids merges the event ids.
func (m *merger) ids(merged *Chunk) {
	ends, bytes := make([]int64, m.total), 0
	for i, c := range m.chunks {
		bytes += len(c.ids)
		for row, at := range m.to[i] {
			ends[at] = int64(len(c.ID(row)))
		}
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	merged.ids = make([]byte, bytes)
	for i, c := range m.chunks {
		for row, at := range m.to[i] {
			id := c.ID(row)
			copy(merged.ids[ends[at]-int64(len(id)):], id)
		}
	}
	merged.idEnds = NewInts(ends)
}
