package serve

import (
	"fmt"
	"slices"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

func (t *table) columns(field string, columns []*whowhenv1.Column) []batch.Column {
	if len(columns) > batch.MaxColumns {
		t.fail("%d columns in %s; at most %d are taken", len(columns), field, batch.MaxColumns)
		return nil
	}
	decoded := make([]batch.Column, 0, len(columns))
	for _, m := range columns {
		if n := len(m.GetName()); n > batch.MaxNameBytes {
			// No reject is to repeat such a name, row for row.
			t.rejectAll(batch.Reject{Field: field, Reason: "NAME_TOO_LONG", Message: fmt.Sprintf("the name has %d bytes, at most %d are taken", n, batch.MaxNameBytes)})
			continue
		}
		decoded = append(decoded, t.column(field, m))
	}
	return decoded
}

func (t *table) column(field string, m *whowhenv1.Column) batch.Column {
	c := batch.Column{Name: m.GetName()}
	absent, ok := t.absent(field, m)
	if !ok {
		return c
	}
	length := columnLength(m)
	if length != t.rows {
		t.fail("%s column %.60q has %d values for %d CIDs", field, c.Name, length, t.rows)
		return c
	}
	c.Kinds, c.Data = make([]value.Kind, t.rows), make([]int64, t.rows)
	switch kind := m.GetKind().(type) {
	case *whowhenv1.Column_Strings:
		c.Strings = slices.Clone(kind.Strings.GetValues())
		for row, code := range kind.Strings.GetCodes() {
			c.Kinds[row], c.Data[row] = value.String, int64(code)
		}
	case *whowhenv1.Column_Numbers:
		for row, f := range kind.Numbers.GetValues() {
			setNumber(&c, row, decodeFloat(f).Num)
		}
	case *whowhenv1.Column_Decimals:
		scale := kind.Decimals.GetScale()
		if scale > value.MaxScale {
			t.fail("%s column %.60q has scale %d; at most %d is taken", field, c.Name, scale, value.MaxScale)
			return c
		}
		for row, units := range kind.Decimals.GetUnits() {
			number, err := value.NewDecimal(units, int(scale))
			if err != nil {
				number = outOfRange.Num
			}
			setNumber(&c, row, number)
		}
	case *whowhenv1.Column_Bools:
		for row, b := range kind.Bools.GetValues() {
			c.Kinds[row] = value.Bool
			if b {
				c.Data[row] = 1
			}
		}
	case *whowhenv1.Column_Times:
		for row, millis := range kind.Times.GetUnixMillis() {
			c.Kinds[row], c.Data[row] = value.Time, millis
		}
	case *whowhenv1.Column_Values:
		t.values(field, &c, kind.Values.GetValues(), absent)
	}
	for _, row := range absent {
		c.Kinds[row] = value.Absent
	}
	return c
}

// columnLength returns how many values a column has; -1 for one without a kind.
func columnLength(m *whowhenv1.Column) int {
	switch kind := m.GetKind().(type) {
	case *whowhenv1.Column_Strings:
		return len(kind.Strings.GetCodes())
	case *whowhenv1.Column_Numbers:
		return len(kind.Numbers.GetValues())
	case *whowhenv1.Column_Decimals:
		return len(kind.Decimals.GetUnits())
	case *whowhenv1.Column_Bools:
		return len(kind.Bools.GetValues())
	case *whowhenv1.Column_Times:
		return len(kind.Times.GetUnixMillis())
	case *whowhenv1.Column_Values:
		return len(kind.Values.GetValues())
	}
	return -1
}

func (t *table) absent(field string, m *whowhenv1.Column) (rows []uint32, ok bool) {
	if m.GetKind() == nil {
		t.fail("%s column %.60q has no values of any kind", field, m.GetName())
		return nil, false
	}
	rows = m.GetAbsent()
	for i, row := range rows {
		if uint64(row) >= uint64(t.rows) || i > 0 && row <= rows[i-1] {
			t.fail("%s column %.60q: absent row %d is out of order or not one of %d rows", field, m.GetName(), row, t.rows)
			return nil, false
		}
	}
	return rows, true
}

// values fills a column of mixed kinds. Rows named absent may hold anything.
func (t *table) values(field string, c *batch.Column, values []*whowhenv1.Value, absent []uint32) {
	field += "." + c.Name // once, for what may be all rows
	for row, m := range values {
		if len(absent) > 0 && absent[0] == uint32(row) {
			absent = absent[1:]
			continue
		}
		if m.GetKind() == nil {
			continue
		}
		v, reason, message := decodeValue(m)
		if reason != "" {
			t.reject(row, batch.Reject{Field: field, Reason: reason, Message: message})
			continue
		}
		c.Kinds[row] = v.Kind
		switch v.Kind {
		case value.String:
			c.Data[row], c.Strings = int64(len(c.Strings)), append(c.Strings, v.Str)
		case value.List:
			c.Data[row], c.Lists = int64(len(c.Lists)), append(c.Lists, v.List)
		case value.Number:
			setNumber(c, row, v.Num)
		case value.Bool:
			if v.Bool {
				c.Data[row] = 1
			}
		case value.Time:
			c.Data[row] = v.Millis
		}
	}
}

func setNumber(c *batch.Column, row int, d value.Decimal) {
	c.Kinds[row], c.Data[row] = value.Number, d.Coef
	if d.Scale != 0 && c.Scales == nil {
		c.Scales = make([]uint8, len(c.Kinds))
	}
	if c.Scales != nil {
		c.Scales[row] = d.Scale
	}
}
