package features

import (
	"context"
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

// Walk computes columns for many CIDs.
type Walk struct {
	View    *segments.View // as of the cut-off
	Columns []Column
	Levels  Levels
	// Members says for whom, as of the view; nil means everyone.
	Members expr.Node
	// Workers is how many goroutines compute; below 1 means one.
	Workers int
}

// Block are the columns of some CIDs.
type Block struct {
	Number   int         // of the block; a CID's ordinal is Number * segments.BlockCIDs + its ordinal there
	Ordinals []uint16    // in the block, ascending
	Columns  [][]float32 // a value for each ordinal, NaN where it is missing
}

// Each calls yield with every block that has a member, from as many goroutines as there are workers, so that blocks come in any order. A
// block is good until yield returns. It ends with the first error, and with that of ctx once it is done.
func (w Walk) Each(ctx context.Context, yield func(Block) error) error {
	source, err := NewSource(ctx, w.View, w.Columns, w.Levels)
	if err != nil {
		return err
	}
	blocks := w.View.Blocks()
	workers := max(1, min(w.Workers, blocks))
	// Neighbouring blocks share what is read for them.
	const neighbours = 8
	share := max(1, min(neighbours, blocks/workers))
	var next atomic.Int64
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			take := func() (from, to int) {
				from = int(next.Add(int64(share))) - share
				return from, min(from+share, blocks)
			}
			if errs[i] = w.work(ctx, source, take, yield); errs[i] != nil {
				next.Store(int64(blocks))
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// work computes the blocks that take gives until it gives none.
func (w Walk) work(ctx context.Context, source *Source, take func() (from, to int), yield func(Block) error) error {
	x, err := source.Extractor(ctx)
	if err != nil {
		return err
	}
	defer x.Close()
	var members *segments.Members
	if w.Members != nil {
		if members, err = w.View.Members(ctx, w.Members); err != nil {
			return err
		}
		defer members.Close()
	}
	var words segments.Words
	for from, to := take(); from < to; from, to = take() {
		for number := from; number < to; number++ {
			who := (*segments.Words)(nil)
			if members != nil {
				if err := members.At(number, &words); err != nil {
					return err
				}
				who = &words
			}
			ordinals, columns, err := x.Extract(number, who)
			if err != nil {
				return err
			}
			if len(ordinals) == 0 {
				continue
			}
			if err := yield(Block{number, ordinals, columns}); err != nil {
				return err
			}
		}
	}
	return nil
}
