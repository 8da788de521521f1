package eval

import (
	"fmt"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// cond says for each of some rows of a chunk whether a condition holds.
type cond interface {
	eval(c *column.Chunk, from int, mask []bool)
}

func (e *Env) compileCond(event uint32, n expr.Cond) (cond, error) {
	switch n := n.(type) {
	case expr.CondAnd:
		terms, err := e.compileConds(event, n.Terms)
		return condAnd(terms), err
	case expr.CondOr:
		terms, err := e.compileConds(event, n.Terms)
		return condOr(terms), err
	case expr.CondNot:
		term, err := e.compileCond(event, n.Term)
		return condNot{term}, err
	case expr.Property:
		id, values, found := e.Schema.Property(event, n.Name)
		if !found {
			return condNever{}, nil
		}
		return property{id, e.matcher(n.Comparison, values)}, nil
	}
	return nil, fmt.Errorf("eval: %T is not a condition", n)
}

func (e *Env) compileConds(event uint32, nodes []expr.Cond) ([]cond, error) {
	terms := make([]cond, len(nodes))
	for i, n := range nodes {
		var err error
		if terms[i], err = e.compileCond(event, n); err != nil {
			return nil, err
		}
	}
	return terms, nil
}

type condAnd []cond

func (a condAnd) eval(c *column.Chunk, from int, mask []bool) {
	a[0].eval(c, from, mask)
	one := make([]bool, len(mask))
	for _, t := range a[1:] {
		t.eval(c, from, one)
		for i, holds := range one {
			mask[i] = mask[i] && holds
		}
	}
}

type condOr []cond

func (o condOr) eval(c *column.Chunk, from int, mask []bool) {
	o[0].eval(c, from, mask)
	one := make([]bool, len(mask))
	for _, t := range o[1:] {
		t.eval(c, from, one)
		for i, holds := range one {
			mask[i] = mask[i] || holds
		}
	}
}

type condNot struct{ term cond }

func (n condNot) eval(c *column.Chunk, from int, mask []bool) {
	n.term.eval(c, from, mask)
	for i := range mask {
		mask[i] = !mask[i]
	}
}

type condNever struct{}

func (condNever) eval(_ *column.Chunk, _ int, mask []bool) { clear(mask) }

type property struct {
	id      uint32
	matcher *matcher
}

func (p property) eval(c *column.Chunk, from int, mask []bool) {
	column := c.Prop(p.id)
	if column == nil {
		clear(mask)
		return
	}
	for i := range mask {
		kind := column.Kind(from + i)
		if kind != p.matcher.kind && !p.matcher.any {
			mask[i] = false
			continue
		}
		cell := column.Cell(from + i)
		mask[i] = kind != value.Absent && p.matcher.holds(kind, cell.Data, cell.Scale)
	}
}
