package judge

import (
	"fmt"
	"math/big"
	"strings"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// Deeds sums up some events of a CID.
type Deeds struct {
	Count, Days uint64
	Sum         string
	First, Last int64
}

// Deeds sums up the events that a behaviour looks at: those in its window, or for first and last
// all up to the moment.
func (v *View) Deeds(n expr.Behaviour, cid string) Deeds {
	window := n.Window
	if n.Func == expr.First || n.Func == expr.Last {
		window = expr.Window{Kind: expr.Ever}
	}
	var d Deeds
	days := map[int64]bool{}
	found := v.find(n, window, v.judge.people[cid])
	for _, e := range found {
		if d.Count == 0 || e.second < d.First {
			d.First = e.second
		}
		d.Last = max(d.Last, e.second)
		d.Count++
		days[e.day] = true
	}
	d.Days = uint64(len(days))
	if n.Func == expr.Sum {
		d.Sum = digits(sum(found, n.Property))
	}
	return d
}

func (v *View) did(n expr.Behaviour, p *person) bool {
	in := v.find(n, n.Window, p)
	switch n.Func {
	case expr.Did:
		return len(in) > 0
	case expr.Count:
		return holdsNumber(big.NewRat(int64(len(in)), 1), n.Op, n.Values)
	case expr.Days:
		days := map[int64]bool{}
		for _, e := range in {
			days[e.day] = true
		}
		return holdsNumber(big.NewRat(int64(len(days)), 1), n.Op, n.Values)
	case expr.Sum:
		return holdsNumber(sum(in, n.Property), n.Op, n.Values)
	case expr.First:
		switch n.Window.Kind {
		case expr.WithinDays:
			return len(in) > 0 && len(v.find(n, expr.Window{Kind: expr.BeforeDays, N: n.Window.N}, p)) == 0
		case expr.WithinHours:
			return len(in) > 0 && len(v.find(n, expr.Window{Kind: expr.BeforeHours, N: n.Window.N}, p)) == 0
		}
		return len(in) > 0
	case expr.Last:
		switch n.Window.Kind {
		case expr.BeforeDays:
			return len(in) > 0 && len(v.find(n, expr.Window{Kind: expr.WithinDays, N: n.Window.N}, p)) == 0
		case expr.BeforeHours:
			return len(in) > 0 && len(v.find(n, expr.Window{Kind: expr.WithinHours, N: n.Window.N}, p)) == 0
		}
		return len(in) > 0
	}
	panic(fmt.Sprintf("judge: function %d", n.Func))
}

// find returns the events of a behaviour's name that lie in a window and that its where holds for.
func (v *View) find(n expr.Behaviour, w expr.Window, p *person) []event {
	var found []event
	for _, e := range p.events {
		if e.name == n.Event && v.in(w, e) && (n.Where == nil || v.judge.where(n.Where, e.props)) {
			found = append(found, e)
		}
	}
	return found
}

// in says whether an event lies in a window. What happened after the moment is in none.
func (v *View) in(w expr.Window, e event) bool {
	if e.second > v.second || e.day > v.today {
		return false
	}
	if days, found := v.judge.keepEvents[e.name]; found && e.day <= v.judge.day(v.nowMillis/1000)-days {
		return false
	}
	days, seconds := int64(w.N), int64(w.N)*3600
	switch w.Kind {
	case expr.Ever:
		return true
	case expr.WithinDays:
		return e.day > v.today-days
	case expr.WithinHours:
		return e.second > v.second-seconds
	case expr.Range:
		return e.day >= w.From && e.day < w.To
	case expr.BeforeDays:
		return e.day <= v.today-days
	case expr.BeforeHours:
		return e.second <= v.second-seconds
	}
	panic(fmt.Sprintf("judge: window %d", w.Kind))
}

// where says whether a condition holds for the properties of one event.
func (j *Judge) where(c expr.Cond, props map[string]value.Value) bool {
	switch c := c.(type) {
	case expr.CondAnd:
		for _, t := range c.Terms {
			if !j.where(t, props) {
				return false
			}
		}
		return true
	case expr.CondOr:
		for _, t := range c.Terms {
			if j.where(t, props) {
				return true
			}
		}
		return false
	case expr.CondNot:
		return !j.where(c.Term, props)
	case expr.Property:
		return j.compare(props[c.Name], c.Comparison)
	}
	panic(fmt.Sprintf("judge: %T", c))
}

func sum(events []event, property string) *big.Rat {
	total := new(big.Rat)
	for _, e := range events {
		if p := e.props[property]; p.Kind == value.Number {
			total.Add(total, rat(p.Num))
		}
	}
	return total
}

func digits(r *big.Rat) string {
	text := r.FloatString(value.MaxScale)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
