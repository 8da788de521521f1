package column

import (
	"cmp"
	"slices"
	"sort"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// Chunk is Rows made immutable and sorted by ordinal, then by offset, so that one event is found without a
// search through all of a busy CID's; of one moment they stay in the order they came in.
type Chunk struct {
	ordinals, offsets Ints
	utc               Ints // empty when none is known
	idEnds            Ints // empty when no event has an id
	ids               []byte
	props             []Prop
	starts            [bitmap.ShardBlocks + 1]int // of each block's rows
	low, high         int64                       // least and greatest offset
}

// Prop is a property's column in a chunk.
type Prop struct {
	ID                  uint32
	kinds, data, scales Ints // scales is empty when all are 0
}

// NewChunk returns the rows as a chunk. At least one row is needed.
func NewChunk(r *Rows) *Chunk {
	n := len(r.Ordinals)
	order := make([]uint64, n)
	sorted := true
	for i, o := range r.Ordinals {
		order[i] = uint64(o)<<32 | uint64(i)
		sorted = sorted && (i == 0 || order[i-1] <= order[i])
	}
	if !sorted {
		slices.Sort(order)
	}
	byOffset(order, r.Offsets)
	buf := make([]int64, n)
	gather := func(at func(i int) int64) Ints {
		for k, o := range order {
			buf[k] = at(int(uint32(o)))
		}
		return NewInts(buf)
	}
	c := &Chunk{
		ordinals: gather(func(i int) int64 { return int64(r.Ordinals[i]) }),
		offsets:  gather(func(i int) int64 { return r.Offsets[i] }),
		low:      slices.Min(r.Offsets),
		high:     slices.Max(r.Offsets),
	}
	if len(r.UTC) > 0 {
		c.utc = gather(func(i int) int64 { return r.UTC[i] })
	}
	if len(r.IDs) > 0 {
		for k, o := range order {
			c.ids = append(c.ids, r.IDs[uint32(o)]...)
			buf[k] = int64(len(c.ids))
		}
		c.idEnds = NewInts(buf)
	}
	for i := range r.Props {
		p := &r.Props[i]
		column := Prop{ID: p.ID,
			kinds: gather(func(i int) int64 { return int64(p.Kinds[i]) }),
			data:  gather(func(i int) int64 { return p.Data[i] }),
		}
		if len(p.Scales) > 0 {
			column.scales = gather(func(i int) int64 { return int64(p.Scales[i]) })
		}
		c.props = append(c.props, column)
	}
	c.index()
	return c
}

// byOffset sorts each run of one ordinal, in ordinal<<32 | row, by the rows' offsets. Mostly they are in order.
func byOffset(order []uint64, offsets []int64) {
	for from := 0; from < len(order); {
		to, ascending := from+1, true
		for ; to < len(order) && order[to]>>32 == order[from]>>32; to++ {
			ascending = ascending && offsets[uint32(order[to-1])] <= offsets[uint32(order[to])]
		}
		if !ascending {
			slices.SortStableFunc(order[from:to], func(a, b uint64) int { return cmp.Compare(offsets[uint32(a)], offsets[uint32(b)]) })
		}
		from = to
	}
}

// index finds where each block's rows start.
func (c *Chunk) index() {
	for k := range c.starts {
		c.starts[k] = c.search(0, c.Len(), int64(k)<<16)
	}
}

// search returns the first row in [from, to) whose ordinal is at least x, or to.
func (c *Chunk) search(from, to int, x int64) int {
	for from < to {
		middle := int(uint(from+to) >> 1)
		if c.ordinals.At(middle) < x {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// Len returns the number of rows.
func (c *Chunk) Len() int { return c.ordinals.Len() }

// Block returns the rows [from, to) whose ordinals lie in block k.
func (c *Chunk) Block(k int) (from, to int) { return c.starts[k], c.starts[k+1] }

// find returns the rows [from, to) of one ordinal.
func (c *Chunk) find(ordinal uint32) (from, to int) {
	k := ordinal >> 16
	from = c.search(c.starts[k], c.starts[k+1], int64(ordinal))
	return from, c.search(from, c.starts[k+1], int64(ordinal)+1)
}

// FindAt returns the rows [from, to) of one ordinal at one offset.
func (c *Chunk) FindAt(ordinal uint32, offset int64) (from, to int) {
	from, to = c.find(ordinal)
	first := from + sort.Search(to-from, func(i int) bool { return c.offsets.At(from+i) >= offset })
	for from = first; first < to && c.offsets.At(first) == offset; first++ {
	}
	return from, first
}

// Offsets returns the least and the greatest offset.
func (c *Chunk) Offsets() (low, high int64) { return c.low, c.high }

// Ordinal returns a row's ordinal within the shard.
func (c *Chunk) Ordinal(row int) uint32 { return uint32(c.ordinals.At(row)) }

// Offset returns a row's offset in milliseconds, as Rows has it.
func (c *Chunk) Offset(row int) int64 { return c.offsets.At(row) }

// ReadOrdinals and ReadOffsets copy the values of rows from..from+len(to).
func (c *Chunk) ReadOrdinals(to []int64, from int) []int64 { return c.ordinals.Read(to, from) }

// ReadOffsets copies the offsets of rows from..from+len(to).
func (c *Chunk) ReadOffsets(to []int64, from int) []int64 { return c.offsets.Read(to, from) }

// HasIDs says whether any row has an event id.
func (c *Chunk) HasIDs() bool { return c.idEnds.Len() > 0 }

// ID returns a row's event id, empty when it has none.
func (c *Chunk) ID(row int) []byte {
	if !c.HasIDs() {
		return nil
	}
	from := int64(0)
	if row > 0 {
		from = c.idEnds.At(row - 1)
	}
	return c.ids[from:c.idEnds.At(row)]
}

// Prop returns the column of a property, nil when no row has it.
func (c *Chunk) Prop(id uint32) *Prop {
	for i := range c.props {
		if c.props[i].ID == id {
			return &c.props[i]
		}
	}
	return nil
}

// Kind returns the kind of a row's value.
func (p *Prop) Kind(row int) value.Kind { return value.Kind(p.kinds.At(row)) }

// Cell returns a row's value.
func (p *Prop) Cell(row int) Cell {
	c := Cell{Data: p.data.At(row)}
	if p.scales.Len() > 0 {
		c.Scale = uint8(p.scales.At(row))
	}
	return c
}

// MemoryBytes returns how much memory the chunk takes.
func (c *Chunk) MemoryBytes() int {
	n := 256 + c.ordinals.MemoryBytes() + c.offsets.MemoryBytes() + c.utc.MemoryBytes() + c.idEnds.MemoryBytes() + len(c.ids)
	for i := range c.props {
		p := &c.props[i]
		n += 8 + p.kinds.MemoryBytes() + p.data.MemoryBytes() + p.scales.MemoryBytes()
	}
	return n
}
