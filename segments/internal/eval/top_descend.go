package eval

import (
	"math"
	"math/bits"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// descent finds the value of the last one that is taken from its highest bit down: of the values that are still possible, it counts who
// has one in the upper half, which mostly is who has a bit in one plane. So each plane is read once; but all of them are held till the end.
type descent struct {
	*top
	blocks []*descentBlock
}

// descentBlock is one block of it. One goroutine at a time works on it.
type descentBlock struct {
	block   *topBlock
	column  *column.Block
	open    *bitmap.Words // whose value may still be the last one taken, when settled
	left    int           // how many are open
	pending *bitmap.Words // open is to be narrowed to those who are in it, or to those who are not
	without bool          // the latter
	upper   *bitmap.Words // who of the open have a value in the upper half; they may have others too
	inUpper int           // how many of the open do
	own     *bitmap.Words // see room
}

// descend takes those above the value of the last one, and of those who have it the first. There are more candidates than limit.
func (t *top) descend(limit uint64) error {
	// What is found in one epoch is read until the end.
	reader := t.env.Version.Reader()
	defer reader.Close()
	return inside(reader, func() error {
		d := &descent{top: t}
		for _, b := range t.blocks {
			values, err := t.values(b)
			if err != nil {
				return err
			}
			own := &descentBlock{block: b, column: values, open: new(bitmap.Words), left: b.open.Count()}
			b.open.CopyTo(own.open)
			d.blocks = append(d.blocks, own)
		}
		return d.narrow(limit)
	})
}

func (d *descent) narrow(limit uint64) error {
	// The value lies in [from, from + 2^k). From is as round as baseOf of package column makes the blocks' bases; what lies below the
	// least value does no harm.
	k := bits.Len64(uint64(d.high) - uint64(d.low))
	from, above := roundedDown(d.low, k), uint64(0)
	for bits.Len64(uint64(d.high)-uint64(from)) > k {
		k++
	}
	for i := k - 1; i >= 0; i-- {
		middle := int64(uint64(from) + 1<<i)
		var inUpper atomic.Int64
		err := d.each(func(b *descentBlock) {
			if b.left > 0 {
				b.split(from, middle, i)
				inUpper.Add(int64(b.inUpper))
			}
		})
		if err != nil {
			return err
		}
		upper := above+uint64(inUpper.Load()) >= limit
		for _, b := range d.blocks {
			b.keep(upper)
		}
		if upper {
			from = middle
		} else {
			above += uint64(inUpper.Load())
		}
	}
	for _, b := range d.blocks {
		b.settle()
	}
	d.leaveFirst(limit - above)
	err := d.each(func(b *descentBlock) {
		out, candidates := b.room(), new(bitmap.Words)
		b.block.open.CopyTo(candidates)
		b.block.aboveBound(b.column, out, candidates, from)
		if b.left > 0 {
			out.Or(b.open)
		}
		b.block.open = bitmap.FromWords(out)
	})
	if err == nil {
		d.selectAll((*topBlock).all)
	}
	return err
}

// roundedDown clears the lowest k bits.
func roundedDown(n int64, k int) int64 {
	if k >= 64 {
		return math.MinInt64
	}
	return n &^ (1<<k - 1)
}

// leaveFirst leaves so many of all who are open, the first.
func (d *descent) leaveFirst(n uint64) {
	for _, b := range d.blocks {
		if uint64(b.left) > n {
			keepFirst(b.open, int(n))
			b.left = int(n)
		}
		n -= uint64(b.left)
	}
}

func (d *descent) each(f func(b *descentBlock)) error {
	return d.share(len(d.blocks), func(_ *room, _ *memory.Reader, from, to int) error {
		for _, b := range d.blocks[from:to] {
			f(b)
		}
		return nil
	})
}

// split finds who of the open have a value of middle or more; open values lie in [from, from + 2^(i+1)).
func (b *descentBlock) split(from, middle int64, i int) {
	b.upper = nil
	switch {
	case b.block.low >= middle:
		b.inUpper = b.left
		return
	case b.block.high < middle:
		b.inUpper = 0
		return
	}
	if b.block.factor == 1 {
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
	b.block.aboveBound(b.column, b.upper, b.open, middle-1)
	b.inUpper = b.upper.Count()
}

// room returns the block's own words, with arbitrary bits.
func (b *descentBlock) room() *bitmap.Words {
	if b.own == nil {
		b.own = new(bitmap.Words)
	}
	return b.own
}

// keep leaves those open who were found in the upper half, or those who were not.
func (b *descentBlock) keep(upper bool) {
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
func (b *descentBlock) settle() {
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
// pass, as this is most of what a descent does.
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
