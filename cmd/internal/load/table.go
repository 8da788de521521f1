package load

import (
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// table gathers rows that go out as one EventColumns, TagColumns or ProfileColumns: they share their
// name, whether they have a time, and for tags whether these are removed.
type table struct {
	name   string
	timed  bool
	remove bool

	expected int // rows, for the capacity of slices

	rows    []uint32 // of the batch
	cids    cidColumn
	millis  []int64
	offsets []int32
	offset  bool // whether any is known
	idText  []byte
	idEnds  []uint32
	expires []int64
	expiry  bool // whether any is set
	columns []*valueColumn
	places  []int // by property: 1 + its place in columns, 0 when it has none yet
}

// newTable begins a table for rows like r, and expects so many of them.
func newTable(r *row, props, rows int) *table {
	t := &table{name: string(r.name), timed: r.timed, remove: r.remove, places: make([]int, props), expected: rows}
	t.rows = make([]uint32, 0, rows)
	t.cids.ends = make([]uint32, 0, rows)
	if t.timed {
		t.millis = make([]int64, 0, rows)
	}
	return t
}

// add takes a row. It says false, taking nothing, when the table would get too many columns.
func (t *table) add(kind Kind, at uint32, r *row, props []property, kinds []value.Kind, dicts *[]*dict) bool {
	fresh := 0
	for i, d := range r.values {
		if d.kind != value.Absent && t.places[i] == 0 {
			fresh++
		}
	}
	if len(t.columns)+fresh > batch.MaxColumns {
		return false
	}
	n := len(t.rows)
	t.rows = append(t.rows, at)
	t.cids.put(r.cid)
	if t.timed {
		t.millis = append(t.millis, r.millis)
	}
	switch kind {
	case Events:
		t.offsets = append(t.offsets, r.offset)
		t.offset = t.offset || r.offset != batch.NoOffset
		t.idText = append(t.idText, r.id...)
		t.idEnds = append(t.idEnds, uint32(len(t.idText)))
	case Tags:
		t.expires = append(t.expires, r.expires)
		t.expiry = t.expiry || r.expires != 0
	}
	for i, d := range r.values {
		if d.kind == value.Absent {
			continue
		}
		if t.places[i] == 0 {
			c := newValueColumn(props[i].name, kinds[i], t.expected)
			if c.kind == value.String {
				c.strings = takeDict(dicts)
			}
			t.columns = append(t.columns, c)
			t.places[i] = len(t.columns)
		}
		t.columns[t.places[i]-1].put(n, d)
	}
	return true
}

func takeDict(free *[]*dict) *dict {
	if n := len(*free); n > 0 {
		d := (*free)[n-1]
		*free = (*free)[:n-1]
		return d
	}
	return newDict()
}

// values returns the columns for the wire and gives the dictionaries back.
func (t *table) values(dicts *[]*dict) []*whowhenv1.Column {
	columns := make([]*whowhenv1.Column, len(t.columns))
	for i, c := range t.columns {
		columns[i] = c.message(len(t.rows))
		if c.strings != nil {
			*dicts = append(*dicts, c.strings)
		}
	}
	return columns
}

func (t *table) events(dicts *[]*dict) *whowhenv1.EventColumns {
	m := &whowhenv1.EventColumns{Name: t.name, Cids: t.cids.message(), TimeUnixMillis: t.millis, Properties: t.values(dicts)}
	if t.offset {
		m.UtcOffsetMinutes = t.offsets
	}
	if len(t.idText) > 0 {
		m.EventIds = cut(string(t.idText), t.idEnds)
	}
	return m
}

func (t *table) tags() *whowhenv1.TagColumns {
	m := &whowhenv1.TagColumns{Tag: t.name, Cids: t.cids.message(), Remove: t.remove, TimeUnixMillis: t.millis}
	if t.expiry {
		m.ExpiresAtUnixMillis = t.expires
	}
	return m
}

func (t *table) profiles(dicts *[]*dict) *whowhenv1.ProfileColumns {
	return &whowhenv1.ProfileColumns{Cids: t.cids.message(), TimeUnixMillis: t.millis, Set: t.values(dicts)}
}
