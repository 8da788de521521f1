package eval

import (
	"math"
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

// topBlock is one block of it. One goroutine at a time works on it.
type topBlock struct {
	number     int
	column     *column.Block
	factor     int64 // to the common scale
	low, high  int64 // least and greatest value at the common scale
	candidates *bitmap.Words
	open       *bitmap.Words // whose value may still be the last one taken, when settled
	left       int           // how many are open
	pending    *bitmap.Words // open is to be narrowed to those who are in it, or to those who are not
	without    bool          // the latter
	upper      *bitmap.Words // who of the open have a value in the upper half; they may have others too
	inUpper    int           // how many of the open do
	own        *bitmap.Words // see room
}

// split finds who of the open have a value of middle or more; open values lie in [from, from + 2^(i+1)).
func (b *topBlock) split(from, middle int64, i int) {
	b.upper = nil
	switch {
	case b.low >= middle:
		b.inUpper = b.left
		return
	case b.high < middle:
		b.inUpper = 0
		return
	}
	if b.factor == 1 {
		if upper, ok := b.column.DigitAt(from, i); ok {
			switch b.upper, b.inUpper = upper, 0; {
			case upper == nil:
			case b.pending == nil:
				b.inUpper = inBoth(b.open, upper)
			default:
				b.inUpper = narrowBoth(b.open, b.pending, b.without, upper)
				b.pending = nil
			}
			return
		}
	}
	b.settle()
	b.upper = b.room()
	b.above(b.upper, b.open, middle-1)
	b.inUpper = b.upper.Count()
}

// room returns the block's own words, with arbitrary bits.
func (b *topBlock) room() *bitmap.Words {
	if b.own == nil {
		b.own = new(bitmap.Words)
	}
	return b.own
}

// above makes out those among the candidates whose value at the common scale is above a bound.
func (b *topBlock) above(out, candidates *bitmap.Words, bound int64) {
	floor := bound / b.factor
	if bound%b.factor < 0 {
		floor--
	}
	if floor == math.MaxInt64 {
		out.Clear()
		return
	}
	b.column.Between(out, candidates, column.Range{Low: floor + 1, High: math.MaxInt64})
}

// keep leaves those open who were found in the upper half, or those who were not.
func (b *topBlock) keep(upper bool) {
	if b.left == 0 {
		return
	}
	left := b.inUpper
	if !upper {
		left = b.left - b.inUpper
	}
	if left > 0 && left < b.left {
		b.pending, b.without = b.upper, !upper
	}
	b.left = left
}

// settle narrows open as it is to be; where nobody is left it says nothing.
func (b *topBlock) settle() {
	switch {
	case b.pending == nil:
	case b.without:
		b.open.AndNot(b.pending)
	default:
		b.open.And(b.pending)
	}
	b.pending = nil
}

// narrowBoth narrows open to those in narrow, or without them, and returns how many of the rest are in upper too: in one
// pass, as this is most of what Top does.
func narrowBoth(open, narrow *bitmap.Words, without bool, upper *bitmap.Words) int {
	flip := uint64(0)
	if without {
		flip = ^flip
	}
	n := 0
	for i := range open {
		left := open[i] & (narrow[i] ^ flip)
		open[i] = left
		n += bits.OnesCount64(left & upper[i])
	}
	return n
}

func inBoth(v, w *bitmap.Words) int {
	n := 0
	for i := 0; i < len(v); i += 4 {
		n += bits.OnesCount64(v[i]&w[i]) + bits.OnesCount64(v[i+1]&w[i+1]) + bits.OnesCount64(v[i+2]&w[i+2]) + bits.OnesCount64(v[i+3]&w[i+3])
	}
	return n
}

func keepFirst(w *bitmap.Words, n int) {
	for i := range w {
		for count := bits.OnesCount64(w[i]); count > n; count-- {
			w[i] &^= 1 << (63 - bits.LeadingZeros64(w[i]))
		}
		n -= bits.OnesCount64(w[i])
	}
}
