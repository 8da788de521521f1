package eval

import (
	"cmp"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments/expr"
)

// planner makes the plan of one expression.
type planner struct {
	env    *Env
	tops   chosen
	times  map[string]int     // how often the expression has a node, by its text
	shared map[string]*shared // of those it has more than once and that cost something
}

// plan returns the plan of an expression: what is always or never true is gone, nested conjunctions and disjunctions are one, what stands
// there twice is worked out once, and terms are in the order of their cost. Tops are what choose returned of the expression.
func (e *Env) plan(n expr.Node, tops chosen) (*and, error) {
	p := &planner{env: e, tops: tops, times: map[string]int{}, shared: map[string]*shared{}}
	p.take(n)
	t, err := p.term(n)
	if err != nil {
		return nil, err
	}
	root, err := p.conjunction([]term{t})
	if err != nil {
		return nil, err
	}
	if a, ok := root.(*and); ok {
		return a, nil
	}
	return &and{others: []term{root}}, nil
}

// take counts the nodes that are worth sharing.
func (p *planner) take(n expr.Node) {
	switch n := n.(type) {
	case expr.And:
		p.takeAll(n.Terms)
	case expr.Or:
		p.takeAll(n.Terms)
	case expr.Not:
		p.take(n.Term)
	case expr.Behaviour, expr.Attribute, expr.Sample, expr.Score:
		p.times[n.String()]++
	}
}

func (p *planner) takeAll(nodes []expr.Node) {
	for _, n := range nodes {
		p.take(n)
	}
}

// term returns the term of a node.
func (p *planner) term(n expr.Node) (term, error) {
	switch n := n.(type) {
	case expr.And:
		terms, err := p.terms(n.Terms)
		if err != nil {
			return nil, err
		}
		return p.conjunction(terms)
	case expr.Or:
		terms, err := p.terms(n.Terms)
		if err != nil {
			return nil, err
		}
		return disjunction(terms), nil
	case expr.Not:
		t, err := p.term(n.Term)
		if err != nil {
			return nil, err
		}
		return negation(t), nil
	case expr.Everyone:
		return everyone{}, nil
	case expr.Nobody:
		return nobody{}, nil
	case expr.Tag:
		return p.env.compileTag(n), nil
	case expr.Top:
		switch who := p.tops[n.String()]; {
		case who == nil:
			return nil, fmt.Errorf("eval: nobody has been chosen for %s", n)
		case who.Count() == 0:
			return nobody{}, nil
		default:
			return taken{who}, nil
		}
	case expr.Sample, expr.Attribute, expr.Behaviour, expr.Score:
		return p.leaf(n)
	}
	return nil, fmt.Errorf("eval: %T is not a term of expressions", n)
}

// leaf returns the term of a node that must be computed, one for all places where it stands.
func (p *planner) leaf(n expr.Node) (term, error) {
	text := n.String()
	if s := p.shared[text]; s != nil {
		return s, nil
	}
	var t term
	var err error
	switch n := n.(type) {
	case expr.Sample:
		t = newSample(p.env, n)
	case expr.Attribute:
		t = p.env.compileAttribute(n)
	case expr.Score:
		t, err = p.env.compileScore(n)
	case expr.Behaviour:
		t, err = p.behaviour(n)
	}
	if err != nil || p.times[text] < 2 || t.cost() == 0 {
		return t, err
	}
	s := &shared{term: t}
	p.shared[text] = s
	return s, nil
}

func (p *planner) terms(nodes []expr.Node) ([]term, error) {
	terms := make([]term, len(nodes))
	for i, n := range nodes {
		var err error
		if terms[i], err = p.term(n); err != nil {
			return nil, err
		}
	}
	return terms, nil
}

// conjunction returns the term that holds where all of these do.
func (p *planner) conjunction(terms []term) (term, error) {
	all := &and{}
	for _, t := range terms {
		switch t := t.(type) {
		case everyone:
		case nobody:
			return nobody{}, nil
		case *and:
			all.rows, all.any, all.none = append(all.rows, t.rows...), append(all.any, t.any...), append(all.none, t.none...)
			all.others = append(all.others, t.others...)
		case row:
			all.rows = append(all.rows, t)
		case not:
			if r, ok := t.term.(row); ok {
				all.none = append(all.none, r)
				break
			}
			if o, ok := t.term.(*or); ok { // none of them
				all.none = append(all.none, o.rows...)
				for _, other := range o.others {
					all.others = append(all.others, not{other})
				}
				break
			}
			all.others = append(all.others, t)
		case *or:
			if len(t.others) == 0 {
				all.any = append(all.any, t.rows)
				break
			}
			all.others = append(all.others, t)
		default:
			all.others = append(all.others, t)
		}
	}
	all.rows, all.none, all.others = distinct(all.rows), distinct(all.none), distinct(all.others)
	for _, r := range all.rows {
		if slices.ContainsFunc(all.none, func(other row) bool { return same(r, other) }) {
			return nobody{}, nil
		}
	}
	slices.SortStableFunc(all.others, func(a, b term) int { return cmp.Compare(a.cost(), b.cost()) })
	switch {
	case len(all.rows)+len(all.any)+len(all.none)+len(all.others) == 0:
		return everyone{}, nil
	case len(all.rows) == 1 && len(all.any)+len(all.none)+len(all.others) == 0 && len(terms) > 1:
		return all.rows[0], nil
	}
	return all, nil
}

// disjunction returns the term that holds where any of these does.
func disjunction(terms []term) term {
	any := &or{}
	for _, t := range terms {
		switch t := t.(type) {
		case nobody:
		case everyone:
			return everyone{}
		case *or:
			any.rows, any.others = append(any.rows, t.rows...), append(any.others, t.others...)
		case row:
			any.rows = append(any.rows, t)
		default:
			any.others = append(any.others, t)
		}
	}
	any.rows, any.others = distinct(any.rows), distinct(any.others)
	slices.SortStableFunc(any.others, func(a, b term) int { return cmp.Compare(a.cost(), b.cost()) })
	switch {
	case len(any.rows)+len(any.others) == 0:
		return nobody{}
	case len(any.rows) == 1 && len(any.others) == 0:
		return any.rows[0]
	case len(any.rows) == 0 && len(any.others) == 1:
		return any.others[0]
	}
	return any
}

func negation(t term) term {
	switch t := t.(type) {
	case everyone:
		return nobody{}
	case nobody:
		return everyone{}
	case not:
		return t.term
	}
	return not{t}
}

// same says whether two terms are the same row or the same shared term.
func same(a, b term) bool {
	switch a := a.(type) {
	case *tag:
		b, ok := b.(*tag)
		return ok && a.id == b.id
	case taken:
		return a == b
	case *shared:
		return a == b
	case not:
		b, ok := b.(not)
		return ok && same(a.term, b.term)
	}
	return false
}

// distinct returns the terms without repeats.
func distinct[T term](terms []T) []T {
	kept := terms[:0]
	for _, t := range terms {
		if !slices.ContainsFunc(kept, func(other T) bool { return same(t, other) }) {
			kept = append(kept, t)
		}
	}
	return kept
}
