package batch_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

func received() time.Time { return time.Date(2024, 3, 5, 10, 0, 0, 0, time.UTC) }

func open(cid string) batch.Event {
	return batch.Event{CID: cid, Name: "open", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset}
}

func TestRejects(t *testing.T) {
	now := received().UnixMilli()
	event := func(change func(e *batch.Event)) func(*batch.Builder) {
		e := open("a")
		change(&e)
		return func(b *batch.Builder) { b.Event(7, e) }
	}
	property := func(v value.Value) func(*batch.Builder) {
		return event(func(e *batch.Event) { e.Properties = []batch.Named{{Name: "p", Value: v}} })
	}
	for _, c := range []struct {
		add           func(*batch.Builder)
		field, reason string // none when the record is taken
	}{
		{event(func(e *batch.Event) {}), "", ""},
		{event(func(e *batch.Event) { e.CID = "" }), "cid", "CID_EMPTY"},
		{event(func(e *batch.Event) { e.CID = strings.Repeat("x", 128) }), "", ""},
		{event(func(e *batch.Event) { e.CID = strings.Repeat("x", 129) }), "cid", "CID_TOO_LONG"},
		{event(func(e *batch.Event) { e.CID = "a\nb" }), "cid", "CID_CONTROL_CHARACTER"},
		{event(func(e *batch.Event) { e.CID = "a\u0085b" }), "cid", "CID_CONTROL_CHARACTER"},
		{event(func(e *batch.Event) { e.CID = "a\xffb" }), "cid", "CID_NOT_UTF8"},
		{event(func(e *batch.Event) { e.CID = " 00001 " }), "", ""},
		{event(func(e *batch.Event) { e.Name = "" }), "name", "EVENT_EMPTY"},
		{event(func(e *batch.Event) { e.Name = strings.Repeat("x", 257) }), "name", "EVENT_TOO_LONG"},
		{event(func(e *batch.Event) { e.TimeMillis = -1 }), "time", "TIME_OUT_OF_RANGE"},
		{event(func(e *batch.Event) { e.TimeMillis = 0 }), "", ""},
		{event(func(e *batch.Event) { e.TimeMillis = now + 86400_000 }), "", ""},
		{event(func(e *batch.Event) { e.TimeMillis = now + 86400_001 }), "time", "TIME_IN_FUTURE"},
		{event(func(e *batch.Event) { e.TimeMillis = math.MaxInt64 }), "time", "TIME_IN_FUTURE"},
		{event(func(e *batch.Event) { e.OffsetMinutes = 18 * 60 }), "", ""},
		{event(func(e *batch.Event) { e.OffsetMinutes = 18*60 + 1 }), "utc_offset_minutes", "OFFSET_OUT_OF_RANGE"},
		{event(func(e *batch.Event) { e.OffsetMinutes = math.MaxInt64 }), "utc_offset_minutes", "OFFSET_OUT_OF_RANGE"},
		{event(func(e *batch.Event) { e.ID = "a\x00" }), "event_id", "EVENT_ID_CONTROL_CHARACTER"},
		{event(func(e *batch.Event) { e.ID = strings.Repeat("x", 129) }), "event_id", "EVENT_ID_TOO_LONG"},
		{event(func(e *batch.Event) { e.Properties = []batch.Named{{Name: "p"}, {Name: "p"}} }), "properties.p", "NAME_TWICE"},
		{event(func(e *batch.Event) { e.Properties = []batch.Named{{Name: ""}} }), "properties", "NAME_EMPTY"},
		{event(func(e *batch.Event) { e.Properties = make([]batch.Named, 257) }), "properties", "TOO_MANY_VALUES"},
		{property(value.Text(strings.Repeat("x", 4096))), "", ""},
		{property(value.Text(strings.Repeat("x", 4097))), "properties.p", "STRING_TOO_LONG"},
		{property(value.Text("\xff")), "properties.p", "STRING_NOT_UTF8"},
		{property(value.Strings(make([]string, 256))), "", ""},
		{property(value.Strings(make([]string, 257))), "properties.p", "LIST_TOO_LONG"},
		{property(value.Strings([]string{"\xff"})), "properties.p", "STRING_NOT_UTF8"},
		{property(value.Num(value.Decimal{Coef: math.MinInt64})), "properties.p", "NUMBER_OUT_OF_RANGE"},
		{property(value.Num(value.Decimal{Coef: 1, Scale: 19})), "properties.p", "NUMBER_OUT_OF_RANGE"},
		{property(value.Day(1)), "properties.p", "VALUE_KIND"},
		{property(value.Value{Kind: 77}), "properties.p", "VALUE_KIND"},
		{func(b *batch.Builder) { b.Tag(7, batch.TagChange{CID: "a", Tag: "vip", TimeMillis: batch.NoTime}) }, "", ""},
		{func(b *batch.Builder) { b.Tag(7, batch.TagChange{CID: "a", TimeMillis: batch.NoTime}) }, "tag", "TAG_EMPTY"},
		{func(b *batch.Builder) { b.Tag(7, batch.TagChange{CID: "a", Tag: "vip", ExpiresMillis: -1}) }, "expires_at", "TIME_OUT_OF_RANGE"},
		{func(b *batch.Builder) {
			b.Tag(7, batch.TagChange{CID: "a", Tag: "vip", ExpiresMillis: batch.MaxMillis + 1})
		}, "expires_at", "TIME_OUT_OF_RANGE"},
		{func(b *batch.Builder) { b.Profile(7, batch.ProfileChange{CID: "a", TimeMillis: batch.NoTime}) }, "", ""},
		{func(b *batch.Builder) { b.Profile(7, batch.ProfileChange{CID: "a", TimeMillis: now * 2}) }, "time", "TIME_IN_FUTURE"},
		{func(b *batch.Builder) {
			b.Profile(7, batch.ProfileChange{CID: "a", TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "x", Value: value.Text("")}}, Unset: []string{"x"}})
		}, "unset", "SET_AND_UNSET"},
		{func(b *batch.Builder) {
			b.Profile(7, batch.ProfileChange{CID: "a", TimeMillis: batch.NoTime, Unset: make([]string, 257)})
		}, "unset", "TOO_MANY_VALUES"},
		{func(b *batch.Builder) {
			b.Profile(7, batch.ProfileChange{CID: "a", TimeMillis: batch.NoTime, Unset: []string{""}})
		}, "unset", "NAME_EMPTY"},
	} {
		b := batch.NewBuilder(received())
		c.add(b)
		done, rejects := b.Finish()
		switch {
		case c.reason == "":
			if len(rejects) != 0 || done.Records() != 1 {
				t.Errorf("a good record is rejected: %+v", rejects)
			}
		case len(rejects) != 1 || rejects[0].Field != c.field || rejects[0].Reason != c.reason || rejects[0].Index != 7 || rejects[0].Message == "" || done.Records() != 0:
			t.Errorf("rejects %+v, want %s at %s", rejects, c.reason, c.field)
		}
	}
}

