package segments

import (
	"fmt"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/value"
)

// Warnings names what in an expression is probably not meant: names that nobody has used yet, comparisons
// that no value can pass because of its type, and windows that begin before events are kept. Each is named once.
func (v *View) Warnings(n expr.Node) []Warning {
	w := warner{view: v, seen: map[string]bool{}}
	expr.Walk(n, w.node)
	return w.found
}

// RetentionWarnings names what rules are about that nobody has used yet.
func (a *App) RetentionWarnings(rules []batch.Retention) []Warning {
	w := warner{seen: map[string]bool{}}
	for _, r := range rules {
		if _, found := a.index.Schema.Tag(r.Name); r.Tag && !found {
			w.unknown("UNKNOWN_TAG", "tag", r.Name, a.index.Schema.Tags())
		}
		if _, found := a.index.Schema.Event(r.Name); !r.Tag && !found {
			w.unknown("UNKNOWN_EVENT", "event", r.Name, a.index.Schema.Events())
		}
	}
	return w.found
}

type warner struct {
	view  *View
	seen  map[string]bool
	found []Warning
}

func (w *warner) node(n expr.Node) {
	schema := w.view.env.Schema
	switch n := n.(type) {
	case expr.Tag:
		if _, found := schema.Tag(n.Name); !found {
			w.unknown("UNKNOWN_TAG", "tag", n.Name, schema.Tags())
		}
	case expr.Attribute:
		_, kind, _, found := schema.Attribute(n.Name)
		if !found {
			w.unknown("UNKNOWN_ATTRIBUTE", "attribute", n.Name, schema.Attributes())
			return
		}
		w.types(n.Comparison, kind)
	case expr.Behaviour:
		event, found := schema.Event(n.Event)
		if !found {
			w.unknown("UNKNOWN_EVENT", "event", n.Event, schema.Events())
			return
		}
		if first, named := w.view.env.FirstDay(n); named && first < w.view.env.Version.KeptFrom(n.Event, w.view.env.Today) {
			w.add(Warning{Reason: "BEYOND_RETENTION", Name: n.Event, Message: fmt.Sprintf("events %s before %s are not kept, so the window begins there",
				value.Quote(n.Event), civil.Format(w.view.env.Version.KeptFrom(n.Event, w.view.env.Today)))})
		}
		property := func(name string) {
			if _, _, found := schema.Property(event, name); !found {
				w.unknown("UNKNOWN_PROPERTY", "property of "+value.Quote(n.Event), name, schema.Properties(event))
			}
		}
		if n.Func == expr.Sum {
			property(n.Property)
		}
		expr.WalkCond(n.Where, func(c expr.Cond) {
			if p, ok := c.(expr.Property); ok {
				property(p.Name)
			}
		})
	}
}

func (w *warner) unknown(reason, what, name string, known []string) {
	nearest, _ := expr.Nearest(name, known)
	message := fmt.Sprintf("nobody has the %s %s yet, so it is empty", what, value.Quote(name))
	if nearest != "" {
		message += fmt.Sprintf("; did you mean %s?", value.Quote(nearest))
	}
	w.add(Warning{Reason: reason, Name: name, Nearest: nearest, Message: message})
}

// types warns of a comparison with another type than the attribute has.
func (w *warner) types(c expr.Comparison, kind value.Kind) {
	compared := kind
	switch {
	case c.Op == expr.Has:
		compared = value.List
	case len(c.Values) > 0 && c.Values[0].Kind == value.Date:
		compared = value.Time
	case len(c.Values) > 0:
		compared = c.Values[0].Kind
	}
	if compared != kind {
		w.add(Warning{Reason: "ATTRIBUTE_TYPE", Name: c.Name,
			Message: fmt.Sprintf("attribute %s is of type %s; comparing it with a %s is never true", value.Quote(c.Name), kind, compared)})
	}
}

func (w *warner) add(warning Warning) {
	if !w.seen[warning.Message] {
		w.seen[warning.Message] = true
		w.found = append(w.found, warning)
	}
}
