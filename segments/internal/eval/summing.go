package eval

import (
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// summing compares the exact sum of a numeric property of the selected events; values that are not numbers add nothing.
type summing struct {
	events   events
	property uint32
	op       expr.Op
	literals []value.Value
	zero     bool

	days days
}

func newSumming(s events, property uint32, n expr.Behaviour) *summing {
	return &summing{events: s, property: property, op: n.Op, literals: n.Values, zero: has(numberRanges(n.Op, n.Values, 0), 0)}
}

func (t *summing) eval(r *run, candidates, out *bitmap.Words) error {
	sums := newSums(r)
	defer sums.release()
	list := t.days.of(r, &t.events)
	for i := range list {
		d := &list[i]
		if d.InBlock(r.block) == 0 {
			continue
		}
		err := t.events.tiles(r, d, candidates, false, func(rows *tile) {
			if p := rows.chunk.Prop(t.property); p != nil {
				sums.addRows(rows, p)
			}
		})
		if err != nil {
			return err
		}
	}
	out.Clear()
	if t.zero {
		*out = *candidates
		out.AndNot(sums.touched)
	}
	sums.compare(t.op, t.literals, out)
	return nil
}

func (t *summing) cost() int { return t.events.cost(30) }
