package eval

import (
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

// did holds for whoever has a selected event.
type did struct{ events events }

func (t did) eval(r *run, candidates, out *bitmap.Words) error {
	out.Clear()
	for _, d := range t.events.days(r) {
		switch t.events.access(d) {
		case rows:
			presence, err := d.Presence()
			if err != nil {
				return err
			}
			if block := presence.Block(r.block); block != nil {
				block.OrInto(out)
			}
		case columns:
			err := t.events.scan(r, d, candidates, func(_ *column.Chunk, _ int, x uint16) { out.Set(x) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (t did) cost() int { return t.events.cost(1) }

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
