package eval

import (
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

type attribute struct {
	id      uint32
	kind    value.Kind
	matcher *matcher
}

func (e *Env) compileAttribute(n expr.Attribute) term {
	id, kind, values, found := e.Schema.Attribute(n.Name)
	if !found {
		return nobody{}
	}
	m := e.matcher(n.Comparison, values)
	if !m.any && m.kind != kind {
		return nobody{}
	}
	return attribute{id, kind, m}
}

func (a attribute) eval(r *run, _, out *bitmap.Words) error {
	out.Clear()
	block, err := r.env.Version.Attribute(r.shard, a.id, r.block)
	if err != nil || block == nil {
		return err
	}
	if a.matcher.any {
		block.Present().CopyTo(out)
		return nil
	}
	const fewRanges = 4
	if scale, uniform := block.Uniform(); uniform {
		if ranges, ok := a.matcher.intervals(scale); ok && len(ranges) <= fewRanges {
			one := r.borrow()
			defer r.giveBack(one)
			for _, i := range ranges {
				block.Match(one, i.low, i.high, r.scratch())
				out.Or(one)
			}
			return nil
		}
	}
	block.Each(func(x uint16, c column.Cell) {
		if a.matcher.holds(a.kind, c.Data, c.Scale) {
			out.Set(x)
		}
	})
	return nil
}

func (attribute) cost() int { return 4 }
