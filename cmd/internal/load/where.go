package load

import (
	"cmp"
	"slices"
	"time"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// condition is a --where whose names are resolved. For one goroutine at a time.
type condition struct {
	op    condOp
	terms []*condition
	// The rest is a comparison's.
	slot     int
	compares expr.Op
	values   []value.Value
	members  map[string]bool // of an in with strings
	zone     *time.Location
}

type condOp uint8

const (
	condAnd condOp = iota
	condOr
	condNot
	condCompare
)

// newCondition resolves the names of a condition to slots.
func newCondition(c expr.Cond, zone *time.Location, slot func(name string) (int, error)) (*condition, error) {
	var op condOp
	var terms []expr.Cond
	switch c := c.(type) {
	case expr.CondAnd:
		op, terms = condAnd, c.Terms
	case expr.CondOr:
		op, terms = condOr, c.Terms
	case expr.CondNot:
		op, terms = condNot, []expr.Cond{c.Term}
	case expr.Property:
		at, err := slot(c.Name)
		leaf := &condition{op: condCompare, slot: at, compares: c.Op, values: c.Values, zone: zone}
		if c.Op == expr.In && c.Values[0].Kind == value.String {
			leaf.members = make(map[string]bool, len(c.Values))
			for _, v := range c.Values {
				leaf.members[v.Str] = true
			}
		}
		return leaf, err
	}
	resolved := &condition{op: op}
	for _, term := range terms {
		t, err := newCondition(term, zone, slot)
		if err != nil {
			return nil, err
		}
		resolved.terms = append(resolved.terms, t)
	}
	return resolved, nil
}

// holds evaluates the condition on one row. A fault means that a cell it needs is
// not what its column's type says.
func (c *condition) holds(get func(slot int) (*datum, *fault)) (bool, *fault) {
	switch c.op {
	case condCompare:
		d, f := get(c.slot)
		return f == nil && c.compare(d), f
	case condNot:
		held, f := c.terms[0].holds(get)
		return !held && f == nil, f
	}
	for _, term := range c.terms {
		held, f := term.holds(get)
		if f != nil {
			return false, f
		}
		if held == (c.op == condOr) {
			return held, nil
		}
	}
	return c.op == condAnd, nil
}

// compare is false for an absent value and across kinds, whatever the operator.
func (c *condition) compare(d *datum) bool {
	if d.kind == value.Absent {
		return false
	}
	switch c.compares {
	case expr.Exists:
		return true
	case expr.Has:
		return d.kind == value.List && slices.Contains(d.list, c.values[0].Str)
	case expr.In:
		if c.members != nil {
			return d.kind == value.String && c.members[string(d.text)]
		}
		for i := range c.values {
			if order, ok := c.order(d, &c.values[i]); ok && order == 0 {
				return true
			}
		}
		return false
	case expr.Between:
		low, ok := c.order(d, &c.values[0])
		if !ok || low < 0 {
			return false
		}
		high, ok := c.order(d, &c.values[1])
		return ok && high <= 0
	}
	order, ok := c.order(d, &c.values[0])
	if !ok {
		return false
	}
	switch c.compares {
	case expr.Eq:
		return order == 0
	case expr.Ne:
		return order != 0
	case expr.Lt:
		return order < 0
	case expr.Le:
		return order <= 0
	case expr.Gt:
		return order > 0
	case expr.Ge:
		return order >= 0
	}
	return false
}

// order compares a value with a literal, strings by bytes and a moment with a date by its day in
// the zone. ok is false when they cannot be compared.
func (c *condition) order(d *datum, v *value.Value) (order int, ok bool) {
	switch {
	case v.Kind == value.Date && d.kind == value.Time:
		return cmp.Compare(localDay(d.millis, c.zone), v.Millis), true
	case v.Kind != d.kind:
		return 0, false
	}
	switch d.kind {
	case value.String:
		switch text := d.text; {
		case string(text) == v.Str:
			return 0, true
		case string(text) < v.Str:
			return -1, true
		}
		return 1, true
	case value.Number:
		return d.number.Cmp(v.Num), true
	case value.Time:
		return cmp.Compare(d.millis, v.Millis), true
	case value.Bool:
		if d.truth == v.Bool {
			return 0, true
		}
		return 1, true
	}
	return 0, false
}

// mismatches calls f for each comparison with a literal that no value of the slot's kind can match.
func (c *condition) mismatches(kind func(slot int) value.Kind, f func(slot int, literal value.Kind)) {
	for _, term := range c.terms {
		term.mismatches(kind, f)
	}
	if c.op != condCompare || len(c.values) == 0 {
		return
	}
	has, wants := kind(c.slot), c.values[0].Kind
	switch {
	case has == value.Absent, has == wants && c.compares != expr.Has:
	case c.compares == expr.Has && has == value.List, has == value.Time && wants == value.Date:
	default:
		f(c.slot, wants)
	}
}

// slots calls f for each slot that the condition asks.
func (c *condition) slots(f func(slot int)) {
	for _, term := range c.terms {
		term.slots(f)
	}
	if c.op == condCompare {
		f(c.slot)
	}
}
