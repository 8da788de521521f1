package column

import (
	"math/bits"
	"slices"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/internal/bitmap"
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

// Form says how a block keeps its cells when they are many.
type Form uint8

const (
	// Bytes keeps a cell in whole bytes: quick to look up by ordinal and to lengthen.
	Bytes Form = iota
	// Planes keeps a bit of all cells beside each other, where they share a scale: quick to compare and to sum all at once.
	Planes
)

// layout says how a block keeps the cells that it has.
type layout uint8

const (
	sparse layout = iota // members, and a place in values for each
	wide                 // a place in values for each ordinal up to the last
	planar               // bit planes
)

// Block is a forward column over one block of ordinals: for each either a cell or nothing. The
// zero Block has no cells, and keeps those it gets in Bytes. Blocks are immutable.
type Block struct {
	form      Form
	layout    layout
	scale     uint8 // of all cells, when scales is empty
	count     int
	low, high int64 // least and greatest Data

	members []uint16      // of a sparse block, ascending
	present *bitmap.Words // of the others; nil where each place of a wide block has a cell
	values  Ints
	scales  Ints // empty when all cells have scale
	bits    planes

	due atomic.Pointer[due] // the last that was asked for
}

// sparseBelow is the number of cells below which a block names its members.
const sparseBelow = 8192

// New returns a block without cells that keeps those it gets in a form.
func New(form Form) *Block { return &Block{form: form} }

// Count returns the number of cells.
func (b *Block) Count() int { return b.count }

// Range returns the least and the greatest Data. It has no meaning for an empty block
// or one whose scales differ.
func (b *Block) Range() (low, high int64) { return b.low, b.high }

// Uniform returns the scale that all cells share, if they do.
func (b *Block) Uniform() (scale uint8, ok bool) { return b.scale, b.scales.Len() == 0 }

// At returns the cell of an ordinal and whether there is one.
func (b *Block) At(x uint16) (Cell, bool) {
	at := int(x)
	switch b.layout {
	case sparse:
		i, found := slices.BinarySearch(b.members, x)
		if !found {
			return Cell{}, false
		}
		at = i
	case wide:
		if at >= b.values.Len() || b.present != nil && !b.present.Has(x) {
			return Cell{}, false
		}
	case planar:
		if !b.present.Has(x) {
			return Cell{}, false
		}
		return Cell{b.bits.at(x), b.scale}, true
	}
	return Cell{b.values.At(at), b.scaleAt(at)}, true
}

func (b *Block) scaleAt(at int) uint8 {
	if b.scales.Len() == 0 {
		return b.scale
	}
	return uint8(b.scales.At(at))
}

// Present makes w the ordinals that have a cell.
func (b *Block) Present(w *bitmap.Words) {
	switch {
	case b.present != nil:
		*w = *b.present
	case b.layout == wide:
		w.Fill(b.values.Len())
	default:
		w.Clear()
		for _, x := range b.members {
			w.Set(x)
		}
	}
}

// EachOf is Each for those that are named, ascending, or for all where none are.
func (b *Block) EachOf(some []uint16, f func(x uint16, c Cell)) {
	if some == nil {
		b.Each(f)
		return
	}
	for _, x := range some {
		if c, ok := b.At(x); ok {
			f(x, c)
		}
	}
}

// Each calls f with every cell, ascending by ordinal.
func (b *Block) Each(f func(x uint16, c Cell)) {
	switch {
	case b.layout == sparse:
		for i, x := range b.members {
			f(x, Cell{b.values.At(i), b.scaleAt(i)})
		}
	case b.layout == planar:
		var distances [64]uint64
		for w, left := range b.present {
			if left == 0 {
				continue
			}
			b.bits.read(w, &distances)
			for ; left != 0; left &= left - 1 {
				t := bits.TrailingZeros64(left)
				f(uint16(w<<6+t), Cell{b.bits.base + int64(distances[t]), b.scale})
			}
		}
	default:
		for i := range b.values.Len() {
			if x := uint16(i); b.present == nil || b.present.Has(x) {
				f(x, Cell{b.values.At(i), b.scaleAt(i)})
			}
		}
	}
}
