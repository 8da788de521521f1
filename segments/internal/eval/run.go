package eval

import (
	"context"
	"runtime"
	"sync"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// run is one pass of one goroutine over some blocks.
type run struct {
	ctx          context.Context // of the caller, asked between blocks and between days
	env          *Env
	shard, block int
	root         term

	free     []*bitmap.Words
	values   *[bitmap.BlockOrdinals]int64  // scratch for columns
	counts   *[bitmap.BlockOrdinals]uint32 // scratch for counting, zero between uses
	mask     []bool                        // scratch for where
	ordinals []int64
	offsets  []int64
}

func (e *Env) newRun(ctx context.Context, n expr.Node) (*run, error) {
	root, err := e.compile(n)
	if err != nil {
		return nil, err
	}
	return &run{ctx: ctx, env: e, root: root}, nil
}

func (r *run) borrow() *bitmap.Words {
	if n := len(r.free); n > 0 {
		w := r.free[n-1]
		r.free = r.free[:n-1]
		return w
	}
	return new(bitmap.Words)
}

func (r *run) giveBack(words ...*bitmap.Words) { r.free = append(r.free, words...) }

func (r *run) scratch() *[bitmap.BlockOrdinals]int64 {
	if r.values == nil {
		r.values = new([bitmap.BlockOrdinals]int64)
	}
	return r.values
}

func (r *run) counters() *[bitmap.BlockOrdinals]uint32 {
	if r.counts == nil {
		r.counts = new([bitmap.BlockOrdinals]uint32)
	}
	return r.counts
}

// blocks returns how many blocks the version has.
func (e *Env) blocks() int {
	return (e.Version.CIDs + bitmap.BlockOrdinals - 1) / bitmap.BlockOrdinals
}

// at evaluates one block, numbered through all shards: out is who of everyone the expression holds for.
func (r *run) at(number int, out *bitmap.Words) error {
	r.shard, r.block = number/bitmap.ShardBlocks, number%bitmap.ShardBlocks
	candidates := r.borrow()
	defer r.giveBack(candidates)
	if err := r.everyone(candidates); err != nil {
		return err
	}
	if candidates.Empty() {
		out.Clear()
		return nil
	}
	if err := r.root.eval(r, candidates, out); err != nil {
		return err
	}
	out.And(candidates)
	return nil
}

// everyone makes out those of the block who had been heard of by as_of.
func (r *run) everyone(out *bitmap.Words) error {
	read, low, high := r.env.Version.Heard(r.shard, r.block)
	switch asOf := r.env.AsOfSeconds; {
	case read == nil || low > asOf:
		out.Clear()
	case high <= asOf:
		out.Fill(r.env.Version.BlockCIDs(r.shard, r.block))
	default:
		heard, err := read()
		if err != nil {
			return err
		}
		heard.Match(out, low, asOf, r.scratch())
	}
	return nil
}

// minBlocksEach is the number of blocks below which another goroutine costs more than it saves.
const minBlocksEach = 8

// Count returns how many CIDs an expression holds for.
func (e *Env) Count(ctx context.Context, n expr.Node) (uint64, error) {
	blocks := e.blocks()
	workers := max(1, min(runtime.GOMAXPROCS(0), blocks/minBlocksEach))
	counts, errs := make([]uint64, workers), make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		from, to := blocks*w/workers, blocks*(w+1)/workers
		count := func() { counts[w], errs[w] = e.countBlocks(ctx, n, from, to) }
		if w == workers-1 {
			count()
		} else {
			wait.Go(count)
		}
	}
	wait.Wait()
	total := uint64(0)
	for w := range workers {
		if errs[w] != nil {
			return 0, errs[w]
		}
		total += counts[w]
	}
	return total, nil
}

func (e *Env) countBlocks(ctx context.Context, n expr.Node, from, to int) (count uint64, err error) {
	r, err := e.newRun(ctx, n)
	if err != nil {
		return 0, err
	}
	var out bitmap.Words
	for number := from; number < to; number++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := r.at(number, &out); err != nil {
			return 0, err
		}
		count += uint64(out.Count())
	}
	return count, nil
}

// Contains says for each ordinal whether the expression holds for it; ordinals ascend.
func (e *Env) Contains(ctx context.Context, n expr.Node, ordinals []uint32) ([]bool, error) {
	r, err := e.newRun(ctx, n)
	if err != nil {
		return nil, err
	}
	holds := make([]bool, len(ordinals))
	var out bitmap.Words
	current := -1
	for i, ordinal := range ordinals {
		if int(ordinal) >= e.Version.CIDs {
			continue // heard of after this version
		}
		if number := int(ordinal >> 16); number != current {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := r.at(number, &out); err != nil {
				return nil, err
			}
			current = number
		}
		holds[i] = out.Has(uint16(ordinal))
	}
	return holds, nil
}
