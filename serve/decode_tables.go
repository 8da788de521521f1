package serve

import (
	"fmt"
	"math"
	"slices"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// The builder keeps and changes the slices it is given, and a retry decodes the same message
// again, so slices of the message are copied.

func addEventColumns(b *batch.Builder, first int, field string, m *whowhenv1.EventColumns) error {
	t := newTable(field, first, m.GetCids())
	t.optional("time_unix_millis", len(m.GetTimeUnixMillis()))
	t.optional("utc_offset_minutes", len(m.GetUtcOffsetMinutes()))
	t.optional("event_ids", len(m.GetEventIds()))
	all := batch.Events{
		Name: m.GetName(), CIDs: decodeCIDs(m.GetCids()), TimesMillis: slices.Clone(m.GetTimeUnixMillis()),
		Offsets: decodeOffsets(m.GetUtcOffsetMinutes()), IDs: slices.Clone(m.GetEventIds()),
		Props: t.columns("properties", m.GetProperties()),
	}
	return t.give(b, func(from, to int) error {
		return b.EventColumns(first+from, batch.Events{
			Name: all.Name, CIDs: partCIDs(all.CIDs, from, to), TimesMillis: part(all.TimesMillis, from, to),
			Offsets: part(all.Offsets, from, to), IDs: part(all.IDs, from, to), Props: partColumns(all.Props, from, to),
		})
	})
}

func addTagColumns(b *batch.Builder, first int, field string, m *whowhenv1.TagColumns) error {
	t := newTable(field, first, m.GetCids())
	t.optional("expires_at_unix_millis", len(m.GetExpiresAtUnixMillis()))
	t.optional("time_unix_millis", len(m.GetTimeUnixMillis()))
	return t.give(b, func(int, int) error {
		return b.TagColumns(first, batch.Tags{
			Name: m.GetTag(), CIDs: decodeCIDs(m.GetCids()), Remove: slices.Repeat([]bool{m.GetRemove()}, t.rows),
			ExpiresMillis: slices.Clone(m.GetExpiresAtUnixMillis()), TimesMillis: slices.Clone(m.GetTimeUnixMillis()),
		})
	})
}

func addProfileColumns(b *batch.Builder, first int, field string, m *whowhenv1.ProfileColumns) error {
	t := newTable(field, first, m.GetCids())
	t.optional("time_unix_millis", len(m.GetTimeUnixMillis()))
	all := batch.Profiles{
		CIDs: decodeCIDs(m.GetCids()), TimesMillis: slices.Clone(m.GetTimeUnixMillis()), Set: t.columns("set", m.GetSet()),
	}
	return t.give(b, func(from, to int) error {
		return b.ProfileColumns(first+from, batch.Profiles{
			CIDs: partCIDs(all.CIDs, from, to), TimesMillis: part(all.TimesMillis, from, to), Set: partColumns(all.Set, from, to),
		})
	})
}

func decodeCIDs(m *whowhenv1.CidColumn) batch.CIDs {
	return batch.CIDs{Strings: slices.Clone(m.GetStrings()), Packed: slices.Clone(m.GetPacked())}
}

// decodeOffsets keeps offsets that are too large for their type too large.
func decodeOffsets(minutes []int32) []int16 {
	offsets := make([]int16, len(minutes))
	for i, m := range minutes {
		if m == batch.NoOffset {
			offsets[i] = batch.NoOffset
			continue
		}
		offsets[i] = int16(max(-math.MaxInt16, min(m, math.MaxInt16)))
	}
	return offsets
}

// table is a column batch on its way to the builder.
type table struct {
	field       string // of the request
	first, rows int
	err         error // the first thing wrong with the table as a whole
	// rejects holds the first thing wrong with each row that cannot be given to the builder.
	rejects map[int]batch.Reject
}

func newTable(field string, first int, cids *whowhenv1.CidColumn) *table {
	t := &table{field: field, first: first, rows: countCIDs(cids)}
	if len(cids.GetStrings()) > 0 && len(cids.GetPacked()) > 0 {
		t.fail("cids has both strings and packed")
	}
	if n := len(cids.GetPacked()); n%batch.PackedBytes != 0 {
		t.fail("cids.packed has %d bytes, not a multiple of %d", n, batch.PackedBytes)
	}
	return t
}

func (t *table) fail(format string, args ...any) {
	if t.err == nil {
		t.err = &segments.Error{Reason: segments.BatchMalformed, Field: t.field, Message: t.field + ": " + fmt.Sprintf(format, args...)}
	}
}

// optional checks the length of a column that may be left out.
func (t *table) optional(name string, n int) {
	if n != 0 && n != t.rows {
		t.fail("%s has %d values for %d CIDs", name, n, t.rows)
	}
}

func (t *table) reject(row int, r batch.Reject) {
	if t.rejects == nil {
		t.rejects = map[int]batch.Reject{}
	}
	if _, ok := t.rejects[row]; !ok {
		r.Index = t.first + row
		t.rejects[row] = r
	}
}

func (t *table) rejectAll(r batch.Reject) {
	for row := range t.rows {
		t.reject(row, r)
	}
}

// give rejects the bad rows and calls add with each run of other rows from, inclusive, to,
// exclusive: with all of them at once, unless some are bad.
func (t *table) give(b *batch.Builder, add func(from, to int) error) error {
	if t.err != nil {
		return t.err
	}
	from, to := 0, 0
	if len(t.rejects) == 0 {
		to = t.rows
	}
	for ; to <= t.rows; to++ {
		reject, bad := t.rejects[to]
		if !bad && to < t.rows {
			continue
		}
		if from < to {
			if err := add(from, to); err != nil {
				return &segments.Error{Reason: segments.BatchMalformed, Field: t.field, Message: err.Error()}
			}
		}
		if bad {
			b.Reject(reject)
		}
		from = to + 1
	}
	return nil
}

// part returns rows of a column, which may be left out, with no room to grow into the next part.
func part[T any](column []T, from, to int) []T {
	if len(column) == 0 {
		return nil
	}
	return column[from:to:to]
}

func partCIDs(c batch.CIDs, from, to int) batch.CIDs {
	return batch.CIDs{Strings: part(c.Strings, from, to), Packed: part(c.Packed, from*batch.PackedBytes, to*batch.PackedBytes)}
}

func partColumns(columns []batch.Column, from, to int) []batch.Column {
	parts := slices.Clone(columns)
	for i := range parts {
		c := &parts[i]
		c.Kinds, c.Data, c.Scales = part(c.Kinds, from, to), part(c.Data, from, to), part(c.Scales, from, to)
		c.Strings, c.Lists = slices.Clip(c.Strings), slices.Clip(c.Lists)
	}
	return parts
}
