package eval

import (
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// summing compares the exact sum of a numeric property of the selected events; values that are not numbers add nothing.
type summing struct {
	events   events
	property uint32
	op       expr.Op
	literals []value.Value
	zero     bool
}

func newSumming(s events, property uint32, n expr.Behaviour) summing {
	return summing{s, property, n.Op, n.Values, has(numberRanges(n.Op, n.Values, 0), 0)}
}

func (t summing) eval(r *run, candidates, out *bitmap.Words) error {
	sums := newSums(r)
	defer sums.release()
	for _, d := range t.events.days(r) {
		if t.events.access(d) == skip {
			continue
		}
		err := t.events.scan(r, d, candidates, func(c *column.Chunk, row int, x uint16) {
			if p := c.Prop(t.property); p != nil && p.Kind(row) == value.Number {
				sums.add(x, p.Cell(row))
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

func (t summing) cost() int { return t.events.cost(30) }
