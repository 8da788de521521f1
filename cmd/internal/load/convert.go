package load

import (
	"errors"
	"fmt"
	"strings"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// value returns the typed value of a slot for the row at hand.
func (s *shaper) value(slot int) (*datum, *fault) {
	d := &s.data[slot]
	if s.known[slot] {
		return d, nil
	}
	if slot >= len(s.plan.columns) {
		set := &s.plan.settings[slot-len(s.plan.columns)]
		n, ok, f := set.value.eval(s.operand)
		if f != nil {
			if f.field == "" {
				f.field = set.name
			}
			return d, f
		}
		d.kind, d.number = value.Absent, n
		if ok {
			d.kind = value.Number
		}
	} else if f := s.convert(slot, s.cell(slot), d); f != nil {
		return d, f
	}
	s.known[slot] = true
	return d, nil
}

// operand reads a number for arithmetic: the text of the cell decides, whatever the column's type.
func (s *shaper) operand(slot int) (value.Decimal, bool, *fault) {
	if slot >= len(s.plan.columns) {
		d, f := s.value(slot)
		return d.number, f == nil && d.kind == value.Number, f
	}
	c := s.cell(slot)
	if len(c.text) == 0 {
		return value.Decimal{}, false, nil
	}
	if c.kind == cellNumber || c.kind == cellText && looksNumeric(c.text) {
		if n, err := parseNumber(c.text); err == nil {
			return n, true, nil
		}
	}
	return value.Decimal{}, false, s.misfit(slot, "SET_NOT_A_NUMBER", c, "is not a number, so nothing can be computed from it")
}

// convert types a cell as its column says.
func (s *shaper) convert(column int, c cell, d *datum) *fault {
	if c.kind == cellAbsent {
		d.kind = value.Absent
		return nil
	}
	d.kind = s.plan.columns[column].kind
	problem := ""
	switch d.kind {
	case value.String:
		if d.text = c.text; c.kind == cellList {
			problem = "is a list where a string is expected"
		}
	case value.Number:
		n, err := parseNumber(c.text)
		if d.number = n; err != nil || c.kind == cellBool || c.kind == cellList {
			problem = "is not a number"
			if errors.Is(err, value.ErrRange) {
				problem = "is out of range for a number"
			}
		}
	case value.Bool:
		ok := false
		if d.truth, ok = truthOf(c); !ok {
			problem = "is neither true nor false"
		}
	case value.Time:
		if len(c.text) == 0 {
			d.kind = value.Absent
			return nil
		}
		if d.moment, problem = s.times.read(c); problem != "" {
			return s.misfit(column, "TIME_INVALID", c, problem)
		}
	case value.List:
		if d.list, problem = listOf(c); len(d.list) > batch.MaxListItems {
			return &fault{s.plan.columns[column].name, "LIST_TOO_LONG", fmt.Sprintf("the list has %d items, at most %d are taken", len(d.list), batch.MaxListItems)}
		}
	}
	if problem != "" {
		return s.misfit(column, "TYPE_MISFIT", c, problem)
	}
	return nil
}

// truthOf reads a cell of a column of bools. One that was found by looking at its cells has true and false only; the
// others are for a column that Job.Types names.
func truthOf(c cell) (truth, ok bool) {
	if c.kind == cellList {
		return false, false
	}
	if c.kind == cellNumber || c.kind == cellText && looksNumeric(c.text) {
		n, err := parseNumber(c.text)
		zero, one := value.Decimal{}, value.Decimal{Coef: 1}
		return n == one, err == nil && (n == zero || n == one)
	}
	for _, words := range [...]struct {
		text  string
		truth bool
	}{{"true", true}, {"false", false}, {"t", true}, {"f", false}, {"yes", true}, {"no", false}, {"y", true}, {"n", false}, {"1", true}, {"0", false}} {
		if len(c.text) == len(words.text) && strings.EqualFold(string(c.text), words.text) {
			return words.truth, true
		}
	}
	return false, false
}
