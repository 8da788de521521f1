package column

import (
	"cmp"
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

// NewChunk returns the rows as a chunk. At least one row is needed.
func NewChunk(r *Rows) *Chunk {
	sorted := true
	for i := 1; i < len(r.Ordinals) && sorted; i++ {
		sorted = r.Ordinals[i-1] < r.Ordinals[i] || r.Ordinals[i-1] == r.Ordinals[i] && r.Offsets[i-1] <= r.Offsets[i]
	}
	if sorted {
		return newChunk(r, nil)
	}
	order := make([]uint64, len(r.Ordinals))
	for i, o := range r.Ordinals {
		order[i] = uint64(o)<<32 | uint64(i)
	}
	slices.Sort(order)
	byOffset(order, r.Offsets)
	rows := make([]uint32, len(order))
	for i, o := range order {
		rows[i] = uint32(o)
	}
	return newChunk(r, rows)
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

// newChunk returns the rows in an order, nil when they are in order already.
func newChunk(r *Rows, order []uint32) *Chunk {
	n := len(r.Ordinals)
	c := &Chunk{ordinals: make([]uint16, n), low: slices.Min(r.Offsets), high: slices.Max(r.Offsets)}
	ordinals := inOrder(r.Ordinals, order, make([]uint32, 0, n))
	k := 0
	for i, o := range ordinals {
		c.ordinals[i] = uint16(o)
		for ; k < int(o>>16); k++ {
			c.starts[k+1] = i
		}
	}
	for ; k < bitmap.ShardBlocks; k++ {
		c.starts[k+1] = n
	}
	buf := make([]int64, 0, n)
	c.offsets = NewInts(inOrder(r.Offsets, order, buf))
	if len(r.UTC) > 0 {
		c.utc = NewInts(inOrder(r.UTC, order, buf))
	}
	if len(r.IDs) > 0 {
		for _, id := range inOrder(r.IDs, order, nil) {
			c.ids = append(c.ids, id...)
			buf = append(buf, int64(len(c.ids)))
		}
		c.ids, c.idEnds = slices.Clone(c.ids), NewInts(buf)
		buf = buf[:0]
	}
	for i := range r.Props {
		p := &r.Props[i]
		kinds, data, scales := NewInts(widened(p.Kinds, order, buf)), NewInts(inOrder(p.Data, order, buf)), Ints{}
		if len(p.Scales) > 0 {
			scales = NewInts(widened(p.Scales, order, buf))
			data, scales = oneScale(kinds, data, scales)
		}
		c.props = append(c.props, newProp(p.ID, kinds, data, scales))
	}
	return c
}

// oneScale brings all numbers to the largest scale, by which they are compared and summed much faster, if that takes no
// more memory. What is not a number gets the scale too, without a meaning.
func oneScale(kinds, data, scales Ints) (Ints, Ints) {
	if scales.width == 0 {
		return data, scales
	}
	scale := uint8(0)
	for i := range scales.n {
		scale = max(scale, uint8(scales.At(i)))
	}
	aligned := data.All()
	for i := range aligned {
		if value.Kind(kinds.At(i)) != value.Number {
			continue
		}
		var fits bool
		if aligned[i], fits = (Cell{aligned[i], uint8(scales.At(i))}).at(scale); !fits {
			return data, scales
		}
	}
	if all := NewInts(aligned); all.width <= data.width+scales.width {
		return all, Ints{base: int64(scale), n: scales.n}
	}
	return data, scales
}

// inOrder returns the list in an order, by way of buf unless it is in order already.
func inOrder[T any](list []T, order []uint32, buf []T) []T {
	if order == nil {
		return list
	}
	for _, row := range order {
		buf = append(buf, list[row])
	}
	return buf
}

func widened[T ~uint8](list []T, order []uint32, buf []int64) []int64 {
	for _, v := range list {
		buf = append(buf, int64(v))
	}
	for i, row := range order {
		buf[i] = int64(list[row])
	}
	return buf
}

// NoUTC stands for an event whose UTC offset is not known.
const NoUTC = -1 << 15

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
