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

func (a attribute) eval(r *run, candidates, out *bitmap.Words) error {
	block, err := r.env.Version.Attribute(r.shard, a.id, r.block)
	if err != nil || block == nil {
		out.Clear()
		return err
	}
	scale, uniform := block.Uniform()
	switch {
	case a.matcher.any:
		block.Present(out)
	case a.matcher.codes != nil:
		block.InCodes(out, candidates, a.matcher.codes)
	case uniform:
		block.InRanges(out, candidates, a.matcher.at(scale))
	default:
		out.Clear()
		block.Each(func(x uint16, c column.Cell) {
			if a.matcher.holds(a.kind, c.Data, c.Scale) {
				out.Set(x)
			}
		})
	}
	return nil
}

func (attribute) cost() int { return 25 }
