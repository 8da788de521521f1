package batch

import (
	"fmt"
	"unicode/utf8"

	"whowhen.dev/whowhen/segments/value"
)

// EventColumns adds events of one name given by column, rejecting bad rows one by
// one; the index of a row is firstIndex plus its place. It fails, taking nothing,
// when the columns do not fit together. It keeps and changes the slices it is given.
func (b *Builder) EventColumns(firstIndex int, e Events) error {
	rows := e.CIDs.Len()
	if err := fits("event_columns", rows, e.CIDs, e.Props,
		length{"time_unix_millis", len(e.TimesMillis)}, length{"utc_offset_minutes", len(e.Offsets)}, length{"event_ids", len(e.IDs)}); err != nil {
		return err
	}
	bad := b.checkRows(firstIndex, &e.CIDs, e.TimesMillis, "properties", e.Props)
	if r := checkNamed("name", "EVENT", e.Name); r != nil {
		bad.all(r)
	}
	for row, minutes := range e.Offsets {
		if r := checkOffset(int64(minutes)); r != nil {
			bad.add(row, r)
		}
	}
	for row, id := range e.IDs {
		if r := checkEventID(id); r != nil {
			bad.add(row, r)
		}
	}
	e.Index = indexes(firstIndex, rows)
	if len(e.TimesMillis) == 0 {
		e.TimesMillis = make([]int64, rows)
		for i := range e.TimesMillis {
			e.TimesMillis[i] = NoTime
		}
	}
	if keep := bad.finish(b); keep != nil {
		e.Filter(keep)
	}
	if e.CIDs.Len() > 0 {
		b.batch.Events = append(b.batch.Events, e)
		delete(b.events, e.Name) // records that follow go behind these
	}
	return nil
}

// TagColumns adds changes of one tag given by column, as EventColumns does events.
func (b *Builder) TagColumns(firstIndex int, t Tags) error {
	rows := t.CIDs.Len()
	if err := fits("tag_columns", rows, t.CIDs, nil,
		length{"expires_at_unix_millis", len(t.ExpiresMillis)}, length{"time_unix_millis", len(t.TimesMillis)}); err != nil {
		return err
	}
	if len(t.Remove) != rows {
		return fmt.Errorf("tag_columns: remove has %d values for %d CIDs", len(t.Remove), rows)
	}
	bad := b.checkRows(firstIndex, &t.CIDs, t.TimesMillis, "", nil)
	if r := checkNamed("tag", "TAG", t.Name); r != nil {
		bad.all(r)
	}
	for row, millis := range t.ExpiresMillis {
		if millis < 0 || millis > MaxMillis {
			bad.add(row, &Reject{Field: "expires_at", Reason: "TIME_OUT_OF_RANGE", Message: "the expiry must lie between 1970 and 2105"})
		}
	}
	t.Index = indexes(firstIndex, rows)
	if keep := bad.finish(b); keep != nil {
		t.Filter(keep)
	}
	if t.CIDs.Len() > 0 {
		b.batch.Tags = append(b.batch.Tags, t)
		delete(b.tags, t.Name)
	}
	return nil
}

// ProfileColumns adds profile changes given by column, as EventColumns does events.
func (b *Builder) ProfileColumns(firstIndex int, p Profiles) error {
	rows := p.CIDs.Len()
	if err := fits("profile_columns", rows, p.CIDs, p.Set, length{"time_unix_millis", len(p.TimesMillis)}); err != nil {
		return err
	}
	bad := b.checkRows(firstIndex, &p.CIDs, p.TimesMillis, attributes, p.Set)
	p.Index = indexes(firstIndex, rows)
	if keep := bad.finish(b); keep != nil {
		p.Filter(keep)
	}
	if p.CIDs.Len() > 0 {
		b.batch.Profiles = append(b.batch.Profiles, p)
		b.profiles = nil
	}
	return nil
}

// attributes is the field of profile changes, in which alone a value may be Unset.
const attributes = "set"

type length struct {
	name string
	n    int
}

