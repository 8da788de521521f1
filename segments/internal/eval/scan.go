package eval

import (
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/index"
)

// scan calls yield with every selected row of the run's block of a day whose ordinal is a candidate.
func (s *events) scan(r *run, d *index.EventDay, candidates *bitmap.Words, yield func(c *column.Chunk, row int, x uint16)) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	chunks, err := d.Chunks()
	if err != nil {
		return err
	}
	afterMillis, toMillis := s.span.millis()
	after, to := clampOffset(afterMillis, d.Day), clampOffset(toMillis, d.Day)
	for _, c := range chunks {
		const most = 4096
		for from, end := c.Block(r.block); from < end; from += most {
			n := min(most, end-from)
			r.grow(n)
			ordinals, offsets := c.ReadOrdinals(r.ordinals[:n], from), c.ReadOffsets(r.offsets[:n], from)
			mask := r.mask[:n]
			if s.where != nil {
				s.where.eval(c, from, mask)
			}
			for i, ordinal := range ordinals {
				if x := uint16(ordinal); candidates.Has(x) && offsets[i] > after && offsets[i] <= to && (s.where == nil || mask[i]) {
					yield(c, from+i, x)
				}
			}
		}
	}
	return nil
}

// clampOffset returns a moment as an offset within a day, as far as offsets go.
func clampOffset(millis int64, day int32) int64 {
	const far = 1 << 40
	start := civil.DayStart(day)
	switch {
	case millis < start-far:
		return -far
	case millis > start+far:
		return far
	}
	return millis - start
}

func (r *run) grow(n int) {
	if len(r.mask) < n {
		r.mask, r.ordinals, r.offsets = make([]bool, n), make([]int64, n), make([]int64, n)
	}
}
