package eval

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/value"
)

// Top returns, of the ordinals that an expression holds for, those with the greatest values of a numeric attribute, as many as limit
// says: of equal values the lower ordinals, and never one without a value.
//
// It finds the value of the last one that is taken: see descent where the column is in memory, and guess where it must be read, so
// that no more of it is held than the cache does. Values of all blocks are brought to one scale for that; where they do not bear it,
// which takes numbers of very different size, exact puts them in order one by one.
func (e *Env) Top(ctx context.Context, n expr.Node, attribute uint32, limit uint64) (*Selection, error) {
	return e.topBy(ctx, n, attributeColumn(e.Version, attribute), limit)
}

// source is a column of numbers.
type source struct {
	// block returns a block, nil when it is empty. The caller is inside an epoch.
	block    func(shard, block int) (*column.Block, error)
	inMemory func(shard, block int) bool
}

func attributeColumn(v *index.Version, id uint32) source {
	return source{
		func(shard, block int) (*column.Block, error) { return v.Attribute(shard, id, block) },
		func(shard, block int) bool { return v.AttributeInMemory(shard, id, block) },
	}
}

func scoreColumn(v *index.Version, c index.ScoreColumn) source {
	return source{
		func(shard, block int) (*column.Block, error) { return v.ScoreBlock(shard, c, block) },
		func(shard, block int) bool { return v.ScoreInMemory(shard, c, block) },
	}
}

// topBy is Top by any column of numbers.
func (e *Env) topBy(ctx context.Context, n expr.Node, by source, limit uint64) (*Selection, error) {
	t, err := e.newTop(ctx, n, by)
	if err != nil {
		return nil, err
	}
	switch {
	case t.open <= limit:
		t.selectAll((*topBlock).all)
	case limit == 0:
	case !t.align():
		err = t.exact(limit)
	case t.inMemory():
		err = t.descend(limit)
	default:
		err = t.guess(limit)
	}
	if err != nil {
		return nil, err
	}
	return t.selection, nil
}

// top is one Top under way. The value of the last one that is taken lies in [low, high].
type top struct {
	ctx       context.Context
	env       *Env
	by        source
	blocks    []*topBlock // those with a candidate, ascending
	scale     uint8       // that all values are brought to
	low, high int64       // at it
	above     uint64      // candidates whose value is above high
	open      uint64      // candidates whose value is in [low, high]
	passes    int         // of guesses
	selection *Selection
}

// topBlock is one block of a top. One goroutine at a time works on it.
type topBlock struct {
	number    int
	scale     uint8
	uniform   bool         // all values share the scale
	factor    int64        // to the common scale
	low, high int64        // least and greatest value of anybody, at the common scale once that is known
	above     bitmap.Block // candidates who are taken for certain
	open      bitmap.Block // candidates who may be taken
	guess     guessed
}

// newTop finds the candidates who have a value.
func (e *Env) newTop(ctx context.Context, n expr.Node, by source) (*top, error) {
	blocks := make([]*topBlock, e.blocks())
	err := e.eachBlock(ctx, n, func(r *run, number int) error {
		values, err := by.block(number/bitmap.ShardBlocks, number%bitmap.ShardBlocks)
		if err != nil || values == nil {
			return err
		}
		candidates, present := r.borrow(), r.borrow()
		defer r.giveBack(candidates, present)
		if err := r.at(number, candidates); err != nil {
			return err
		}
		values.Present(present)
		candidates.And(present)
		b := &topBlock{number: number, factor: 1, open: bitmap.FromWords(candidates)}
		if b.open.Count() > 0 {
			b.scale, b.uniform = values.Uniform()
			b.low, b.high = values.Range()
			blocks[number] = b
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t := &top{ctx: ctx, env: e, by: by, selection: &Selection{blocks: make([]bitmap.Block, len(blocks))}}
	for _, b := range blocks {
		if b != nil {
			t.blocks, t.open = append(t.blocks, b), t.open+uint64(b.open.Count())
		}
	}
	return t, nil
}

// align finds the scale that all values can be brought to, and their range at it; false when there is none.
func (t *top) align() bool {
	for _, b := range t.blocks {
		if !b.uniform {
			return false
		}
		t.scale = max(t.scale, b.scale)
	}
	t.low, t.high = math.MaxInt64, math.MinInt64
	for _, b := range t.blocks {
		factor := value.Pow10(int(t.scale - b.scale))
		low, fits := times(b.low, factor)
		high, both := times(b.high, factor)
		if !fits || !both {
			return false
		}
		b.low, b.high, b.factor = low, high, int64(factor)
		t.low, t.high = min(t.low, low), max(t.high, high)
	}
	return true
}

// values returns a block of the column, which is not empty, for as long as the caller stays in its epoch.
func (t *top) values(b *topBlock) (*column.Block, error) {
	return t.by.block(b.number/bitmap.ShardBlocks, b.number%bitmap.ShardBlocks)
}

// inMemory says whether no block need be read.
func (t *top) inMemory() bool {
	for _, b := range t.blocks {
		if !t.by.inMemory(b.number/bitmap.ShardBlocks, b.number%bitmap.ShardBlocks) {
			return false
		}
	}
	return true
}

// aboveBound makes out those among the candidates whose value at the common scale is above a bound.
func (b *topBlock) aboveBound(values *column.Block, out, candidates *bitmap.Words, bound int64) {
	floor := bound / b.factor
	if bound%b.factor < 0 {
		floor--
	}
	if floor == math.MaxInt64 {
		out.Clear()
		return
	}
	values.Between(out, candidates, column.Range{Low: floor + 1, High: math.MaxInt64})
}

// all returns who is taken once all are who may be.
func (b *topBlock) all() bitmap.Block { return union(&b.above, &b.open) }

// selectAll makes the selection of what taken returns of each block.
func (t *top) selectAll(taken func(b *topBlock) bitmap.Block) {
	for _, b := range t.blocks {
		block := taken(b)
		t.selection.blocks[b.number] = block
		t.selection.count += uint64(block.Count())
	}
}

// share calls f with parts of the numbers from 0 to n until one fails, from several goroutines where that pays. Each has room, and a
// reader to enter epochs with.
func (t *top) share(n int, f func(r *room, reader *memory.Reader, from, to int) error) error {
	const at = 8
	var next atomic.Int64
	errs := make([]error, max(1, min(runtime.GOMAXPROCS(0), n/at)))
	work := func(w int) {
		r, reader := t.env.Pool.free.Get().(*room), t.env.Version.Reader()
		defer t.env.Pool.free.Put(r)
		defer reader.Close()
		for {
			from := int(next.Add(at)) - at
			if from >= n {
				return
			}
			if errs[w] = t.ctx.Err(); errs[w] == nil {
				errs[w] = f(r, reader, from, min(from+at, n))
			}
			if errs[w] != nil {
				next.Store(int64(n))
				return
			}
		}
	}
	var wait sync.WaitGroup
	for w := 1; w < len(errs); w++ {
		wait.Go(func() { work(w) })
	}
	work(0)
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
