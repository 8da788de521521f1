package column

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// Cell is a stored value: a number's coefficient and scale or, with scale 0, a code,
// a bool, a moment.
type Cell struct {
	Data  int64
	Scale uint8
}

// Change sets or unsets the cell of one ordinal.
type Change struct {
	At   uint16 // ordinal within the block
	Set  bool
	Cell Cell
}

// Block is a forward column over one block of ordinals: for each either a cell or nothing. The
// zero Block has no cells. Blocks are immutable.
type Block struct {
	// members are the ordinals with a cell, ascending, when they are few; otherwise nil, and
	// values has a place for each ordinal up to the last.
	members []uint16
	present bitmap.Block
	values  Ints
	scales  Ints // empty when all cells have scale
	scale   uint8
	low     int64 // least and greatest Data when scales is empty
	high    int64
	due     atomic.Pointer[due] // the last that was asked for
}

// due lists the ordinals whose cell lies between two bounds, ascending by cell.
type due struct {
	after, upTo int64
	ordinals    []uint16
}

// sparseBelow is the number of cells below which a column names its members.
const sparseBelow = 8192

// Count returns the number of cells.
func (b *Block) Count() int { return b.present.Count() }

// Present returns the ordinals that have a cell.
func (b *Block) Present() *bitmap.Block { return &b.present }

// Range returns the least and the greatest Data. It has no meaning for an empty block
// or one whose scales differ.
func (b *Block) Range() (low, high int64) { return b.low, b.high }

// At returns the cell of an ordinal and whether there is one.
func (b *Block) At(x uint16) (Cell, bool) {
	at := int(x)
	if b.members != nil {
		i, found := slices.BinarySearch(b.members, x)
		if !found {
			return Cell{}, false
		}
		at = i
	} else if !b.present.Has(x) {
		return Cell{}, false
	}
	return Cell{b.values.At(at), b.scaleAt(at)}, true
}

func (b *Block) scaleAt(at int) uint8 {
	if b.scales.Len() == 0 {
		return b.scale
	}
	return uint8(b.scales.At(at))
}

// Uniform returns the scale that all cells share, if they do.
func (b *Block) Uniform() (scale uint8, ok bool) { return b.scale, b.scales.Len() == 0 }

// Each calls f with every cell, ascending by ordinal.
func (b *Block) Each(f func(x uint16, c Cell)) {
	if b.members != nil {
		for i, x := range b.members {
			f(x, Cell{b.values.At(i), b.scaleAt(i)})
		}
		return
	}
	b.present.Each(func(x uint16) { f(x, Cell{b.values.At(int(x)), b.scaleAt(int(x))}) })
}

// Match sets in w the ordinals whose cell lies in [low, high], and no others. All cells must share
// one scale, which low and high are meant in.
func (b *Block) Match(w *bitmap.Words, low, high int64, scratch *[bitmap.BlockOrdinals]int64) {
	w.Clear()
	if low > high || b.Count() == 0 || high < b.low || low > b.high {
		return
	}
	if low <= b.low && high >= b.high {
		b.present.CopyTo(w)
		return
	}
	spread := uint64(high) - uint64(low)
	values := b.values.Read(scratch[:b.values.Len()], 0)
	if b.members != nil {
		for i, x := range b.members {
			if uint64(values[i])-uint64(low) <= spread {
				w.Set(x)
			}
		}
		return
	}
	for i := 0; i < len(values); i += 64 {
		var word uint64
		for j, v := range values[i:min(i+64, len(values))] {
			if uint64(v)-uint64(low) <= spread {
				word |= 1 << j
			}
		}
		w[i>>6] = word
	}
	b.present.AndInto(w)
}

// Due returns the ordinals whose cell is above after and at most limit, ascending by cell; the caller must not
// change them. Scales are left out of account. The block is read once for all calls with limits up to ahead above the
// first and the same after, so that asking again as time goes on costs what has become due, not what is there.
func (b *Block) Due(after, limit, ahead int64) []uint16 {
	d := b.due.Load()
	if d == nil || d.upTo < limit || d.after > after {
		d = &due{after: after, upTo: limit}
		if limit < math.MaxInt64-ahead {
			d.upTo += ahead
		}
		b.Each(func(x uint16, c Cell) {
			if c.Data > d.after && c.Data <= d.upTo {
				d.ordinals = append(d.ordinals, x)
			}
		})
		slices.SortStableFunc(d.ordinals, func(x, y uint16) int { return cmp.Compare(b.data(x), b.data(y)) })
		b.due.Store(d)
	}
	above := func(bound int64) int {
		return sort.Search(len(d.ordinals), func(i int) bool { return b.data(d.ordinals[i]) > bound })
	}
	return d.ordinals[above(after):max(above(after), above(limit))]
}

func (b *Block) data(x uint16) int64 {
	cell, _ := b.At(x)
	return cell.Data
}

