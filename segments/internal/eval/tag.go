package eval

import (
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

type tag struct{ id uint32 }

func (e *Env) compileTag(n expr.Tag) term {
	id, found := e.Schema.Tag(n.Name)
	if !found {
		return nobody{}
	}
	return tag{id}
}

func (t tag) eval(r *run, _, out *bitmap.Words) error {
	out.Clear()
	row, err := r.env.Version.Tag(r.shard, t.id)
	if err != nil || row == nil {
		return err
	}
	block := row.Block(r.block)
	if block == nil {
		return nil
	}
	block.CopyTo(out)
	expiry, swept, err := r.env.Version.TagExpiry(r.shard, t.id, r.block, r.env.NowMillis)
	if err != nil || expiry == nil {
		return err
	}
	for _, x := range expiry.Due(swept, r.env.NowMillis, expiryAheadMillis) {
		out.Unset(x)
	}
	return nil
}

// expiryAheadMillis is for how long a block's expiries are looked at in advance.
const expiryAheadMillis = 10 * 60 * 1000

func (tag) cost() int { return 1 }
