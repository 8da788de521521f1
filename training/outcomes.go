package training

import (
	"cmp"
	"fmt"
	"strings"

	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// never says of each condition of the definition that asks of a property what its values are not, why it cannot hold.
func (j *job) never(c *segments.Catalog) (reasons []string) {
	ask := func(n expr.Node) {
		b, ok := n.(expr.Behaviour)
		if !ok {
			return
		}
		if p := named(c, b.Event, b.Property); b.Func == expr.Sum && p != nil && p.Numbers == 0 {
			reasons = append(reasons, fmt.Sprintf("%s is a sum of nothing, since %s of %s holds %s, and no number; ask for count(%[3]s where %[2]s = ...)", b, p.Name, value.Quote(b.Event), holds(p)))
		}
		expr.WalkCond(b.Where, func(cond expr.Cond) {
			w, ok := cond.(expr.Property)
			if !ok || len(w.Values) == 0 {
				return
			}
			p := named(c, b.Event, w.Name)
			switch number := w.Values[0].Kind == value.Number; {
			case p == nil:
			case number && p.Numbers == 0:
				reasons = append(reasons, fmt.Sprintf("%s is never true of %s, since %s holds %s, and no number", w, value.Quote(b.Event), p.Name, holds(p)))
			case !number && p.Numbers == p.Present:
				reasons = append(reasons, fmt.Sprintf("%s is never true of %s, since %s holds numbers only", w, value.Quote(b.Event), p.Name))
			}
		})
	}
	for _, n := range []expr.Node{j.question.Eligible, j.question.Target} {
		expr.Walk(n, ask)
	}
	return reasons
}

// named is the property of an event, or nil when there is none, or when not all of the event's values were looked at, so that there may be others.
func named(c *segments.Catalog, event, name string) *segments.PropertySummary {
	for _, e := range c.Events {
		for i := range e.Properties {
			if p := &e.Properties[i]; e.Name == event && p.Name == name && uint64(p.Events) == e.Count {
				return p
			}
		}
	}
	return nil
}

// refusal tells what package models refuses in words of the definition.
type refusal struct {
	message string
	cause   error
}

func (r *refusal) Error() string { return r.message }

func (r *refusal) Unwrap() error { return r.cause }

// checkOutcomes refuses cut-offs at which there is nothing to learn, and says why that is and what to do. Its errors unwrap to those of package
// models.
func (j *job) checkOutcomes(populations []*population) error {
	rows, positives := 0, 0
	for _, p := range populations {
		rows += p.kept
		positives += p.keptPositives
	}
	least := cmp.Or(j.options.Fit.MinClass, models.DefaultOptions().MinClass)
	days := "the training cut-off " + populations[0].day.String()
	if len(populations) > 1 {
		days = fmt.Sprintf("the %d training cut-offs from %s on", len(populations), populations[0].day)
	}
	because, widen := "", "widen eligible, "
	if len(j.impossible) > 0 {
		because = ": " + strings.Join(j.impossible, "; ")
	}
	if _, everyone := j.question.Eligible.(expr.Everyone); everyone {
		widen = ""
	}
	// The longer the horizon the more do something, and the fewer do not.
	change := "lengthen"
	if _, not := j.question.Target.(expr.Not); not != (positives > rows-positives) {
		change = "shorten"
	}
	switch {
	case rows == 0:
		if because == "" {
			because = "; look at eligible, or choose cut-offs with more history"
		}
		return &refusal{"nobody is eligible at " + days + because, &models.TableError{Problem: "there are no rows"}}
	case positives == 0:
		if because == "" {
			because = fmt.Sprintf("; look at the target, %s the horizon, or choose other cut-offs", change)
		}
		return &refusal{fmt.Sprintf("all %d rows are negative: nobody eligible at %s met the target%s", rows, days, because), &models.OneClassError{Rows: rows}}
	case positives == rows:
		if because == "" {
			because = fmt.Sprintf("; look at the target, or %s the horizon", change)
		}
		return &refusal{fmt.Sprintf("all %d rows are positive: everybody eligible at %s met the target%s", rows, days, because), &models.OneClassError{Rows: rows, Label: true}}
	case min(positives, rows-positives) < least:
		return &refusal{fmt.Sprintf("%d positives and %d negatives at %s are too few: at least %d of each are needed; %s%s the horizon or train on more cut-offs%s", positives, rows-positives, days, least, widen, change, because),
			&models.TooFewError{Positives: positives, Negatives: rows - positives, Least: least}}
	}
	return nil
}
