package eval

import (
	"context"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// chosen holds whom the tops of an expression take, by their text. All runs of the expression share it.
type chosen map[string]*Selection

// choose works out the tops of an expression that are not within another one: each once, before any block of the
// expression itself. Those within are worked out on the way.
func (e *Env) choose(ctx context.Context, n expr.Node) (chosen, error) {
	tops := chosen{}
	return tops, e.chooseInto(ctx, n, tops)
}

func (e *Env) chooseInto(ctx context.Context, n expr.Node, tops chosen) error {
	switch n := n.(type) {
	case expr.And:
		return e.chooseAll(ctx, n.Terms, tops)
	case expr.Or:
		return e.chooseAll(ctx, n.Terms, tops)
	case expr.Not:
		return e.chooseInto(ctx, n.Term, tops)
	case expr.Top:
		text := n.String()
		if tops[text] != nil {
			return nil
		}
		column, err := e.publishedScore(n.Score)
		if err != nil {
			return err
		}
		tops[text], err = e.topBy(ctx, n.Of, scoreColumn(e.Version, column), n.N)
		return err
	}
	return nil
}

func (e *Env) chooseAll(ctx context.Context, nodes []expr.Node, tops chosen) error {
	for _, n := range nodes {
		if err := e.chooseInto(ctx, n, tops); err != nil {
			return err
		}
	}
	return nil
}

// taken is a top once it is known whom it takes. It is a row.
type taken struct{ who *Selection }

func (t taken) block(r *run) *bitmap.Block { return &t.who.blocks[r.shard*bitmap.ShardBlocks+r.block] }

func (t taken) atMost(r *run) int { return t.block(r).Count() }

func (t taken) of(r *run) (*bitmap.Block, error) {
	block := t.block(r)
	if block.Count() == 0 {
		return nil, nil
	}
	return block, nil
}

func (t taken) eval(r *run, _, out *bitmap.Words) error {
	t.block(r).CopyTo(out)
	return nil
}

func (taken) cost() int { return 1 }
