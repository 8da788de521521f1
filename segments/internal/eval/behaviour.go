package eval

import (
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/index"
)

// events selects events of one name, within a span, that a condition holds for.
type events struct {
	id       uint32
	keptFrom int32 // first day that is still kept
	span     span
	where    cond // nil when there is none
}

func (p *planner) behaviour(n expr.Behaviour) (term, error) {
	e := p.env
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
	within := func(s span) term {
		other := selected
		other.span = s
		return &did{events: other}
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
			return p.conjunction([]term{within(selected.span), not{within(e.before(n.Window))}})
		}
	case expr.Last:
		if n.Window.Kind == expr.BeforeDays || n.Window.Kind == expr.BeforeHours {
			kind := expr.WithinDays
			if n.Window.Kind == expr.BeforeHours {
				kind = expr.WithinHours
			}
			return p.conjunction([]term{within(selected.span), not{within(e.span(expr.Window{Kind: kind, N: n.Window.N}))}})
		}
	}
	return within(selected.span), nil
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