// fits checks that all columns have as many rows as there are CIDs.
func fits(where string, rows int, cids CIDs, columns []Column, optional ...length) error {
	if len(cids.Strings) > 0 && len(cids.Packed) > 0 {
		return fmt.Errorf("%s: cids has both strings and packed", where)
	}
	if len(cids.Packed)%PackedBytes != 0 {
		return fmt.Errorf("%s: cids.packed has %d bytes, not a multiple of %d", where, len(cids.Packed), PackedBytes)
	}
	for _, o := range optional {
		if o.n != 0 && o.n != rows {
			return fmt.Errorf("%s: %s has %d values for %d CIDs", where, o.name, o.n, rows)
		}
	}
	if len(columns) > MaxColumns {
		return fmt.Errorf("%s: %d columns, at most %d are taken", where, len(columns), MaxColumns)
	}
	names := map[string]bool{}
	for i := range columns {
		c := &columns[i]
		if names[c.Name] {
			return fmt.Errorf("%s: two columns are named %.60q", where, c.Name)
		}
		names[c.Name] = true
		if len(c.Kinds) != rows || len(c.Data) != rows || len(c.Scales) != 0 && len(c.Scales) != rows {
			return fmt.Errorf("%s: column %.60q has %d values for %d CIDs", where, c.Name, len(c.Kinds), rows)
		}
		for row, k := range c.Kinds {
			if k == value.String && uint64(c.Data[row]) >= uint64(len(c.Strings)) || k == value.List && uint64(c.Data[row]) >= uint64(len(c.Lists)) {
				return fmt.Errorf("%s: column %.60q, row %d: code %d is not in its dictionary", where, c.Name, row, c.Data[row])
			}
		}
	}
	return nil
}

// badRows gathers the first thing wrong with each bad row.
type badRows struct {
	first, rows int
	reject      []*Reject // by row; nil until something is wrong
}

func (b *badRows) add(row int, r *Reject) {
	if b.reject == nil {
		b.reject = make([]*Reject, b.rows)
	}
	if b.reject[row] == nil {
		r.Index = b.first + row
		b.reject[row] = r
	}
}

func (b *badRows) all(r *Reject) {
	for row := range b.rows {
		own := *r
		b.add(row, &own)
	}
}

// finish hands the rejects to the builder and returns which rows to keep, nil for all.
func (b *badRows) finish(to *Builder) (keep []bool) {
	if b.reject == nil {
		return nil
	}
	keep = make([]bool, b.rows)
	for row, r := range b.reject {
		if r == nil {
			keep[row] = true
		} else {
			to.rejects = append(to.rejects, *r)
		}
	}
	return keep
}

// checkRows checks what all column batches share: CIDs, times and values.
func (b *Builder) checkRows(firstIndex int, cids *CIDs, timesMillis []int64, field string, columns []Column) *badRows {
	bad := &badRows{first: firstIndex, rows: cids.Len()}
	packable := len(cids.Strings) > 0
	for row, cid := range cids.Strings {
		if r := checkCID(cid); r != nil {
			bad.add(row, r)
			packable = false
		}
		packable = packable && len(cid) == 2*PackedBytes
	}
	if packable {
		cids.pack()
	}
	for row, millis := range timesMillis {
		if uint64(millis) > uint64(b.latestMillis) {
			if r := b.checkTime("time", millis); r != nil {
				bad.add(row, r)
			}
		}
	}
	for i := range columns {
		c := &columns[i]
		if r := checkNamed(field, "NAME", c.Name); r != nil {
			bad.all(r)
		}
		c.check(field, bad)
	}
	return bad
}

// pack goes over to packed CIDs when all of them can be.
func (c *CIDs) pack() {
	packed := make([]byte, PackedBytes*len(c.Strings))
	for i, cid := range c.Strings {
		if !Pack((*[PackedBytes]byte)(packed[i*PackedBytes:]), cid) {
			return
		}
	}
	c.Packed, c.Strings = packed, nil
}

func (c *Column) check(field string, bad *badRows) {
	wrong := func(row int, v value.Value) {
		if reason, message := CheckValue(v); reason != "" {
			bad.add(row, &Reject{Field: field + "." + c.Name, Reason: reason, Message: message})
		}
	}
	doubtful := make([]bool, len(c.Strings))
	any := false
	for i, s := range c.Strings {
		doubtful[i] = len(s) > MaxStringBytes || !utf8.ValidString(s)
		any = any || doubtful[i]
	}
	for row, k := range c.Kinds {
		switch k {
		case value.String:
			if any && doubtful[c.Data[row]] {
				wrong(row, c.Value(row))
			}
		case value.Number:
			if c.Data[row] == minInt64 || c.Scale(row) > value.MaxScale {
				wrong(row, c.Value(row))
			}
		case value.Bool, value.Time, value.Absent:
		case value.List:
			wrong(row, c.Value(row))
		default:
			if k != Unset || field != attributes {
				wrong(row, value.Value{Kind: k})
			}
		}
	}
}

const minInt64 = -1 << 63

func indexes(first, rows int) []uint32 {
	index := make([]uint32, rows)
	for i := range index {
		index[i] = uint32(first + i)
	}
	return index
}
