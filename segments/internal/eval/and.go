package eval

import "whowhen.dev/whowhen/segments/internal/bitmap"

// and is a conjunction, and the root of every plan. What lies ready in rows is taken first, all at once: where one row is sparse its
// members are looked up in the others, else all are combined in one pass over the words. What must be computed comes after, cheapest
// first, and only for blocks where somebody is left.
type and struct {
	rows   []row   // all must have it
	any    [][]row // of each one at least
	none   []row   // none may have it
	others []term

	found []ready // of the block, room for gather
	both  []ready
}

// ready is a row's block and how many it has at most.
type ready struct {
	row   row
	block *bitmap.Block
	count int
}

func (a *and) cost() int {
	sum := len(a.rows) + len(a.none) + costs(a.others)
	for _, rows := range a.any {
		sum += len(rows)
	}
	return sum
}

// left is who the rows leave of a block.
type left struct {
	kind   leftKind
	sparse []uint16
}

type leftKind uint8

const (
	leftNobody leftKind = iota
	leftSparse          // the members in sparse
	leftConj            // what the run's conj says
	leftCrowd           // everyone of the block
)

// count returns for how many of everyone in the run's block the conjunction holds.
func (a *and) count(r *run) (int, error) {
	l, clear, err := a.gather(r)
	switch {
	case err != nil || l.kind == leftNobody:
		return 0, err
	case l.kind == leftSparse && len(a.others) == 0:
		return len(l.sparse), nil
	case l.kind == leftConj && len(a.others) == 0 && len(clear) == 0:
		return r.conj.Count(), nil
	case l.kind == leftCrowd && len(a.others) == 0 && len(clear) == 0:
		return r.crowd().Count(), nil
	}
	out := r.borrow()
	defer r.giveBack(out)
	if l.kind == leftCrowd && len(a.others) == 1 && len(clear) == 0 {
		// What is computed of everyone is counted without having been copied.
		if err := a.others[0].eval(r, r.crowd(), out); err != nil {
			return 0, err
		}
		return r.crowd().CountAnd(out), nil
	}
	last, err := a.finish(r, l, clear, out)
	switch {
	case err != nil:
		return 0, err
	case last == nil:
		return out.Count(), nil
	}
	defer r.giveBack(last)
	return out.CountAnd(last), nil
}

// store makes out for whom of everyone in the run's block the conjunction holds.
func (a *and) store(r *run, out *bitmap.Words) error {
	l, clear, err := a.gather(r)
	if err != nil || l.kind == leftNobody {
		out.Clear()
		return err
	}
	last, err := a.finish(r, l, clear, out)
	if last != nil {
		out.And(last)
		r.giveBack(last)
	}
	return err
}

// finish makes out what the rows leave, without the members of the blocks to clear, and then asks the other terms. The bits of the last
// of them are returned apart, for the caller to take from out what they have not, and to give back; nil when all is done.
func (a *and) finish(r *run, l left, clear []ready, out *bitmap.Words) (last *bitmap.Words, err error) {
	switch l.kind {
	case leftSparse:
		out.Clear()
		for _, x := range l.sparse {
			out.Set(x)
		}
	case leftCrowd:
		*out = *r.crowd()
	default:
		r.conj.Store(out)
	}
	for i := range clear {
		clear[i].block.AndNotInto(out)
	}
	return a.narrow(r, out)
}

// narrow keeps those in out whom the other terms hold for, but for the last, whose bits it returns.
func (a *and) narrow(r *run, out *bitmap.Words) (last *bitmap.Words, err error) {
	if len(a.others) == 0 {
		return nil, nil
	}
	one := r.borrow()
	for i, t := range a.others {
		if out.Empty() {
			break
		}
		if err = r.ctx.Err(); err == nil {
			err = t.eval(r, out, one)
		}
		if err != nil {
			break
		}
		if i == len(a.others)-1 {
			return one, nil
		}
		out.And(one)
	}
	r.giveBack(one)
	return nil, err
}

// eval is what a conjunction within another expression does.
func (a *and) eval(r *run, candidates, out *bitmap.Words) error {
	l, clear, err := a.gather(r)
	if err != nil || l.kind == leftNobody {
		out.Clear()
		return err
	}
	switch l.kind {
	case leftConj:
		r.conj.And(candidates)
	case leftCrowd:
		r.conj.And(candidates)
		l.kind = leftConj
	}
	last, err := a.finish(r, l, clear, out)
	if last != nil {
		out.And(last)
		r.giveBack(last)
	}
	return err
}
