package eval

import (
	"cmp"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// term makes the bits of one block at a time. A term belongs to one run and is used by one
// goroutine.
type term interface {
	// eval makes out the ordinals of the run's block that the term holds for, as far as they are in
	// candidates; what it says of others has no meaning. Candidates is not empty, and must not be changed.
	eval(r *run, candidates, out *bitmap.Words) error
	// cost ranks terms by what a block of them costs.
	cost() int
}

// compile returns the term of a node.
func (e *Env) compile(n expr.Node) (term, error) {
	switch n := n.(type) {
	case expr.And:
		terms, err := e.compileAll(n.Terms)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(terms, func(a, b term) int { return cmp.Compare(a.cost(), b.cost()) })
		return and{terms}, nil
	case expr.Or:
		terms, err := e.compileAll(n.Terms)
		return or{terms}, err
	case expr.Not:
		t, err := e.compile(n.Term)
		return not{t}, err
	case expr.Everyone:
		return everyone{}, nil
	case expr.Nobody:
		return nobody{}, nil
	case expr.Tag:
		return e.compileTag(n), nil
	case expr.Sample:
		return newSample(e, n), nil
	case expr.Attribute:
		return e.compileAttribute(n), nil
	case expr.Behaviour:
		return e.compileBehaviour(n)
	}
	return nil, fmt.Errorf("eval: %T is not a term of expressions", n)
}

func (e *Env) compileAll(nodes []expr.Node) ([]term, error) {
	terms := make([]term, len(nodes))
	for i, n := range nodes {
		var err error
		if terms[i], err = e.compile(n); err != nil {
			return nil, err
		}
	}
	return terms, nil
}

type and struct{ terms []term }

func (a and) eval(r *run, candidates, out *bitmap.Words) error {
	left := r.borrow()
	defer r.giveBack(left)
	*left = *candidates
	for _, t := range a.terms {
		if left.Empty() {
			break
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := t.eval(r, left, out); err != nil {
			return err
		}
		left.And(out)
	}
	*out = *left
	return nil
}

func (a and) cost() int { return costs(a.terms) }

type or struct{ terms []term }

func (o or) eval(r *run, candidates, out *bitmap.Words) error {
	// Whoever an earlier term holds for need not be asked about again.
	open, one := r.borrow(), r.borrow()
	defer r.giveBack(open, one)
	*open = *candidates
	out.Clear()
	for _, t := range o.terms {
		if open.Empty() {
			break
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := t.eval(r, open, one); err != nil {
			return err
		}
		one.And(open)
		out.Or(one)
		open.AndNot(one)
	}
	return nil
}

func (o or) cost() int { return costs(o.terms) }

func costs(terms []term) int {
	sum := 0
	for _, t := range terms {
		sum += t.cost()
	}
	return sum
}

type not struct{ term term }

func (n not) eval(r *run, candidates, out *bitmap.Words) error {
	inner := r.borrow()
	defer r.giveBack(inner)
	if err := n.term.eval(r, candidates, inner); err != nil {
		return err
	}
	*out = *candidates
	out.AndNot(inner)
	return nil
}

func (n not) cost() int { return n.term.cost() }

type everyone struct{}

func (everyone) eval(_ *run, candidates, out *bitmap.Words) error {
	*out = *candidates // a run's candidates are never more than everyone
	return nil
}

func (everyone) cost() int { return 0 }

type nobody struct{}

func (nobody) eval(_ *run, _, out *bitmap.Words) error {
	out.Clear()
	return nil
}

func (nobody) cost() int { return 0 }