// Apply returns the block with changes made; they ascend by ordinal, one each.
func (b *Block) Apply(changes []Change) *Block {
	cells := make([]Cell, 0, b.Count()+len(changes))
	members := make([]uint16, 0, b.Count()+len(changes))
	next := 0
	take := func(upTo int) {
		for next < len(changes) && int(changes[next].At) < upTo {
			if c := changes[next]; c.Set {
				members, cells = append(members, c.At), append(cells, c.Cell)
			}
			next++
		}
	}
	b.Each(func(x uint16, c Cell) {
		take(int(x))
		if next < len(changes) && changes[next].At == x {
			take(int(x) + 1)
			return
		}
		members, cells = append(members, x), append(cells, c)
	})
	take(bitmap.BlockOrdinals)
	return newBlock(members, cells)
}

func newBlock(members []uint16, cells []Cell) *Block {
	if len(cells) == 0 {
		return &Block{}
	}
	data := make([]int64, len(cells))
	scale, scales := align(cells, data)
	b := &Block{scale: scale, low: slices.Min(data), high: slices.Max(data)}
	if len(members) < sparseBelow {
		b.members = members
		b.values, b.scales = NewInts(data), NewInts(scales)
		b.present = bitmap.NewBlock(members)
		return b
	}
	var w bitmap.Words
	places := int(members[len(members)-1]) + 1
	spread := make([]int64, places)
	for i := range spread {
		spread[i] = b.low // a value in range keeps the width small
	}
	var spreadScales []int64
	if scales != nil {
		spreadScales = make([]int64, places)
	}
	for i, x := range members {
		w.Set(x)
		spread[x] = data[i]
		if scales != nil {
			spreadScales[x] = scales[i]
		}
	}
	b.present = bitmap.FromWords(&w)
	b.values, b.scales = NewInts(spread), NewInts(spreadScales)
	return b
}

// align brings all cells to the largest scale among them. Where a coefficient does not bear that,
// every cell keeps its own, and the scales are returned.
func align(cells []Cell, data []int64) (scale uint8, scales []int64) {
	least := uint8(value.MaxScale)
	for _, c := range cells {
		scale, least = max(scale, c.Scale), min(least, c.Scale)
	}
	factor := int64(1)
	fits := true
	if least != scale {
		for i, c := range cells {
			factor = int64(value.Pow10(int(scale - c.Scale)))
			data[i] = c.Data * factor
			if data[i]/factor != c.Data {
				fits = false
				break
			}
		}
		if fits {
			return scale, nil
		}
		scales = make([]int64, len(cells))
		for i, c := range cells {
			data[i], scales[i] = c.Data, int64(c.Scale)
		}
		return 0, scales
	}
	for i, c := range cells {
		data[i] = c.Data
	}
	return scale, nil
}

// MemoryBytes returns how much memory the block takes.
func (b *Block) MemoryBytes() int {
	n := 160 + 2*len(b.members) + b.values.MemoryBytes() + b.scales.MemoryBytes()
	if b.Count() >= 512 {
		return n + bitmap.BlockOrdinals/8
	}
	return n + 2*b.Count()
}

// AppendTo appends the block's encoding.
func (b *Block) AppendTo(buf []byte) ([]byte, error) {
	members := make([]int64, 0, b.Count())
	data := make([]int64, 0, b.Count())
	var scales []int64
	b.Each(func(x uint16, c Cell) {
		members, data = append(members, int64(x)), append(data, c.Data)
		if b.scales.Len() > 0 {
			scales = append(scales, int64(c.Scale))
		}
	})
	for i := len(members) - 1; i > 0; i-- {
		members[i] -= members[i-1]
	}
	buf = append(buf, b.scale)
	for _, list := range [][]int64{members, data, scales} {
		ints := NewInts(list)
		buf = ints.AppendTo(buf)
	}
	return buf, nil
}

// DecodeBlock reads what AppendTo wrote.
func DecodeBlock(encoded []byte) (*Block, error) {
	if len(encoded) == 0 || encoded[0] > value.MaxScale {
		return nil, errDamaged
	}
	scale, rest := encoded[0], encoded[1:]
	var lists [3][]int64
	for i := range lists {
		ints, after, err := DecodeInts(rest)
		if err != nil {
			return nil, err
		}
		if ints.Len() > bitmap.BlockOrdinals {
			return nil, errDamaged
		}
		lists[i], rest = ints.All(), after
	}
	gaps, data, scales := lists[0], lists[1], lists[2]
	if len(rest) > 0 || len(gaps) != len(data) || len(scales) > 0 && len(scales) != len(data) {
		return nil, errDamaged
	}
	members, cells := make([]uint16, len(gaps)), make([]Cell, len(gaps))
	x := int64(0)
	for i, gap := range gaps {
		x += gap
		if x < 0 || x >= bitmap.BlockOrdinals || i > 0 && gap <= 0 {
			return nil, errDamaged
		}
		members[i], cells[i] = uint16(x), Cell{data[i], scale}
		if len(scales) > 0 {
			if scales[i] < 0 || scales[i] > value.MaxScale {
				return nil, errDamaged
			}
			cells[i].Scale = uint8(scales[i])
		}
	}
	return newBlock(members, cells), nil
}
