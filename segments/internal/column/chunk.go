package column

import (
	"slices"
	"sort"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// Chunk is Rows made immutable and sorted by ordinal, then by offset, so that one event is found without a
// search through all of a busy CID's; of one moment they stay in the order they came in.
type Chunk struct {
	ordinals  []uint16                    // within their blocks
	starts    [bitmap.ShardBlocks + 1]int // of each block's rows
	offsets   Ints
	utc       Ints // empty when none is known
	idEnds    Ints // empty when no event has an id
	ids       []byte
	props     []Prop
	low, high int64 // least and greatest offset
}

// Prop is a property's column in a chunk.
type Prop struct {
	ID                  uint32
	kinds, data, scales Ints // scales is empty when all are 0
	topScale            uint8
}

func newProp(id uint32, kinds, data, scales Ints) Prop {
	p := Prop{ID: id, kinds: kinds, data: data, scales: scales, topScale: uint8(scales.base)}
	if scales.width > 0 {
		for _, above := range scales.b1 {
			p.topScale = max(p.topScale, uint8(scales.base)+above)
		}
	}
	return p
}

// Len returns the number of rows.
func (c *Chunk) Len() int { return len(c.ordinals) }

// Block returns the rows [from, to) whose ordinals lie in block k.
func (c *Chunk) Block(k int) (from, to int) { return c.starts[k], c.starts[k+1] }

// find returns the rows [from, to) of one ordinal.
func (c *Chunk) find(ordinal uint32) (from, to int) {
	start, end := c.Block(int(ordinal >> 16))
	rows, x := c.ordinals[start:end], uint16(ordinal)
	from, _ = slices.BinarySearch(rows, x)
	if x == 1<<16-1 {
		return start + from, end
	}
	to, _ = slices.BinarySearch(rows[from:], x+1)
	return start + from, start + from + to
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
func (c *Chunk) Ordinal(row int) uint32 {
	k := sort.Search(bitmap.ShardBlocks, func(k int) bool { return c.starts[k+1] > row })
	return uint32(k)<<16 | uint32(c.ordinals[row])
}

// Ordinals returns the ordinals of rows [from, to), which lie in one block, within that. The caller must not change them.
func (c *Chunk) Ordinals(from, to int) []uint16 { return c.ordinals[from:to] }

// Offset returns a row's offset in milliseconds, as Rows has it.
func (c *Chunk) Offset(row int) int64 { return c.offsets.At(row) }

// OffsetsBetween makes mask which of n rows, from row from on, have an offset in the range; see Ints.Between.
func (c *Chunk) OffsetsBetween(mask []uint64, from, n int, r Range) {
	c.offsets.Between(mask, from, n, r)
}

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

// ReadData copies the Data of rows from..from+len(to), whatever the kind and the scale, and returns it.
func (p *Prop) ReadData(to []int64, from int) []int64 { return p.data.Read(to, from) }

// OnlyKind returns the kind of all values, if they share one.
func (p *Prop) OnlyKind() (k value.Kind, ok bool) {
	return value.Kind(p.kinds.base), p.kinds.width == 0
}

// Scales returns the least and the greatest scale.
func (p *Prop) Scales() (least, most uint8) { return uint8(p.scales.base), p.topScale }

// KindsBetween makes mask which of n rows, from row from on, have a value of a kind in [low, high]; see Ints.Between.
func (p *Prop) KindsBetween(mask []uint64, from, n int, low, high value.Kind) {
	p.kinds.Between(mask, from, n, Range{int64(low), int64(high)})
}

// ScalesAre makes mask which of n rows, from row from on, have a scale.
func (p *Prop) ScalesAre(mask []uint64, from, n int, scale uint8) {
	if p.scales.Len() > 0 {
		p.scales.Between(mask, from, n, Range{int64(scale), int64(scale)})
	} else if scale == 0 {
		fillMask(mask, n)
	} else {
		clear(mask)
	}
}

// Between makes mask which of n rows, from row from on, have Data in the range, whatever the kind and the scale.
func (p *Prop) Between(mask []uint64, from, n int, r Range) { p.data.Between(mask, from, n, r) }

// InCodes makes mask which of n rows, from row from on, have as Data the number of a bit that is set in codes, whatever the
// kind.
func (p *Prop) InCodes(mask []uint64, from, n int, codes []uint64) {
	p.data.InCodes(mask, from, n, codes)
}
