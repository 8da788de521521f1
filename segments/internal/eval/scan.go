package eval

import (
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
)

// scan calls yield with every selected row of the run's block of a day whose ordinal is a candidate.
func (s *events) scan(r *run, d *day, candidates *bitmap.Words, yield func(c *column.Chunk, row int, x uint16)) error {
	return s.tiles(r, d, candidates, true, func(t *tile) {
		t.each(func(row int, x uint16) { yield(t.chunk, row, x) })
	})
}

// mark sets in out the candidates who have a selected row of the day; what it says of others has no meaning.
func (s *events) mark(r *run, d *day, candidates, out *bitmap.Words) error {
	return s.tiles(r, d, candidates, false, func(t *tile) { t.markIn(out) })
}

// tally adds to counts how many selected rows of the day each candidate has, and sets in touched who has any; what it
// says of others has no meaning.
func (s *events) tally(r *run, d *day, candidates, touched *bitmap.Words, counts *[bitmap.BlockOrdinals]uint32) error {
	return s.tiles(r, d, candidates, false, func(t *tile) {
		t.markIn(touched)
		t.countIn(counts)
	})
}

// tiles calls yield with the tiles of the run's block of a day that have a selected row. Rows of others than candidates
// are left out if only asks for it; otherwise they may be there, where telling would cost more than it saves.
func (s *events) tiles(r *run, d *day, candidates *bitmap.Words, only bool, yield func(t *tile)) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	chunks, err := d.events()
	if err != nil {
		return err
	}
	afterMillis, toMillis := s.span.millis()
	inside := d.LowMillis > afterMillis && d.HighMillis <= toMillis
	offsets := column.Range{Low: clampOffset(afterMillis, d.Day) + 1, High: clampOffset(toMillis, d.Day)}
	if r.tile == nil {
		r.tile = new(tile)
	}
	t := r.tile
	for _, c := range chunks {
		for from, end := c.Block(r.block); from < end; from += tileRows {
			t.take(c, from, min(tileRows, end-from))
			if !t.among(candidates, only) {
				continue
			}
			if !inside {
				t.narrow(func(mask []uint64) { c.OffsetsBetween(mask, t.from, t.n, offsets) })
			}
			if s.where != nil && t.any() {
				t.narrow(func(mask []uint64) { s.where.eval(t, mask) })
			}
			if t.any() {
				yield(t)
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