// TestShapesOfCIDs mixes packed and other CIDs in all orders.
func TestShapesOfCIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cids := rapid.SliceOfN(rapid.SampledFrom([]string{"a", strings.Repeat("0", 32), strings.Repeat("f", 32), strings.Repeat("F", 32), strings.Repeat("0", 31), "日本"}), 1, 12).Draw(t, "cids")
		b := batch.NewBuilder(received())
		for i, cid := range cids {
			b.Event(i, open(cid))
		}
		done, _ := b.Finish()
		e := &done.Events[0]
		if e.CIDs.Len() != len(cids) {
			t.Fatalf("%d CIDs, want %d", e.CIDs.Len(), len(cids))
		}
		for i, cid := range cids {
			if e.CIDs.At(i) != cid {
				t.Fatalf("CID %d is %q, want %q", i, e.CIDs.At(i), cid)
			}
		}
		keep := rapid.SliceOfN(rapid.Bool(), len(cids), len(cids)).Draw(t, "keep")
		e.Filter(keep)
		row := 0
		for i, cid := range cids {
			if keep[i] {
				if e.CIDs.At(row) != cid || e.Index[row] != uint32(i) {
					t.Fatalf("row %d after filtering is %q of record %d", row, e.CIDs.At(row), e.Index[row])
				}
				row++
			}
		}
		if e.CIDs.Len() != row || len(e.TimesMillis) != row {
			t.Fatalf("%d rows after filtering, want %d", e.CIDs.Len(), row)
		}
	})
}

func genValue(t *rapid.T, label string) value.Value {
	switch rapid.IntRange(0, 5).Draw(t, label) {
	case 1:
		return value.Text(rapid.SampledFrom([]string{"", "x", "日本", "y"}).Draw(t, label))
	case 2:
		d, err := value.NewDecimal(rapid.Int64Range(math.MinInt64+1, math.MaxInt64).Draw(t, label), rapid.IntRange(0, value.MaxScale).Draw(t, label))
		if err != nil {
			t.Fatal(err)
		}
		return value.Num(d)
	case 3:
		return value.Boolean(rapid.Bool().Draw(t, label))
	case 4:
		return value.Value{Kind: value.Time, Millis: rapid.Int64().Draw(t, label)}
	case 5:
		return value.Strings(rapid.SliceOfN(rapid.SampledFrom([]string{"", "x", "日本"}), 0, 3).Draw(t, label))
	}
	return value.Value{}
}

