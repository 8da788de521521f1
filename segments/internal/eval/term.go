package eval

import (
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// term makes the bits of one block at a time. A term belongs to one run and is used by one
// goroutine.
type term interface {
	// eval makes out the ordinals of the run's block that the term holds for, as far as they are in
	// candidates; what it says of others has no meaning. Candidates is not empty, and must not be changed.
	eval(r *run, candidates, out *bitmap.Words) error
	// cost ranks terms by what a block of them costs, in units of unitNanos.
	cost() int
}

// row is a term whose bits lie ready.
type row interface {
	term
	// atMost returns how many the term holds for in the run's block at most, without reading anything.
	atMost(r *run) int
	// of returns the run's block, nil when it is empty, good until the run goes to another block.
	of(r *run) (*bitmap.Block, error)
}

func costs(terms []term) int {
	sum := 0
	for _, t := range terms {
		sum += t.cost()
	}
	return sum
}

// or is a disjunction of rows and other terms.
type or struct {
	rows   []row
	others []term
}

func (o *or) eval(r *run, candidates, out *bitmap.Words) error {
	out.Clear()
	for _, t := range o.rows {
		if t.atMost(r) == 0 {
			continue
		}
		block, err := t.of(r)
		if err != nil {
			return err
		}
		if block != nil {
			block.OrInto(out)
		}
	}
	if len(o.others) == 0 {
		return nil
	}
	// Whoever an earlier term holds for need not be asked about again.
	open, one := r.borrow(), r.borrow()
	defer r.giveBack(open, one)
	*open = *candidates
	open.AndNot(out)
	for _, t := range o.others {
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

func (o *or) cost() int { return len(o.rows) + costs(o.others) }

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

// shared is a term that an expression has more than once. It is worked out once for a block, and then for everyone.
type shared struct {
	term  term
	turn  int
	block int
	words *bitmap.Words
}

func (s *shared) eval(r *run, _, out *bitmap.Words) error {
	if s.words == nil || s.turn != r.turn || s.block != r.block {
		if s.words == nil {
			s.words = new(bitmap.Words)
		}
		s.turn, s.block = 0, 0 // no block, should it fail
		if err := s.term.eval(r, r.crowd(), s.words); err != nil {
			return err
		}
		s.turn, s.block = r.turn, r.block
	}
	*out = *s.words
	return nil
}

func (s *shared) cost() int { return s.term.cost() }
