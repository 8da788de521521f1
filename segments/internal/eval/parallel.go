package eval

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

const (
	// unitNanos is about what one unit of a term's cost takes for a block.
	unitNanos = 200
	// worthSharing is the work from which a second goroutine saves more than it costs to start.
	worthSharing = 120_000 // ns
	// share is how many blocks a goroutine takes at a time. Where fragments must be read it is a whole shard, as two who want the same one
	// would wait for each other.
	share = bitmap.ShardBlocks / 2
)

// blocks returns how many blocks the version has.
func (e *Env) blocks() int {
	return (e.Version.CIDs + bitmap.BlockOrdinals - 1) / bitmap.BlockOrdinals
}

// eachBlock calls f for every block, from as many goroutines as there is work for, each with a run of its own, until one fails.
func (e *Env) eachBlock(ctx context.Context, n expr.Node, f func(r *run, number int) error) error {
	tops, err := e.choose(ctx, n)
	if err != nil {
		return err
	}
	root, err := e.plan(n, tops)
	if err != nil {
		return err
	}
	blocks := e.blocks()
	workers, share := 1, share
	unread := e.unread(root)
	if unread > 0 {
		share = bitmap.ShardBlocks
	}
	if work := blocks*max(1, root.cost())*unitNanos + unread*readNanos; work > worthSharing {
		workers = max(1, min(runtime.GOMAXPROCS(0), blocks/share, work/(worthSharing/2)))
	}
	plans := []*and{root} // a plan serves one run
	for len(plans) < workers {
		other, err := e.plan(n, tops)
		if err != nil {
			return err
		}
		plans = append(plans, other)
	}
	var next atomic.Int64
	errs := make([]error, workers)
	work := func(w int, root *and) {
		r := e.bareRun(ctx, root)
		defer r.end()
		for {
			from := int(next.Add(int64(share))) - share
			for number := from; number < min(from+share, blocks); number++ {
				if err := f(r, number); err != nil {
					errs[w] = err
					next.Store(int64(blocks))
					return
				}
			}
			if from >= blocks {
				return
			}
		}
	}
	var wait sync.WaitGroup
	for w := 1; w < workers; w++ {
		wait.Go(func() { work(w, plans[w]) })
	}
	work(0, root)
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Count returns how many CIDs an expression holds for.
func (e *Env) Count(ctx context.Context, n expr.Node) (uint64, error) {
	var total atomic.Uint64
	err := e.eachBlock(ctx, n, func(r *run, number int) error {
		count, err := r.count(number)
		total.Add(uint64(count))
		return err
	})
	if err != nil {
		return 0, err
	}
	return total.Load(), nil
}

// Contains says for each ordinal whether the expression holds for it; ordinals ascend.
func (e *Env) Contains(ctx context.Context, n expr.Node, ordinals []uint32) ([]bool, error) {
	r, err := e.newRun(ctx, n)
	if err != nil {
		return nil, err
	}
	defer r.end()
	holds := make([]bool, len(ordinals))
	out := r.borrow()
	defer r.giveBack(out)
	current := -1
	for i, ordinal := range ordinals {
		if int(ordinal) >= e.Version.CIDs {
			continue // heard of after this version
		}
		if number := int(ordinal >> 16); number != current {
			if err := r.at(number, out); err != nil {
				return nil, err
			}
			current = number
		}
		holds[i] = out.Has(uint16(ordinal))
	}
	return holds, nil
}
