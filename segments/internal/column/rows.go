package column

import "whowhen.dev/whowhen/segments/value"

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
