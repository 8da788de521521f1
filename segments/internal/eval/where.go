package eval

import (
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// cond says for each of a tile's rows whether a condition holds.
type cond interface {
	// eval makes mask the rows that the condition holds for; bits beyond the last row stay 0.
	eval(t *tile, mask []uint64)
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

func (a condAnd) eval(t *tile, mask []uint64) {
	a[0].eval(t, mask)
	one := t.borrow()
	for _, term := range a[1:] {
		term.eval(t, one)
		andMask(mask, one)
	}
	t.giveBack(one)
}

type condOr []cond

func (o condOr) eval(t *tile, mask []uint64) {
	o[0].eval(t, mask)
	one := t.borrow()
	for _, term := range o[1:] {
		term.eval(t, one)
		orMask(mask, one)
	}
	t.giveBack(one)
}

func orMask(mask, with []uint64) {
	for i, word := range with {
		mask[i] |= word
	}
}

type condNot struct{ term cond }

func (n condNot) eval(t *tile, mask []uint64) {
	one := t.borrow()
	n.term.eval(t, one)
	t.fill(mask)
	for i, word := range one {
		mask[i] &^= word
	}
	t.giveBack(one)
}

type condNever struct{}

func (condNever) eval(_ *tile, mask []uint64) { clear(mask) }

type property struct {
	id      uint32
	matcher *matcher
}

func (p property) eval(t *tile, mask []uint64) {
	values := t.chunk.Prop(p.id)
	if values == nil {
		clear(mask)
		return
	}
	low, high := p.matcher.kind, p.matcher.kind
	if p.matcher.any {
		low, high = value.Absent+1, value.List
	}
	if kind, only := values.OnlyKind(); only {
		if kind < low || kind > high {
			clear(mask)
			return
		}
		p.data(t, values, mask)
		return
	}
	p.data(t, values, mask)
	kinds := t.borrow()
	values.KindsBetween(kinds, t.from, t.n, low, high)
	andMask(mask, kinds)
	t.giveBack(kinds)
}

// data makes mask the rows that match if their values are of the matcher's kind.
func (p property) data(t *tile, values *column.Prop, mask []uint64) {
	m := p.matcher
	switch {
	case m.any:
		t.fill(mask)
	case m.codes != nil:
		values.InCodes(mask, t.from, t.n, m.codes)
	case m.kind == value.Number:
		p.numbers(t, values, mask)
	default:
		p.ranges(t, values, m.ranges, mask)
	}
}

// numbers takes the rows of each scale together, since the ranges depend on that.
func (p property) numbers(t *tile, values *column.Prop, mask []uint64) {
	least, most := values.Scales()
	if least == most {
		p.ranges(t, values, p.matcher.scaled[least], mask)
		return
	}
	clear(mask)
	one, scales := t.borrow(), t.borrow()
	for scale := least; scale <= most; scale++ {
		values.ScalesAre(scales, t.from, t.n, scale)
		if !slices.ContainsFunc(scales, func(word uint64) bool { return word != 0 }) {
			continue
		}
		p.ranges(t, values, p.matcher.scaled[scale], one)
		andMask(one, scales)
		orMask(mask, one)
	}
	t.giveBack(one)
	t.giveBack(scales)
}

// ranges makes mask the rows whose data lies in one of the ranges.
func (p property) ranges(t *tile, values *column.Prop, ranges []column.Range, mask []uint64) {
	const few = 4
	switch {
	case len(ranges) == 0:
		clear(mask)
	case len(ranges) == 1:
		values.Between(mask, t.from, t.n, ranges[0])
	case len(ranges) <= few:
		values.Between(mask, t.from, t.n, ranges[0])
		one := t.borrow()
		for _, r := range ranges[1:] {
			values.Between(one, t.from, t.n, r)
			orMask(mask, one)
		}
		t.giveBack(one)
	default:
		clear(mask)
		for i, data := range values.ReadData(t.values[:t.n], t.from) {
			if inRanges(ranges, data) {
				mask[i>>6] |= 1 << (i & 63)
			}
		}
	}
}
