package eval

import "whowhen.dev/whowhen/segments/internal/bitmap"

// did holds for whoever has a selected event.
type did struct {
	events events
	days   days
	dense  []*bitmap.Words
}

func (t *did) eval(r *run, candidates, out *bitmap.Words) error {
	out.Clear()
	t.dense = t.dense[:0]
	list := t.days.of(r, &t.events)
	for i := range list {
		d := &list[i]
		if d.InBlock(r.block) == 0 {
			continue
		}
		if d.access == columns {
			if err := t.events.mark(r, d, candidates, out); err != nil {
				return err
			}
			continue
		}
		presence, _, err := d.rows(false)
		if err != nil {
			return err
		}
		if block := presence.Block(r.block); block.Dense() {
			t.dense = append(t.dense, block.Words())
		} else {
			block.OrInto(out)
		}
	}
	out.OrAll(t.dense)
	return nil
}

func (t *did) cost() int { return t.events.cost(1) }

func (s *events) cost(factor int) int {
	days := 365
	if s.span.fromDay != firstDay {
		days = max(0, min(days, int(s.span.toDay)-int(s.span.fromDay)+1))
	}
	if s.where != nil {
		factor *= 20
	}
	return 2 + days*factor
}
