package training

import (
	"fmt"
	"slices"
	"strings"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// checkDeclared refuses names in the lists of a definition that are not there, which is a slip of the pen, and amounts that are no numbers. That a
// property which is not to be an amount holds no numbers does no harm.
func (j *job) checkDeclared(c *segments.Catalog) error {
	d := j.question.Definition
	var attributes []string
	for _, a := range c.Attributes {
		attributes = append(attributes, a.Name)
	}
	for _, list := range []struct {
		field, what  string
		names, known []string
	}{{"static_tags", "tag", d.StaticTags, c.Tags}, {"static_attributes", "attribute", d.StaticAttributes, attributes}} {
		for _, name := range list.names {
			if !slices.Contains(list.known, name) {
				return &propensity.DefinitionError{Field: list.field, Message: fmt.Sprintf("nobody has the %s %s%s", list.what, value.Quote(name), nearest(name, list.known))}
			}
		}
	}
	for _, name := range d.Amounts {
		p, err := j.property(c, "amounts", name)
		if err != nil {
			return err
		}
		if p != nil && p.Numbers == 0 {
			return &propensity.DefinitionError{Field: "amounts", Message: fmt.Sprintf("%s holds %s, and no number, so there is nothing to sum", value.Quote(name), holds(p))}
		}
	}
	for _, name := range d.NotAmounts {
		if _, err := j.property(c, "not_amounts", name); err != nil {
			return err
		}
	}
	return nil
}

// property finds event.property. Either may have a dot in its name. It is nil when it is there, and nothing certain can be said of its values since not
// all of the event's were looked at.
func (j *job) property(c *segments.Catalog, field, full string) (*segments.PropertySummary, error) {
	var known, ofEvent []string
	for _, e := range c.Events {
		if name, ok := strings.CutPrefix(full, e.Name+"."); ok && j.base.KnowsProperty(e.Name, name) {
			return named(c, e.Name, name), nil
		}
		for i := range e.Properties {
			p := &e.Properties[i]
			known = append(known, e.Name+"."+p.Name)
			if strings.HasPrefix(full, e.Name+".") {
				ofEvent = append(ofEvent, p.Name)
			}
		}
	}
	message := fmt.Sprintf("there is no %s%s", value.Quote(full), nearest(full, known))
	if _, near := expr.Nearest(full, known); !near && len(ofEvent) > 0 {
		message += "; the event has " + some(ofEvent)
	}
	return nil, &propensity.DefinitionError{Field: field, Message: message}
}

func nearest(name string, known []string) string {
	if n, ok := expr.Nearest(name, known); ok {
		return fmt.Sprintf("; did you mean %s?", value.Quote(n))
	}
	return ""
}

// some lists the first of many names.
func some(names []string) string {
	const most = 10
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// holds says what the values of a property are that has no numbers.
func holds(p *segments.PropertySummary) string {
	if p.Values > 0 {
		return "strings"
	}
	return "true and false or times"
}
