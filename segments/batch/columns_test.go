package batch_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// TestColumnsLikeRows gives the same events by row and by column.
func TestColumnsLikeRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := batch.NewBuilder(received()), batch.NewBuilder(received())
		e := batch.Events{Name: "open", Props: []batch.Column{{Name: "p"}}}
		cid := rapid.SampledFrom([]string{"a", "", "a\nb", strings.Repeat("0", 32), strings.Repeat("f", 32)})
		n := rapid.IntRange(1, 20).Draw(t, "rows")
		p := &e.Props[0]
		for i := range n {
			one := batch.Event{CID: cid.Draw(t, "cid"), Name: "open", ID: rapid.SampledFrom([]string{"", "x", "\x00"}).Draw(t, "id"),
				TimeMillis:    rapid.SampledFrom([]int64{batch.NoTime, 0, 5, -1, received().UnixMilli() + 86400_000, received().UnixMilli() + 86400_001}).Draw(t, "time"),
				OffsetMinutes: rapid.SampledFrom([]int64{batch.NoOffset, 0, 60, 1081}).Draw(t, "offset")}
			v := genValue(t, "value")
			if rapid.IntRange(0, 9).Draw(t, "bad value") == 0 {
				v = value.Text("\xff")
			}
			one.Properties = []batch.Named{{Name: "p", Value: v}}
			rows.Event(100+i, one)

			e.CIDs.Strings = append(e.CIDs.Strings, one.CID)
			e.TimesMillis, e.Offsets, e.IDs = append(e.TimesMillis, one.TimeMillis), append(e.Offsets, int16(one.OffsetMinutes)), append(e.IDs, one.ID)
			data := int64(0)
			switch v.Kind {
			case value.String:
				data, p.Strings = int64(len(p.Strings)), append(p.Strings, v.Str)
			case value.List:
				data, p.Lists = int64(len(p.Lists)), append(p.Lists, v.List)
			case value.Number:
				data = v.Num.Coef
			case value.Time:
				data = v.Millis
			case value.Bool:
				if v.Bool {
					data = 1
				}
			}
			p.Kinds, p.Data, p.Scales = append(p.Kinds, v.Kind), append(p.Data, data), append(p.Scales, v.Num.Scale)
		}
		if err := columns.EventColumns(100, e); err != nil {
			t.Fatal(err)
		}
		byRow, rejects := rows.Finish()
		byColumn, rejects2 := columns.Finish()
		// Of several faults of a record either may be named.
		if !slices.EqualFunc(rejects, rejects2, func(a, b batch.Reject) bool { return a.Index == b.Index }) {
			t.Fatalf("by row %+v, by column %+v", rejects, rejects2)
		}
		if byRow.Records() != byColumn.Records() {
			t.Fatalf("by row %d, by column %d", byRow.Records(), byColumn.Records())
		}
		if byRow.Records() == 0 {
			return
		}
		a, b := &byRow.Events[0], &byColumn.Events[0]
		if !slices.Equal(a.TimesMillis, b.TimesMillis) || !slices.Equal(a.Index, b.Index) {
			t.Fatal("times or indexes differ")
		}
		for row := range a.CIDs.Len() {
			if a.CIDs.At(row) != b.CIDs.At(row) || !a.Props[0].Value(row).Equal(b.Props[0].Value(row)) {
				t.Fatalf("row %d differs", row)
			}
		}
	})
}

// TestMalformedColumns gives columns that do not fit together: an error, and nothing is taken.
func TestMalformedColumns(t *testing.T) {
	two := func() batch.CIDs { return batch.CIDs{Strings: []string{"a", "b"}} }
	column := func(kinds ...value.Kind) batch.Column {
		return batch.Column{Name: "p", Kinds: kinds, Data: make([]int64, len(kinds))}
	}
	for name, add := range map[string]func(*batch.Builder) error{
		"packed and strings": func(b *batch.Builder) error {
			return b.EventColumns(0, batch.Events{Name: "e", CIDs: batch.CIDs{Strings: []string{"a"}, Packed: make([]byte, 16)}})
		},
		"half a CID": func(b *batch.Builder) error {
			return b.EventColumns(0, batch.Events{Name: "e", CIDs: batch.CIDs{Packed: make([]byte, 17)}})
		},
		"times": func(b *batch.Builder) error {
			return b.EventColumns(0, batch.Events{Name: "e", CIDs: two(), TimesMillis: []int64{1}})
		},
		"offsets": func(b *batch.Builder) error {
			return b.EventColumns(0, batch.Events{Name: "e", CIDs: two(), Offsets: []int16{1, 2, 3}})
		},
		"ids": func(b *batch.Builder) error {
			return b.EventColumns(0, batch.Events{Name: "e", CIDs: two(), IDs: []string{"x"}})
		},
		"short column": func(b *batch.Builder) error {
			return b.EventColumns(0, batch.Events{Name: "e", CIDs: two(), Props: []batch.Column{column(value.Bool)}})
		},
		"column twice": func(b *batch.Builder) error {
			return b.ProfileColumns(0, batch.Profiles{CIDs: two(), Set: []batch.Column{column(value.Bool, value.Bool), column(value.Bool, value.Bool)}})
		},
		"code of no string": func(b *batch.Builder) error {
			return b.ProfileColumns(0, batch.Profiles{CIDs: two(), Set: []batch.Column{column(value.String, value.Absent)}})
		},
		"code of no list": func(b *batch.Builder) error {
			return b.ProfileColumns(0, batch.Profiles{CIDs: two(), Set: []batch.Column{column(value.Absent, value.List)}})
		},
		"expiries": func(b *batch.Builder) error {
			return b.TagColumns(0, batch.Tags{Name: "t", CIDs: two(), Remove: make([]bool, 2), ExpiresMillis: []int64{1}})
		},
		"removes": func(b *batch.Builder) error {
			return b.TagColumns(0, batch.Tags{Name: "t", CIDs: two(), Remove: make([]bool, 1)})
		},
		"no removes": func(b *batch.Builder) error {
			return b.TagColumns(0, batch.Tags{Name: "t", CIDs: two()})
		},
	} {
		b := batch.NewBuilder(received())
		if err := add(b); err == nil {
			t.Errorf("%s: no error", name)
		}
		if done, rejects := b.Finish(); done.Records() != 0 || len(rejects) != 0 {
			t.Errorf("%s: something was taken: %+v %+v", name, done, rejects)
		}
	}
}
