package eval

import (
	"context"
	"sync/atomic"

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
	if limit > 0 {
		return e.selectFirst(ctx, n, limit)
	}
	s := &Selection{blocks: make([]bitmap.Block, e.blocks())}
	var count atomic.Uint64
	err := e.eachBlock(ctx, n, func(r *run, number int) error {
		out := r.borrow()
		defer r.giveBack(out)
		if err := r.at(number, out); err != nil {
			return err
		}
		s.blocks[number] = bitmap.FromWords(out)
		count.Add(uint64(s.blocks[number].Count()))
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.count = count.Load()
	return s, nil
}

// selectFirst goes from block to block until enough ordinals are found: mostly the first few blocks are enough.
func (e *Env) selectFirst(ctx context.Context, n expr.Node, limit uint64) (*Selection, error) {
	r, err := e.newRun(ctx, n)
	if err != nil {
		return nil, err
	}
	defer r.end()
	s := &Selection{}
	out := r.borrow()
	defer r.giveBack(out)
	for number := 0; number < e.blocks() && s.count < limit; number++ {
		if err := r.at(number, out); err != nil {
			return nil, err
		}
		s.blocks = append(s.blocks, bitmap.FromWords(out))
		s.count += uint64(s.blocks[number].Count())
	}
	s.count = min(s.count, limit)
	return s, nil
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
