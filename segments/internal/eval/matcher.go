package eval

import (
	"slices"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/value"
)

// matcher says which stored values a comparison holds for. A value of another kind than
// the literals never matches.
type matcher struct {
	any  bool       // exists: whatever the kind
	kind value.Kind // of the values that can match
	// Bools and moments, and codes of strings when they are few, match by range.
	ranges []interval
	codes  []uint64 // bits of matching codes of strings and lists, when not nil

	op       expr.Op // of numbers, whose ranges depend on the scale
	literals []value.Value
	scaled   [value.MaxScale + 1][]interval
}

// matcher compiles a comparison with the values of a field.
func (e *Env) matcher(c expr.Comparison, values *index.Values) *matcher {
	if c.Op == expr.Exists {
		return &matcher{any: true}
	}
	m := &matcher{op: c.Op, literals: c.Values}
	if c.Op == expr.Has {
		m.kind = value.List
		m.codes = codesOf(values.Lists.All(), func(encoded string) bool {
			items, err := dict.DecodeStrings([]byte(encoded))
			return err == nil && slices.Contains(items, c.Values[0].Str)
		})
		return m
	}
	switch m.kind = c.Values[0].Kind; m.kind {
	case value.Number:
		for scale := range m.scaled {
			m.scaled[scale] = numberRanges(c.Op, c.Values, uint8(scale))
		}
	case value.Bool:
		m.ranges = boolRanges(c.Op, c.Values)
	case value.Time, value.Date:
		m.kind = value.Time
		m.ranges = e.timeRanges(c.Op, c.Values)
	case value.String:
		m.text(c, values.Strings)
	}
	return m
}

// text finds the codes of the strings that match.
func (m *matcher) text(c expr.Comparison, d *dict.Strings) {
	switch c.Op {
	case expr.Eq, expr.In:
		var codes []int64
		for _, l := range c.Values {
			if code, found := d.Find(l.Str); found {
				codes = append(codes, int64(code))
			}
		}
		if len(codes) <= 2 {
			for _, code := range codes {
				m.ranges = append(m.ranges, interval{code, code})
			}
			return
		}
		m.codes = make([]uint64, slices.Max(codes)/64+1)
		for _, code := range codes {
			m.codes[code/64] |= 1 << (code % 64)
		}
	default:
		m.codes = codesOf(d.All(), func(s string) bool { return textHolds(c.Op, s, c.Values) })
	}
}

func codesOf(list []string, holds func(string) bool) []uint64 {
	codes := make([]uint64, (len(list)+63)/64)
	for code, s := range list {
		if holds(s) {
			codes[code/64] |= 1 << (code % 64)
		}
	}
	return codes
}

// holds says whether a stored value matches.
func (m *matcher) holds(kind value.Kind, data int64, scale uint8) bool {
	if m.any {
		return kind != value.Absent
	}
	if kind != m.kind {
		return false
	}
	if kind == value.Number {
		return has(m.scaled[scale], data)
	}
	if m.codes != nil {
		return data/64 < int64(len(m.codes)) && m.codes[data/64]>>(data%64)&1 != 0
	}
	return has(m.ranges, data)
}

// intervals returns the ranges of stored data that match, for values of the matcher's kind that
// share a scale; ok is false where codes must be looked up one by one.
func (m *matcher) intervals(scale uint8) (ranges []interval, ok bool) {
	if m.kind == value.Number {
		return m.scaled[scale], true
	}
	return m.ranges, m.codes == nil
}
