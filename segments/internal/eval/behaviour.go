package eval

import (
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/value"
)

// events selects events of one name, within a span, that a condition holds for.
type events struct {
	id       uint32
	keptFrom int32 // first day that is still kept
	span     span
	where    cond // nil when there is none
}

func (e *Env) compileBehaviour(n expr.Behaviour) (term, error) {
	id, found := e.Schema.Event(n.Event)
	if !found {
		return e.nothingDone(n), nil
	}
	selected := events{id: id, keptFrom: e.Version.KeptFrom(n.Event, e.Today), span: e.span(n.Window)}
	if n.Where != nil {
		var err error
		if selected.where, err = e.compileCond(id, n.Where); err != nil {
			return nil, err
		}
	}
	within := func(s span) did {
		other := selected
		other.span = s
		return did{other}
	}
	switch n.Func {
	case expr.Count:
		return newCounting(selected, n, false), nil
	case expr.Days:
		return newCounting(selected, n, true), nil
	case expr.Sum:
		property, _, found := e.Schema.Property(id, n.Property)
		if !found {
			return e.nothingDone(n), nil
		}
		return newSumming(selected, property, n), nil
	case expr.First:
		if n.Window.Kind == expr.WithinDays || n.Window.Kind == expr.WithinHours {
			return and{[]term{did{selected}, not{within(e.before(n.Window))}}}, nil
		}
	case expr.Last:
		if n.Window.Kind == expr.BeforeDays || n.Window.Kind == expr.BeforeHours {
			kind := expr.WithinDays
			if n.Window.Kind == expr.BeforeHours {
				kind = expr.WithinHours
			}
			return and{[]term{did{selected}, not{within(e.span(expr.Window{Kind: kind, N: n.Window.N}))}}}, nil
		}
	}
	return did{selected}, nil
}

// nothingDone is a behaviour of an event or property that nobody has shown: every count and sum is 0.
func (e *Env) nothingDone(n expr.Behaviour) term {
	if n.Op != 0 && has(numberRanges(n.Op, n.Values, 0), 0) {
		return everyone{}
	}
	return nobody{}
}

// access says how a day's events must be read for a span.
type access uint8

const (
	skip    access = iota // nothing of the day lies in the span
	rows                  // all of it does, and no condition asks for more
	columns               // some of it does, or a condition must be tested
)

func (s *events) access(d *index.EventDay) access {
	afterMillis, toMillis := s.span.millis()
	switch {
	case d.HighMillis <= afterMillis || d.LowMillis > toMillis:
		return skip
	case s.where != nil || d.LowMillis <= afterMillis || d.HighMillis > toMillis:
		return columns
	}
	return rows
}

// millis returns the span's bounds in milliseconds: after the first, up to the second.
func (s span) millis() (after, to int64) {
	after = startOfTime
	if s.afterSecond != startOfTime {
		after = s.afterSecond*1000 + 999
	}
	return after, s.toSecond*1000 + 999
}

// days returns the event's days in the span, of the run's shard.
func (s *events) days(r *run) []*index.EventDay {
	return r.env.Version.EventDays(r.shard, s.id, max(s.keptFrom, s.span.fromDay), s.span.toDay)
}

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
