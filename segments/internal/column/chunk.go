package column

import (
	"encoding/binary"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// Rows are events of one name, app day and shard in the order they came in, by column.
type Rows struct {
	Ordinals []uint32 // within the shard
	// Offsets are milliseconds from the day's midnight as if the app's zone were UTC,
	// so that they may be negative or exceed a day.
	Offsets []int64
	UTC     []int64  // own UTC offsets in minutes; empty when none is known
	IDs     []string // event ids; empty when none has one
	Props   []RowsProp
}

// RowsProp is one property of Rows. Strings and lists are codes of the property's dictionary.
type RowsProp struct {
	ID     uint32
	Kinds  []value.Kind
	Data   []int64
	Scales []uint8 // empty when all are 0
}

// Chunk is Rows made immutable and sorted by ordinal; events of one ordinal stay in the order
// they came in.
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

// Find returns the rows [from, to) of one ordinal.
func (c *Chunk) Find(ordinal uint32) (from, to int) {
	k := ordinal >> 16
	from = c.search(c.starts[k], c.starts[k+1], int64(ordinal))
	return from, c.search(from, c.starts[k+1], int64(ordinal)+1)
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

// Merge returns the rows of both, those of a before those of b.
func Merge(a, b *Chunk) *Chunk {
	var r Rows
	a.unpack(&r, a.Len()+b.Len(), 0)
	b.unpack(&r, a.Len()+b.Len(), a.Len())
	return NewChunk(&r)
}

// unpack writes the chunk's rows to places at..at+Len of rows that will be total in number.
func (c *Chunk) unpack(r *Rows, total, at int) {
	n := c.Len()
	if r.Ordinals == nil {
		r.Ordinals, r.Offsets = make([]uint32, total), make([]int64, total)
	}
	for i, o := range c.ordinals.All() {
		r.Ordinals[at+i] = uint32(o)
	}
	c.offsets.Read(r.Offsets[at:at+n], 0)
	if c.utc.Len() > 0 {
		if r.UTC == nil {
			r.UTC = make([]int64, total)
			for i := range r.UTC {
				r.UTC[i] = NoUTC
			}
		}
		c.utc.Read(r.UTC[at:at+n], 0)
	}
	if c.HasIDs() {
		if r.IDs == nil {
			r.IDs = make([]string, total)
		}
		for i := range n {
			r.IDs[at+i] = string(c.ID(i))
		}
	}
	for i := range c.props {
		p := &c.props[i]
		to := r.prop(p.ID, total)
		for row := range n {
			cell := p.Cell(row)
			to.Kinds[at+row], to.Data[at+row] = p.Kind(row), cell.Data
			if cell.Scale != 0 && to.Scales == nil {
				to.Scales = make([]uint8, total)
			}
			if to.Scales != nil {
				to.Scales[at+row] = cell.Scale
			}
		}
	}
}

// NoUTC stands for an event whose UTC offset is not known.
const NoUTC = -1 << 15

func (r *Rows) prop(id uint32, total int) *RowsProp {
	for i := range r.Props {
		if r.Props[i].ID == id {
			return &r.Props[i]
		}
	}
	r.Props = append(r.Props, RowsProp{ID: id, Kinds: make([]value.Kind, total), Data: make([]int64, total)})
	return &r.Props[len(r.Props)-1]
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

// AppendTo appends the chunk's encoding.
func (c *Chunk) AppendTo(buf []byte) ([]byte, error) {
	for _, list := range []*Ints{&c.ordinals, &c.offsets, &c.utc, &c.idEnds} {
		buf = list.AppendTo(buf)
	}
	buf = append(buf, c.ids...)
	buf = binary.AppendUvarint(buf, uint64(len(c.props)))
	for i := range c.props {
		p := &c.props[i]
		buf = binary.AppendUvarint(buf, uint64(p.ID))
		for _, list := range []*Ints{&p.kinds, &p.data, &p.scales} {
			buf = list.AppendTo(buf)
		}
	}
	return buf, nil
}

// DecodeChunk reads what AppendTo wrote.
func DecodeChunk(data []byte) (*Chunk, error) {
	c := new(Chunk)
	var err error
	for _, list := range []*Ints{&c.ordinals, &c.offsets, &c.utc, &c.idEnds} {
		if *list, data, err = DecodeInts(data); err != nil {
			return nil, err
		}
	}
	n := c.Len()
	if n == 0 || c.offsets.Len() != n || !c.utc.fits(n) || !c.idEnds.fits(n) {
		return nil, errDamaged
	}
	last := int64(0)
	for i := range n {
		o := c.ordinals.At(i)
		if o < last || o >= bitmap.ShardOrdinals {
			return nil, errDamaged
		}
		last = o
	}
	if c.HasIDs() {
		last = 0
		for i := range n {
			end := c.idEnds.At(i)
			if end < last || end > int64(len(data)) {
				return nil, errDamaged
			}
			last = end
		}
		c.ids, data = append([]byte(nil), data[:last]...), data[last:]
	}
	count, size := binary.Uvarint(data)
	if size <= 0 || count > uint64(len(data)) {
		return nil, errDamaged
	}
	data = data[size:]
	for range count {
		id, size := binary.Uvarint(data)
		if size <= 0 || id > 1<<32-1 {
			return nil, errDamaged
		}
		data = data[size:]
		p := Prop{ID: uint32(id)}
		for _, list := range []*Ints{&p.kinds, &p.data, &p.scales} {
			if *list, data, err = DecodeInts(data); err != nil {
				return nil, err
			}
		}
		if p.kinds.Len() != n || p.data.Len() != n || !p.scales.fits(n) {
			return nil, errDamaged
		}
		for i := range n {
			if k := p.kinds.At(i); k < 0 || k > int64(value.List) || p.scales.Len() > 0 && (p.scales.At(i) < 0 || p.scales.At(i) > value.MaxScale) {
				return nil, errDamaged
			}
		}
		c.props = append(c.props, p)
	}
	if len(data) > 0 {
		return nil, errDamaged
	}
	c.low, c.high = c.offsets.At(0), c.offsets.At(0)
	for i := range n {
		c.low, c.high = min(c.low, c.offsets.At(i)), max(c.high, c.offsets.At(i))
	}
	c.index()
	return c, nil
}

// fits says whether an optional list is empty or has n values.
func (c *Ints) fits(n int) bool { return c.n == 0 || c.n == n }

// Drop takes out the rows marked.
func (r *Rows) Drop(marked []bool) {
	r.Ordinals, r.Offsets = drop(r.Ordinals, marked), drop(r.Offsets, marked)
	r.UTC, r.IDs = drop(r.UTC, marked), drop(r.IDs, marked)
	for i := range r.Props {
		p := &r.Props[i]
		p.Kinds, p.Data, p.Scales = drop(p.Kinds, marked), drop(p.Data, marked), drop(p.Scales, marked)
	}
}

func drop[T any](list []T, marked []bool) []T {
	kept := list[:0]
	for i, v := range list {
		if !marked[i] {
			kept = append(kept, v)
		}
	}
	return kept
}
