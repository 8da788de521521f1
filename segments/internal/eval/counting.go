package eval

import (
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

// counting compares the number of selected events, or of days with one.
type counting struct {
	events events
	days   bool
	ranges []interval
	zero   bool // whether the comparison holds for 0
}

func newCounting(s events, n expr.Behaviour, days bool) counting {
	ranges := numberRanges(n.Op, n.Values, 0)
	return counting{s, days, ranges, has(ranges, 0)}
}

func (t counting) eval(r *run, candidates, out *bitmap.Words) error {
	counts := r.counters()
	touched, today := r.borrow(), r.borrow()
	defer r.giveBack(touched, today)
	touched.Clear()
	defer func() { touched.Each(func(x uint16) bool { counts[x] = 0; return true }) }()
	add := func(block *bitmap.Block, n uint32) {
		if block != nil {
			block.Each(func(x uint16) { counts[x] += n })
		}
	}
	for _, d := range t.events.days(r) {
		switch t.events.access(d) {
		case rows:
			presence, err := d.Presence()
			if err != nil {
				return err
			}
			block := presence.Block(r.block)
			if block == nil {
				continue
			}
			block.OrInto(touched)
			add(block, 1)
			if t.days {
				continue
			}
			planes, err := d.Planes()
			if err != nil {
				return err
			}
			for k, plane := range planes {
				add(plane.Block(r.block), 1<<k)
			}
		case columns:
			today.Clear()
			err := t.events.scan(r, d, candidates, func(_ *column.Chunk, _ int, x uint16) {
				if !t.days || !today.Has(x) {
					counts[x]++
				}
				today.Set(x)
			})
			if err != nil {
				return err
			}
			touched.Or(today)
		}
	}
	out.Clear()
	if t.zero {
		*out = *candidates
		out.AndNot(touched)
	}
	touched.Each(func(x uint16) bool {
		if has(t.ranges, int64(counts[x])) {
			out.Set(x)
		}
		return true
	})
	return nil
}

func (t counting) cost() int { return t.events.cost(8) }
