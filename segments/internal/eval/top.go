package eval

import (
	"context"
	"math"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// Top returns, of the ordinals that an expression holds for, those with the greatest values of a numeric attribute, as many as limit
// says: of equal values the lower ordinals, and never one without a value.
//
// It finds the value of the last one that is taken, from its highest bit down: of the values that are still possible, it counts who has
// one in the upper half, which mostly is who has a bit in one plane. Values of all blocks are brought to one scale for that; where they
// do not bear it, which takes numbers of very different size, topExact puts them in order one by one.
func (e *Env) Top(ctx context.Context, n expr.Node, attribute uint32, limit uint64) (*Selection, error) {
	// What is found in one epoch is read until the end.
	reader := e.Version.Reader()
	defer reader.Close()
	reader.Enter()
	defer reader.Leave()
	t, err := e.newTop(ctx, n, attribute)
	if err != nil {
		return nil, err
	}
	total := uint64(0)
	for _, b := range t.blocks {
		total += uint64(b.left)
	}
	switch {
	case total <= limit:
		err = t.finish(func(b *topBlock) *bitmap.Words { return b.candidates })
	case limit == 0:
	case !t.align():
		err = t.exact(limit)
	default:
		err = t.narrow(limit)
	}
	if err != nil {
		return nil, err
	}
	return t.selection, nil
}

// top is one Top under way.
type top struct {
	ctx       context.Context
	blocks    []*topBlock // those with a candidate, ascending
	scale     uint8       // that all values are brought to
	low, high int64       // least and greatest value at it
	selection *Selection
}

// newTop finds the candidates who have a value.
func (e *Env) newTop(ctx context.Context, n expr.Node, attribute uint32) (*top, error) {
	blocks := make([]*topBlock, e.blocks())
	err := e.eachBlock(ctx, n, func(r *run, number int) error {
		values, err := e.Version.Attribute(number/bitmap.ShardBlocks, attribute, number%bitmap.ShardBlocks)
		if err != nil || values == nil {
			return err
		}
		b := &topBlock{number: number, column: values, candidates: new(bitmap.Words), open: new(bitmap.Words)}
		if err := r.at(number, b.candidates); err != nil {
			return err
		}
		values.Present(b.open)
		b.open.And(b.candidates)
		*b.candidates = *b.open
		if b.left = b.open.Count(); b.left > 0 {
			blocks[number] = b
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t := &top{ctx: ctx, selection: &Selection{blocks: make([]bitmap.Block, len(blocks))}}
	for _, b := range blocks {
		if b != nil {
			t.blocks = append(t.blocks, b)
		}
	}
	return t, nil
}

// align finds the scale that all values can be brought to, and their range at it; false when there is none.
func (t *top) align() bool {
	for _, b := range t.blocks {
		scale, uniform := b.column.Uniform()
		if !uniform {
			return false
		}
		t.scale = max(t.scale, scale)
	}
	t.low, t.high = math.MaxInt64, math.MinInt64
	for _, b := range t.blocks {
		scale, _ := b.column.Uniform()
		b.factor = int64(value.Pow10(int(t.scale - scale)))
		low, high := b.column.Range()
		var fits, both bool
		b.low, fits = times(low, uint64(b.factor))
		b.high, both = times(high, uint64(b.factor))
		if !fits || !both {
			return false
		}
		t.low, t.high = min(t.low, b.low), max(t.high, b.high)
	}
	return true
}

// narrow finds the value of the last one that is taken, and takes those who are above, and of those who have it the
// first. There are more candidates than limit.
func (t *top) narrow(limit uint64) error {
	// The value lies in [from, from + 2^k). From is as round as baseOf of package column makes the blocks' bases; what lies below the
	// least value does no harm.
	k := bits.Len64(uint64(t.high) - uint64(t.low))
	from, above := roundedDown(t.low, k), uint64(0)
	for bits.Len64(uint64(t.high)-uint64(from)) > k {
		k++
	}
	for i := k - 1; i >= 0; i-- {
		middle := int64(uint64(from) + 1<<i)
		var inUpper atomic.Int64
		err := t.eachBlock(func(b *topBlock) {
			if b.left > 0 {
				b.split(from, middle, i)
				inUpper.Add(int64(b.inUpper))
			}
		})
		if err != nil {
			return err
		}
		upper := above+uint64(inUpper.Load()) >= limit
		for _, b := range t.blocks {
			b.keep(upper)
		}
		if upper {
			from = middle
		} else {
			above += uint64(inUpper.Load())
		}
	}
	for _, b := range t.blocks {
		b.settle()
	}
	t.leaveFirst(limit - above)
	return t.finish(func(b *topBlock) *bitmap.Words {
		out := b.room()
		b.above(out, b.candidates, from)
		if b.left > 0 {
			out.Or(b.open)
		}
		return out
	})
}

// roundedDown clears the lowest k bits.
func roundedDown(n int64, k int) int64 {
	if k >= 64 {
		return math.MinInt64
	}
	return n &^ (1<<k - 1)
}

// leaveFirst leaves so many of all who are open, the first.
func (t *top) leaveFirst(n uint64) {
	for _, b := range t.blocks {
		if uint64(b.left) > n {
			keepFirst(b.open, int(n))
			b.left = int(n)
		}
		n -= uint64(b.left)
	}
}

// finish makes the selection of what taken returns of each block.
func (t *top) finish(taken func(b *topBlock) *bitmap.Words) error {
	var count atomic.Uint64
	err := t.eachBlock(func(b *topBlock) {
		block := bitmap.FromWords(taken(b))
		t.selection.blocks[b.number] = block
		count.Add(uint64(block.Count()))
	})
	t.selection.count = count.Load()
	return err
}

// eachBlock calls f for every block, from several goroutines where that pays.
func (t *top) eachBlock(f func(b *topBlock)) error {
	const shareBlocks = 8
	if err := t.ctx.Err(); err != nil {
		return err
	}
	var next atomic.Int64
	work := func() {
		for {
			to := int(next.Add(shareBlocks))
			from := min(to-shareBlocks, len(t.blocks))
			for _, b := range t.blocks[from:min(to, len(t.blocks))] {
				f(b)
			}
			if to >= len(t.blocks) {
				return
			}
		}
	}
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(t.blocks)/shareBlocks) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	return nil
}
