package eval

import (
	"cmp"
	"slices"
)

// gather looks at the rows, the emptiest first, and finds out whom they leave. With leftConj some blocks are still to be cleared.
func (a *and) gather(r *run) (l left, clear []ready, err error) {
	found, nobody, err := a.required(r)
	if err != nil || nobody {
		return left{}, nil, err
	}
	r.conj.Reset()
	operands := 0
	if len(found) > 0 && !found[0].block.Dense() {
		l, err = a.lookUp(r, found)
		return l, nil, err
	}
	for i := range found {
		if !found[i].block.Full() {
			r.conj.And(found[i].block.Words())
			operands++
		}
	}
	groups, nobody, err := a.groups(r)
	if err != nil || nobody {
		return left{}, nil, err
	}
	operands += groups
	clear, without, nobody, err := a.excluded(r)
	switch {
	case nobody:
		return left{}, nil, err
	case operands+without == 0:
		return left{kind: leftCrowd}, clear, nil
	case operands == 0 || !r.all:
		r.conj.And(r.crowd())
	}
	return left{kind: leftConj}, clear, nil
}

// required returns the blocks of the rows that all must be in, the emptiest first.
func (a *and) required(r *run) (found []ready, nobody bool, err error) {
	found = a.found[:0]
	for _, t := range a.rows {
		n := t.atMost(r)
		if n == 0 {
			return nil, true, nil
		}
		found = append(found, ready{row: t, count: n})
	}
	slices.SortFunc(found, func(a, b ready) int { return cmp.Compare(a.count, b.count) })
	for i := range found {
		if found[i].block, err = found[i].row.of(r); err != nil || found[i].block == nil {
			return nil, true, err
		}
		if !found[i].block.Dense() && found[0].block.Dense() {
			found[0], found[i] = found[i], found[0] // a row may be dense here although it has few
		}
	}
	a.found = found
	return found, false, nil
}

// groups adds to the run's conj what at least one row of each group must have, and returns how many operands that makes.
func (a *and) groups(r *run) (operands int, nobody bool, err error) {
	for _, rows := range a.any {
		found, whole, err := a.members(r, rows)
		switch {
		case err != nil || len(found) == 0 && !whole:
			return 0, true, err
		case whole:
			continue
		}
		operands++
		switch {
		case len(found) == 1 && found[0].block.Dense():
			r.conj.And(found[0].block.Words())
		case len(found) == 2 && found[0].block.Dense() && found[1].block.Dense():
			r.conj.Or(found[0].block.Words(), found[1].block.Words())
		default:
			one := r.lend()
			one.Clear()
			for i := range found {
				found[i].block.OrInto(one)
			}
			r.conj.And(one)
		}
	}
	return operands, false, nil
}

// members returns the blocks of a group's rows that are not empty; whole says that one of them has everybody.
func (a *and) members(r *run, rows []row) (found []ready, whole bool, err error) {
	found = a.both[:0]
	for _, t := range rows {
		if t.atMost(r) == 0 {
			continue
		}
		block, err := t.of(r)
		switch {
		case err != nil:
			return nil, false, err
		case block == nil:
		case block.Full():
			return nil, true, nil
		default:
			found = append(found, ready{row: t, block: block})
		}
	}
	a.both = found
	return found, false, nil
}

// excluded adds to the run's conj the rows that nobody may be in, as far as they are dense, and returns how many these are, and the others.
func (a *and) excluded(r *run) (clear []ready, without int, nobody bool, err error) {
	clear = a.both[:0]
	for _, t := range a.none {
		if t.atMost(r) == 0 {
			continue
		}
		block, err := t.of(r)
		switch {
		case err != nil:
			return nil, 0, true, err
		case block == nil:
		case block.Full():
			return nil, 0, true, nil
		case block.Dense():
			r.conj.Not(block.Words())
			without++
		default:
			clear = append(clear, ready{row: t, block: block})
		}
	}
	a.both = clear
	return clear, without, false, nil
}

// lookUp keeps those of the first block, which is sparse, who are in all the others, in one of each group, in none that excludes them.
func (a *and) lookUp(r *run, found []ready) (left, error) {
	members := found[0].block.Members(r.sparse()[:0])
	for i := 1; i < len(found) && len(members) > 0; i++ {
		members = found[i].block.Keep(members)
	}
	for _, rows := range a.any {
		if len(members) == 0 {
			break
		}
		group, whole, err := a.members(r, rows)
		if err != nil {
			return left{}, err
		}
		if whole {
			continue
		}
		n := 0
		for _, x := range members {
			for i := range group {
				if group[i].block.Has(x) {
					members[n] = x
					n++
					break
				}
			}
		}
		members = members[:n]
	}
	for _, t := range a.none {
		if len(members) == 0 {
			break
		}
		if t.atMost(r) == 0 {
			continue
		}
		block, err := t.of(r)
		if err != nil {
			return left{}, err
		}
		if block != nil {
			members = block.Drop(members)
		}
	}
	if !r.all {
		n := 0
		for _, x := range members {
			if r.everyone.Has(x) {
				members[n] = x
				n++
			}
		}
		members = members[:n]
	}
	if len(members) == 0 {
		return left{}, nil
	}
	return left{leftSparse, members}, nil
}