func genNamed(t *rapid.T) (list []batch.Named) {
	for i := range 4 {
		if rapid.Bool().Draw(t, "has") {
			list = append(list, batch.Named{Name: fmt.Sprint("p", i), Value: genValue(t, "value")})
		}
	}
	return list
}

// genBatch draws a batch with a bit of everything.
func genBatch(t *rapid.T) *batch.Batch {
	b := batch.NewBuilder(received())
	cid := rapid.OneOf(rapid.SampledFrom([]string{"a", "日本", strings.Repeat("x", 128)}), rapid.StringMatching(`[0-9a-f]{32}`))
	at := rapid.OneOf(rapid.Just(int64(batch.NoTime)), rapid.Int64Range(0, received().UnixMilli()))
	for i := range rapid.IntRange(0, 20).Draw(t, "records") {
		switch rapid.IntRange(0, 2).Draw(t, "sort") {
		case 0:
			b.Event(i, batch.Event{
				CID: cid.Draw(t, "cid"), Name: rapid.SampledFrom([]string{"open", "buy"}).Draw(t, "name"), TimeMillis: at.Draw(t, "time"),
				OffsetMinutes: rapid.OneOf(rapid.Just(int64(batch.NoOffset)), rapid.Int64Range(-1080, 1080)).Draw(t, "offset"),
				ID:            rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "id"), Properties: genNamed(t),
			})
		case 1:
			b.Tag(i, batch.TagChange{CID: cid.Draw(t, "cid"), Tag: rapid.SampledFrom([]string{"vip", "staff"}).Draw(t, "tag"), Remove: rapid.Bool().Draw(t, "remove"),
				ExpiresMillis: rapid.Int64Range(0, batch.MaxMillis).Draw(t, "expires"), TimeMillis: at.Draw(t, "time")})
		case 2:
			b.Profile(i, batch.ProfileChange{CID: cid.Draw(t, "cid"), TimeMillis: at.Draw(t, "time"), Set: genNamed(t), Unset: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"q0", "q1"}), 0, 2, rapid.ID[string]).Draw(t, "unset")})
		}
	}
	done, rejects := b.Finish()
	if len(rejects) > 0 {
		t.Fatalf("rejected %+v", rejects)
	}
	if rapid.Bool().Draw(t, "with id") {
		done.ID, done.Content = "batch", [32]byte{1, 2, 3}
	}
	if rapid.Bool().Draw(t, "with load") {
		done.Load = &batch.Load{ID: "file", FirstRow: rapid.Uint64().Draw(t, "row"), Rows: 3, Rejected: 1, Skipped: 2, Last: rapid.Bool().Draw(t, "last")}
	}
	if rapid.Bool().Draw(t, "with scores") {
		genScores(t, done)
	}
	if rapid.Bool().Draw(t, "with retention") {
		done.Retentions = []batch.Retention{{Name: "open", KeepDays: rapid.Int32Range(0, batch.MaxKeepDays).Draw(t, "days")}, {Tag: true, Name: "vip"}}
	}
	return done
}

// TestEveryValueComesBack compares what was added with what the columns say, after encoding too.
func TestEveryValueComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(genNamed), 1, 30).Draw(t, "records")
		b := batch.NewBuilder(received())
		for i, r := range records {
			e := open("a")
			e.Properties = r
			b.Event(i, e)
		}
		built, _ := b.Finish()
		decoded, err := batch.Decode(built.AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, done := range []*batch.Batch{built, decoded} {
			record := 0
			for i := range done.Events {
				e := &done.Events[i]
				for row := range e.CIDs.Len() {
					want := map[string]value.Value{}
					for _, n := range records[record] {
						want[n.Name] = n.Value
					}
					for k := range e.Props {
						p := &e.Props[k]
						if got := p.Value(row); !got.Equal(want[p.Name]) {
							t.Fatalf("record %d, %s: %s, want %s", record, p.Name, got, want[p.Name])
						}
						delete(want, p.Name)
					}
					for name, v := range want {
						if v.Kind != value.Absent {
							t.Fatalf("record %d has lost %s", record, name)
						}
					}
					record++
				}
			}
			if record != len(records) {
				t.Fatalf("%d records, want %d", record, len(records))
			}
		}
	})
}
