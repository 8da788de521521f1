package eval

import (
	"context"
	"runtime"
	"sync"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// Selection is the answer to an expression: a set of ordinals, in at most a bit for each that there is. It is immutable,
// and keeps nothing of the version that it was made from.
type Selection struct {
	blocks []bitmap.Block
	count  uint64
}

// Select returns the ordinals that an expression holds for, and with a limit above 0 the first so many.
func (e *Env) Select(ctx context.Context, n expr.Node, limit uint64) (*Selection, error) {
	blocks := e.blocks()
	s := &Selection{blocks: make([]bitmap.Block, blocks)}
	workers := max(1, min(runtime.GOMAXPROCS(0), blocks/minBlocksEach))
	if limit > 0 {
		workers = 1 // mostly the first few blocks are enough
	}
	counts, errs := make([]uint64, workers), make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		part := s.blocks[blocks*w/workers : blocks*(w+1)/workers]
		gather := func() { counts[w], errs[w] = e.selectBlocks(ctx, n, part, blocks*w/workers, limit) }
		if w == workers-1 {
			gather()
		} else {
			wait.Go(gather)
		}
	}
	wait.Wait()
	for w := range workers {
		if errs[w] != nil {
			return nil, errs[w]
		}
		s.count += counts[w]
	}
	if limit > 0 {
		s.count = min(s.count, limit)
	}
	return s, nil
}

// selectBlocks fills blocks, the first of which has a number, until limit ordinals are found.
func (e *Env) selectBlocks(ctx context.Context, n expr.Node, to []bitmap.Block, first int, limit uint64) (count uint64, err error) {
	r, err := e.newRun(ctx, n)
	if err != nil {
		return 0, err
	}
	var out bitmap.Words
	for i := range to {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := r.at(first+i, &out); err != nil {
			return 0, err
		}
		to[i] = bitmap.FromWords(&out)
		if count += uint64(to[i].Count()); limit > 0 && count >= limit {
			break
		}
	}
	return count, nil
}

// Count returns the number of ordinals.
func (s *Selection) Count() uint64 { return s.count }

// Each calls yield with the ordinals, ascending, some thousands at a time; the slice is reused. It stops at the first
// error and returns it.
func (s *Selection) Each(yield func(ordinals []uint32) error) error {
	const most = 8192
	ordinals, left := make([]uint32, 0, most), s.count
	var words bitmap.Words
	for number := range s.blocks {
		if s.blocks[number].Count() == 0 {
			continue
		}
		s.blocks[number].CopyTo(&words)
		var failed error
		words.Each(func(x uint16) bool {
			ordinals = append(ordinals, uint32(number)<<16|uint32(x))
			left--
			if len(ordinals) == most || left == 0 {
				failed = yield(ordinals)
				ordinals = ordinals[:0]
			}
			return failed == nil && left > 0
		})
		if failed != nil || left == 0 {
			return failed
		}
	}
	return nil
}
