package eval

import (
	"slices"
	"sort"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/value"
)

// matcher says which stored values a comparison holds for. A value of another kind than
// the literals never matches.
type matcher struct {
	any  bool       // exists: whatever the kind
	kind value.Kind // of the values that can match
	// Bools and moments, and codes of strings when they are few, match by range. Ranges ascend and do not overlap.
	ranges []column.Range
	codes  []uint64 // bits of matching codes of strings and lists, when not nil

	scaled [value.MaxScale + 1][]column.Range // of numbers, by their scale
}

// matcher compiles a comparison with the values of a field.
func (e *Env) matcher(c expr.Comparison, values *index.Values) *matcher {
	if c.Op == expr.Exists {
		return &matcher{any: true}
	}
	m := new(matcher)
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
			m.scaled[scale] = joined(numberRanges(c.Op, c.Values, uint8(scale)))
		}
	case value.Bool:
		m.ranges = joined(boolRanges(c.Op, c.Values))
	case value.Time, value.Date:
		m.kind = value.Time
		m.ranges = joined(e.timeRanges(c.Op, c.Values))
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
			slices.Sort(codes)
			for _, code := range slices.Compact(codes) {
				m.ranges = append(m.ranges, column.Range{Low: code, High: code})
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

// joined returns ascending intervals without the empty ones, and such as one that follow each other without a gap.
func joined(intervals []interval) (ranges []column.Range) {
	for _, i := range intervals {
		switch last := len(ranges) - 1; {
		case i.low > i.high:
		case last >= 0 && ranges[last].High+1 == i.low:
			ranges[last].High = i.high
		default:
			ranges = append(ranges, column.Range{Low: i.low, High: i.high})
		}
	}
	return ranges
}

// holds says whether a stored value matches.
func (m *matcher) holds(kind value.Kind, data int64, scale uint8) bool {
	switch {
	case m.any:
		return kind != value.Absent
	case kind != m.kind:
		return false
	case m.codes != nil:
		return data>>6 < int64(len(m.codes)) && m.codes[data>>6]>>(data&63)&1 != 0
	}
	return inRanges(m.at(scale), data)
}

// inRanges says whether one of ascending ranges holds data.
func inRanges(ranges []column.Range, data int64) bool {
	at := sort.Search(len(ranges), func(i int) bool { return ranges[i].High >= data })
	return at < len(ranges) && ranges[at].Low <= data
}

// at returns the ranges of stored data that match, for values of the matcher's kind of one scale. They say nothing where
// there are codes.
func (m *matcher) at(scale uint8) []column.Range {
	if m.kind == value.Number {
		return m.scaled[scale]
	}
	return m.ranges
}
