package eval

import (
	"context"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// run is one goroutine's pass over some blocks. While it is at the blocks of one shard it stays inside one epoch, so that what its
// terms have found of the shard stays where it is.
type run struct {
	*room
	ctx          context.Context // of the caller, asked between blocks and between days
	env          *Env
	root         *and
	shard, block int
	turn         int // counts the shards that the run has come to, so that terms see when theirs is a new one
	reader       *memory.Reader
	inside       bool
	lent         []*bitmap.Words // until the next block

	// Everyone of the block who had been heard of by as_of: all of its known CIDs, or those in everyone.
	all      bool
	known    int // CIDs in the block
	everyone *bitmap.Words
	filled   int // how many of the first ordinals everyone has; -1 when it has others
}

// newRun returns a run that must be ended.
func (e *Env) newRun(ctx context.Context, n expr.Node) (*run, error) {
	tops, err := e.choose(ctx, n)
	if err != nil {
		return nil, err
	}
	root, err := e.plan(n, tops)
	if err != nil {
		return nil, err
	}
	return e.bareRun(ctx, root), nil
}

func (e *Env) bareRun(ctx context.Context, root *and) *run {
	r := &run{room: e.Pool.free.Get().(*room), ctx: ctx, env: e, root: root, shard: -1, reader: e.Version.Reader()}
	r.everyone, r.filled = r.borrow(), -1
	return r
}

// end gives the run's room to others.
func (r *run) end() {
	r.leave()
	r.takeBack()
	r.reader.Close()
	r.giveBack(r.everyone)
	r.env.Pool.free.Put(r.room)
	r.room = nil
}

func (r *run) takeBack() {
	r.giveBack(r.lent...)
	r.lent = r.lent[:0]
}

func (r *run) leave() {
	if r.inside {
		r.reader.Leave()
		r.inside = false
	}
}

// lend returns words with arbitrary bits that are the caller's until the run goes to another block.
func (r *run) lend() *bitmap.Words {
	w := r.borrow()
	r.lent = append(r.lent, w)
	return w
}

// goTo makes the run be at a block, numbered through all shards, and says whether anybody is there.
func (r *run) goTo(number int) (anybody bool, err error) {
	r.takeBack()
	if shard := number / bitmap.ShardBlocks; shard != r.shard {
		r.leave()
		r.shard = shard
		r.turn++
	}
	if !r.inside {
		r.reader.Enter()
		r.inside = true
	}
	r.block = number % bitmap.ShardBlocks
	if err := r.ctx.Err(); err != nil {
		return false, err
	}
	r.known = r.env.Version.BlockCIDs(r.shard, r.block)
	low, high, any := r.env.Version.HeardBetween(r.shard, r.block)
	switch asOf := r.env.AsOfSeconds; {
	case !any || low > asOf:
		return false, nil
	case high <= asOf:
		r.all = true
		return true, nil
	default:
		heard, err := r.env.Version.Heard(r.shard, r.block)
		if err != nil {
			return false, err
		}
		r.all, r.filled = false, -1
		known := r.borrow()
		defer r.giveBack(known)
		known.Fill(r.known)
		heard.Between(r.everyone, known, column.Range{Low: low, High: asOf})
		return !r.everyone.Empty(), nil
	}
}

// crowd returns everyone of the block, in words that must not be changed.
func (r *run) crowd() *bitmap.Words {
	if r.all && r.filled != r.known {
		r.everyone.Fill(r.known)
		r.filled = r.known
	}
	return r.everyone
}

// count returns for how many of everyone in a block the expression holds.
func (r *run) count(number int) (int, error) {
	anybody, err := r.goTo(number)
	if err != nil || !anybody {
		return 0, err
	}
	return r.root.count(r)
}

// at makes out for whom of everyone in a block the expression holds.
func (r *run) at(number int, out *bitmap.Words) error {
	anybody, err := r.goTo(number)
	if err != nil || !anybody {
		out.Clear()
		return err
	}
	return r.root.store(r, out)
}
