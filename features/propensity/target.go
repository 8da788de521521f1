package propensity

import (
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// checkTarget refuses what cannot be said of the days of a horizon. A target is made of did, count, days and sum without a window, joined by
// and, or, not.
//
// A window of its own would say something of other days than the horizon's. First and last have no form without one; who does something for the
// first time is asked with `not did(...)` in eligible. Tags and attributes are known only as they are now, which is neither before the
// cut-off nor the horizon, and a sample has nothing to do with what a CID does: they belong into eligible, if anywhere.
func (q *Question) checkTarget() error {
	wrong := func(n expr.Node, why string) error {
		return &DefinitionError{Field: "target", Message: fmt.Sprintf("%s cannot stand in a target: %s", n, why)}
	}
	var err error
	expr.Walk(q.Target, func(n expr.Node) {
		if err != nil {
			return
		}
		switch n := n.(type) {
		case expr.And, expr.Or, expr.Not, expr.Everyone, expr.Nobody:
		case expr.Behaviour:
			switch {
			case n.Func == expr.First || n.Func == expr.Last:
				err = wrong(n, fmt.Sprintf("its window would reach out of the horizon; write did(%s), and for a first time put not did(%[1]s) into eligible", value.Quote(n.Event)))
			case n.Window.Kind != expr.Ever:
				err = wrong(n, fmt.Sprintf("the window of a target is its horizon of %d days, so leave out %q", q.Definition.HorizonDays, n.Window.String()))
			case q.Event == "":
				q.Event = n.Event
			}
		case expr.Tag:
			err = wrong(n, "tags are known only as they are now, not as they were in the horizon; predict the event that sets the tag")
		case expr.Attribute:
			err = wrong(n, "attributes are known only as they are now, not as they were in the horizon; predict the event that changes it")
		case expr.Sample:
			err = wrong(n, "nobody does anything to be in a sample; put it into eligible")
		default:
			err = wrong(n, "only did, count, days and sum can be asked of the horizon")
		}
	})
	if err == nil && q.Event == "" {
		err = &DefinitionError{Field: "target", Message: fmt.Sprintf("%s asks for no event; write for instance did(\"purchase\")", q.Target)}
	}
	return err
}

// checkEligible refuses what would put knowledge of today into the past: tags and attributes that are not declared static, and whatever else
// has no past.
func (q *Question) checkEligible() error {
	wrong := func(format string, args ...any) error {
		return &DefinitionError{Field: "eligible", Message: fmt.Sprintf(format, args...)}
	}
	var err error
	expr.Walk(q.Eligible, func(n expr.Node) {
		if err != nil {
			return
		}
		switch n := n.(type) {
		case expr.And, expr.Or, expr.Not, expr.Everyone, expr.Nobody, expr.Sample:
		case expr.Tag:
			if !slices.Contains(q.Definition.StaticTags, n.Name) {
				err = wrong("%s is known only as it is now, not as it was at a cut-off; if it never changes, or not because of the target, name it among static_tags", n)
			}
		case expr.Attribute:
			if !slices.Contains(q.Definition.StaticAttributes, n.Name) {
				err = wrong("%s is known only as it is now, not as it was at a cut-off; if it never changes, or not because of the target, name it among static_attributes", n)
			}
		case expr.Behaviour:
			if n.Window.Kind == expr.Range {
				q.Warnings = append(q.Warnings, fmt.Sprintf("%s in eligible does not move with the cut-off: each cut-off sees of it only what lies before", n))
			}
		default:
			err = wrong("%s is known only as it is now, not as it was at a cut-off", n)
		}
	})
	return err
}

// Over returns the target with the horizon of a cut-off as the window of each behaviour. It is to be evaluated as of the end of the
// horizon's last day.
func (q *Question) Over(cutoff Day) expr.Node {
	return within(q.Target, expr.Window{Kind: expr.Range, From: int64(cutoff), To: int64(cutoff) + int64(q.Definition.HorizonDays)})
}

func within(n expr.Node, w expr.Window) expr.Node {
	switch n := n.(type) {
	case expr.And:
		return expr.And{Terms: withinAll(n.Terms, w)}
	case expr.Or:
		return expr.Or{Terms: withinAll(n.Terms, w)}
	case expr.Not:
		return expr.Not{Term: within(n.Term, w)}
	case expr.Behaviour:
		n.Window = w
		return n
	}
	return n
}

func withinAll(terms []expr.Node, w expr.Window) []expr.Node {
	out := make([]expr.Node, len(terms))
	for i, t := range terms {
		out[i] = within(t, w)
	}
	return out
}

// Events returns the events that the question names, each once, in the order of their first mention.
func (q *Question) Events() (names []string) {
	for _, n := range []expr.Node{q.Target, q.Eligible} {
		expr.Walk(n, func(n expr.Node) {
			if b, ok := n.(expr.Behaviour); ok && !slices.Contains(names, b.Event) {
				names = append(names, b.Event)
			}
		})
	}
	return names
}
