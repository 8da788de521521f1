package eval

import (
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/index"
)

// days are the days of the run's shard on which events were selected from, with what a term has read of them.
type days struct {
	turn int
	list []day
}

type day struct {
	*index.EventDay
	access   access
	limited  bool // to events that are late by mostLate days at most
	mostLate int32
	read     bool
	presence *bitmap.Bitmap
	planes   []*bitmap.Bitmap
	chunks   []*column.Chunk
}

// of returns the days in the events' span, of the run's shard.
func (d *days) of(r *run, s *events) []day {
	if d.turn != r.turn {
		d.turn, d.list = r.turn, d.list[:0]
		for _, e := range s.days(r) {
			a := s.access(e)
			if a == skip {
				continue
			}
			some := day{EventDay: e, access: a}
			if most, limited := r.env.MostLateDays[s.id]; limited && e.LateDays() > most {
				some.access, some.limited, some.mostLate = columns, true, most
			}
			d.list = append(d.list, some)
		}
	}
	return d.list
}

// rows returns the day's rows, with planes or without, as they are until the run goes to another shard.
func (d *day) rows(planes bool) (presence *bitmap.Bitmap, above []*bitmap.Bitmap, err error) {
	if d.presence == nil {
		if d.presence, err = d.Presence(); err != nil {
			return nil, nil, err
		}
	}
	if planes && !d.read {
		if d.planes, err = d.Planes(); err != nil {
			return nil, nil, err
		}
		d.read = true
	}
	return d.presence, d.planes, nil
}

// events returns the day's events, as they are until the run goes to another shard: read once, for all of its blocks.
func (d *day) events() (chunks []*column.Chunk, err error) {
	switch {
	case d.chunks != nil:
	case d.limited:
		d.chunks, err = d.ChunksWithin(d.mostLate)
	default:
		d.chunks, err = d.Chunks()
	}
	return d.chunks, err
}

// days returns the event's days in the span, of the run's shard.
func (s *events) days(r *run) []*index.EventDay {
	return r.env.Version.EventDays(r.shard, s.id, max(s.keptFrom, s.span.fromDay), s.span.toDay)
}
