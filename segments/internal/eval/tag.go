package eval

import (
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// tag holds for whoever bears it. It is a row.
type tag struct {
	id   uint32
	turn int // of the run, for which whole is the shard's row
	all  *bitmap.Bitmap
	own  bitmap.Block // a block without those who have expired
}

func (e *Env) compileTag(n expr.Tag) term {
	id, found := e.Schema.Tag(n.Name)
	if !found {
		return nobody{}
	}
	return &tag{id: id}
}

func (t *tag) atMost(r *run) int { return r.env.Version.TagInBlock(r.shard, t.id, r.block) }

func (t *tag) of(r *run) (*bitmap.Block, error) {
	if t.turn != r.turn {
		all, err := r.env.Version.Tag(r.shard, t.id)
		if err != nil {
			return nil, err
		}
		t.turn, t.all = r.turn, all
	}
	if t.all == nil {
		return nil, nil
	}
	block := t.all.Block(r.block)
	if block == nil {
		return nil, nil
	}
	expiry, swept, err := r.env.Version.TagExpiry(r.shard, t.id, r.block, r.env.NowMillis)
	if err != nil || expiry == nil {
		return block, err
	}
	due := expiry.Due(swept, r.env.NowMillis, expiryAheadMillis)
	if len(due) == 0 {
		return block, nil
	}
	left := r.lend()
	block.CopyTo(left)
	for _, x := range due {
		left.Unset(x)
	}
	t.own = bitmap.WithWords(left, min(block.Count(), bitmap.BlockOrdinals-1))
	return &t.own, nil
}

// expiryAheadMillis is for how long a block's expiries are looked at in advance.
const expiryAheadMillis = 10 * 60 * 1000

func (t *tag) eval(r *run, _, out *bitmap.Words) error {
	block, err := t.of(r)
	if err != nil || block == nil {
		out.Clear()
		return err
	}
	block.CopyTo(out)
	return nil
}

func (*tag) cost() int { return 1 }
