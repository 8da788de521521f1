package load

import (
	"encoding/hex"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// valueColumn gathers the values of one property in one table. Of the slices only that of
// its kind is used; rows without a value hold anything there.
type valueColumn struct {
	name    string
	kind    value.Kind
	rows    int
	absent  []uint32
	strings *dict
	codes   []uint32
	units   []int64
	scales  []uint8
	scale   uint8 // the largest of scales
	truths  []bool
	millis  []int64
	lists   [][]string
}

// newValueColumn begins a column that is expected to get so many rows.
func newValueColumn(name string, kind value.Kind, rows int) *valueColumn {
	c := &valueColumn{name: name, kind: kind}
	switch kind {
	case value.String:
		c.codes = make([]uint32, 0, rows)
	case value.Number:
		c.units, c.scales = make([]int64, 0, rows), make([]uint8, 0, rows)
	}
	return c
}

// put sets the value of a row; those between it and the last one put are absent.
func (c *valueColumn) put(row int, d *datum) {
	c.pad(row)
	c.rows++
	switch c.kind {
	case value.String:
		c.codes = append(c.codes, c.strings.code(d.text))
	case value.Number:
		c.units = append(c.units, d.number.Coef)
		c.scales = append(c.scales, d.number.Scale)
		c.scale = max(c.scale, d.number.Scale)
	case value.Bool:
		c.truths = append(c.truths, d.truth)
	case value.Time:
		c.millis = append(c.millis, d.millis)
	case value.List:
		c.lists = append(c.lists, d.list)
	}
}

// pad lengthens the column with absent rows.
func (c *valueColumn) pad(rows int) {
	for ; c.rows < rows; c.rows++ {
		c.absent = append(c.absent, uint32(c.rows))
		switch c.kind {
		case value.String:
			c.codes = append(c.codes, 0)
		case value.Number:
			c.units, c.scales = append(c.units, 0), append(c.scales, 0)
		case value.Bool:
			c.truths = append(c.truths, false)
		case value.Time:
			c.millis = append(c.millis, 0)
		case value.List:
			c.lists = append(c.lists, nil)
		}
	}
}

// message returns the column for the wire, with so many rows.
func (c *valueColumn) message(rows int) *whowhenv1.Column {
	c.pad(rows)
	m := &whowhenv1.Column{Name: c.name, Absent: c.absent}
	switch c.kind {
	case value.String:
		m.Kind = &whowhenv1.Column_Strings{Strings: &whowhenv1.StringColumn{Values: c.strings.take(), Codes: c.codes}}
	case value.Number:
		if !c.align() {
			m.Kind = &whowhenv1.Column_Values{Values: c.decimals()}
			m.Absent = nil
			break
		}
		m.Kind = &whowhenv1.Column_Decimals{Decimals: &whowhenv1.DecimalColumn{Units: c.units, Scale: uint32(c.scale)}}
	case value.Bool:
		m.Kind = &whowhenv1.Column_Bools{Bools: &whowhenv1.BoolColumn{Values: c.truths}}
	case value.Time:
		m.Kind = &whowhenv1.Column_Times{Times: &whowhenv1.TimeColumn{UnixMillis: c.millis}}
	case value.List:
		values := make([]*whowhenv1.Value, rows)
		for i, list := range c.lists {
			values[i] = &whowhenv1.Value{Kind: &whowhenv1.Value_List{List: &whowhenv1.StringList{Values: list}}}
		}
		m.Kind = &whowhenv1.Column_Values{Values: &whowhenv1.ValueColumn{Values: c.without(values)}}
		m.Absent = nil
	}
	return m
}

// align brings all numbers to the largest scale, and says false, changing nothing, when one does not fit there.
func (c *valueColumn) align() bool {
	for i, units := range c.units {
		if c.scales[i] != c.scale && units != 0 {
			if _, ok := mulInt64(units, int64(value.Pow10(int(c.scale-c.scales[i])))); !ok {
				return false
			}
		}
	}
	for i := range c.units {
		if c.scales[i] != c.scale {
			c.units[i] *= int64(value.Pow10(int(c.scale - c.scales[i])))
		}
	}
	return true
}

// decimals returns each number by itself.
func (c *valueColumn) decimals() *whowhenv1.ValueColumn {
	values := make([]*whowhenv1.Value, len(c.units))
	for i, units := range c.units {
		values[i] = &whowhenv1.Value{Kind: &whowhenv1.Value_Decimal{Decimal: value.Decimal{Coef: units, Scale: c.scales[i]}.String()}}
	}
	return &whowhenv1.ValueColumn{Values: c.without(values)}
}

// without empties the absent rows.
func (c *valueColumn) without(values []*whowhenv1.Value) []*whowhenv1.Value {
	for _, row := range c.absent {
		values[row] = &whowhenv1.Value{}
	}
	return values
}

// cidColumn gathers the CIDs of one table, packed as long as all can be.
type cidColumn struct {
	packed []byte
	text   []byte
	ends   []uint32
}

func (c *cidColumn) put(cid []byte) {
	if len(c.ends) == 0 {
		var packed [batch.PackedBytes]byte
		if len(cid) == 2*batch.PackedBytes && batch.Pack(&packed, string(cid)) {
			c.packed = append(c.packed, packed[:]...)
			return
		}
		for ; len(c.packed) > 0; c.packed = c.packed[batch.PackedBytes:] {
			c.text = hex.AppendEncode(c.text, c.packed[:batch.PackedBytes])
			c.ends = append(c.ends, uint32(len(c.text)))
		}
		c.packed = nil
	}
	c.text = append(c.text, cid...)
	c.ends = append(c.ends, uint32(len(c.text)))
}

func (c *cidColumn) message() *whowhenv1.CidColumn {
	if len(c.ends) == 0 {
		return &whowhenv1.CidColumn{Packed: c.packed}
	}
	return &whowhenv1.CidColumn{Strings: cut(string(c.text), c.ends)}
}
