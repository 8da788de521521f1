package serve

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

func text(s string) *whowhenv1.Value {
	return &whowhenv1.Value{Kind: &whowhenv1.Value_String_{String_: s}}
}
func number(f float64) *whowhenv1.Value {
	return &whowhenv1.Value{Kind: &whowhenv1.Value_Number{Number: f}}
}
func digits(s string) *whowhenv1.Value {
	return &whowhenv1.Value{Kind: &whowhenv1.Value_Decimal{Decimal: s}}
}
func moment(t *timestamppb.Timestamp) *whowhenv1.Value {
	return &whowhenv1.Value{Kind: &whowhenv1.Value_Time{Time: t}}
}
func event(e *whowhenv1.Event) *whowhenv1.Record {
	return &whowhenv1.Record{Kind: &whowhenv1.Record_Event{Event: e}}
}
func tagChange(c *whowhenv1.TagChange) *whowhenv1.Record {
	return &whowhenv1.Record{Kind: &whowhenv1.Record_Tag{Tag: c}}
}
func profile(c *whowhenv1.ProfileChange) *whowhenv1.Record {
	return &whowhenv1.Record{Kind: &whowhenv1.Record_Profile{Profile: c}}
}

// built decodes a request and returns its batch and rejects.
func built(t testing.TB, m *whowhenv1.WriteRequest) (*batch.Batch, []batch.Reject) {
	t.Helper()
	w, err := decodeWrite(m)
	if err != nil {
		t.Fatal(err)
	}
	b := batch.NewBuilder(testNow)
	if err := w.Build(b); err != nil {
		t.Fatal(err)
	}
	return b.Finish()
}

// dump returns every record of a batch as text, by index, whatever tables it is kept in.
func dump(b *batch.Batch) map[uint32]string {
	records := map[uint32]string{}
	values := func(columns []batch.Column, row int) string {
		var all []string
		for i := range columns {
			switch c := &columns[i]; c.Kinds[row] {
			case value.Absent:
			case batch.Unset:
				all = append(all, c.Name+" unset")
			default:
				all = append(all, fmt.Sprintf("%s=%s %s", c.Name, c.Kinds[row], c.Value(row)))
			}
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	at := func(column []int64, row int, none int64) int64 {
		if len(column) == 0 {
			return none
		}
		return column[row]
	}
	for i := range b.Events {
		e := &b.Events[i]
		for row, index := range e.Index {
			offset, id := int16(batch.NoOffset), ""
			if len(e.Offsets) > 0 {
				offset = e.Offsets[row]
			}
			if len(e.IDs) > 0 {
				id = e.IDs[row]
			}
			records[index] = fmt.Sprintf("event %s %s at %d offset %d id %q: %s", e.CIDs.At(row), e.Name, e.TimesMillis[row], offset, id, values(e.Props, row))
		}
	}
	for i := range b.Tags {
		c := &b.Tags[i]
		for row, index := range c.Index {
			records[index] = fmt.Sprintf("tag %s %s remove %v expires %d at %d", c.CIDs.At(row), c.Name, c.Remove[row], at(c.ExpiresMillis, row, 0), at(c.TimesMillis, row, batch.NoTime))
		}
	}
	for i := range b.Profiles {
		p := &b.Profiles[i]
		for row, index := range p.Index {
			records[index] = fmt.Sprintf("profile %s at %d: %s", p.CIDs.At(row), at(p.TimesMillis, row, batch.NoTime), values(p.Set, row))
		}
	}
	return records
}

func TestRecordsAreDecoded(t *testing.T) {
	noon := timestamppb.New(time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC))
	b, rejects := built(t, &whowhenv1.WriteRequest{Records: []*whowhenv1.Record{
		event(&whowhenv1.Event{Cid: "anna", Name: "open", Time: noon, UtcOffsetMinutes: proto.Int32(-480), EventId: "e1", Properties: map[string]*whowhenv1.Value{
			"s": text("x"), "n": number(2.55), "d": digits("1.50"), "b": {Kind: &whowhenv1.Value_Bool{Bool: true}},
			"t": moment(noon), "l": {Kind: &whowhenv1.Value_List{List: &whowhenv1.StringList{Values: []string{"a", "b"}}}},
		}}),
		event(&whowhenv1.Event{Cid: "bert", Name: "open"}),
		tagChange(&whowhenv1.TagChange{Cid: "anna", Tag: "vip", ExpiresAt: noon, Time: noon}),
		tagChange(&whowhenv1.TagChange{Cid: "bert", Tag: "vip", Remove: true, ExpiresAt: &timestamppb.Timestamp{}}),
		profile(&whowhenv1.ProfileChange{Cid: "anna", Set: map[string]*whowhenv1.Value{"age": number(7)}, Unset: []string{"city"}, Time: noon}),
	}})
	want := map[uint32]string{
		0: `event anna open at 1772366400005 offset -480 id "e1": b=bool true d=number 1.5 l=list ("a", "b") n=number 2.55 s=string "x" t=time 2026-03-01T12:00:00.005Z`,
		1: `event bert open at -9223372036854775808 offset -32768 id "": `,
		2: `tag anna vip remove false expires 1772366400005 at 1772366400005`,
		3: `tag bert vip remove true expires 1 at -9223372036854775808`,
		4: `profile anna at 1772366400005: age=number 7 city unset`,
	}
	if diff := cmp.Diff(want, dump(b)); diff != "" || len(rejects) != 0 {
		t.Errorf("rejects %v, records (-want +got):\n%s", rejects, diff)
	}
}

func TestBadRecordsAreRejectedOneByOne(t *testing.T) {
	never := &timestamppb.Timestamp{Seconds: 1, Nanos: -1}
	set := func(v *whowhenv1.Value) *whowhenv1.Record {
		return profile(&whowhenv1.ProfileChange{Cid: "anna", Set: map[string]*whowhenv1.Value{"ok": number(1), "x": v}})
	}
	for _, c := range []struct {
		record        *whowhenv1.Record
		field, reason string
	}{
		{&whowhenv1.Record{}, "", "RECORD_EMPTY"},
		{event(&whowhenv1.Event{Name: "open"}), "cid", "CID_EMPTY"},
		{event(nil), "cid", "CID_EMPTY"},
		{event(&whowhenv1.Event{Cid: "anna", Name: "open", Time: never}), "time", "TIME_INVALID"},
		{event(&whowhenv1.Event{Cid: "anna", Name: "open", Time: timestamppb.New(time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC))}), "time", "TIME_OUT_OF_RANGE"},
		{event(&whowhenv1.Event{Cid: "anna", Name: "open", UtcOffsetMinutes: proto.Int32(65536)}), "utc_offset_minutes", "OFFSET_OUT_OF_RANGE"},
		{event(&whowhenv1.Event{Cid: "anna", Name: "open", Properties: map[string]*whowhenv1.Value{"p": nil}}), "properties.p", "VALUE_MISSING"},
		{tagChange(&whowhenv1.TagChange{Cid: "anna", Tag: "vip", ExpiresAt: never}), "expires_at", "TIME_INVALID"},
		{tagChange(&whowhenv1.TagChange{Cid: "anna", Tag: "vip", Time: never}), "time", "TIME_INVALID"},
		{tagChange(nil), "cid", "CID_EMPTY"},
		{profile(nil), "cid", "CID_EMPTY"},
		{profile(&whowhenv1.ProfileChange{Cid: "anna", Time: never}), "time", "TIME_INVALID"},
		{set(&whowhenv1.Value{}), "set.x", "VALUE_MISSING"},
		{set(number(math.NaN())), "set.x", "NUMBER_OUT_OF_RANGE"},
		{set(number(math.Inf(-1))), "set.x", "NUMBER_OUT_OF_RANGE"},
		{set(digits("1e40")), "set.x", "NUMBER_OUT_OF_RANGE"},
		{set(digits("12 EUR")), "set.x", "NUMBER_INVALID"},
		{set(moment(never)), "set.x", "TIME_INVALID"},
		{set(moment(nil)), "set.x", "VALUE_MISSING"},
	} {
		good := event(&whowhenv1.Event{Cid: "bert", Name: "open"})
		b, rejects := built(t, &whowhenv1.WriteRequest{Records: []*whowhenv1.Record{good, c.record, good}})
		if len(rejects) != 1 || rejects[0].Index != 1 || rejects[0].Field != c.field || rejects[0].Reason != c.reason || rejects[0].Message == "" || b.Records() != 2 {
			t.Errorf("%v: %d records, rejects %+v; want %s %s", c.record, b.Records(), rejects, c.field, c.reason)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	many := make([]*whowhenv1.Record, batch.MaxRecords)
	two := &whowhenv1.CidColumn{Strings: []string{"anna", "bert"}}
	column := func(c *whowhenv1.Column) *whowhenv1.WriteRequest {
		c.Name = "p"
		return &whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{Cids: two}, {Cids: two, Set: []*whowhenv1.Column{c}}}}
	}
	strings2 := &whowhenv1.Column_Strings{Strings: &whowhenv1.StringColumn{Values: []string{"a"}, Codes: []uint32{0, 0}}}
	for _, c := range []struct {
		m                    *whowhenv1.WriteRequest
		reason, field, words string
	}{
		{&whowhenv1.WriteRequest{Records: many, TagColumns: []*whowhenv1.TagColumns{{Cids: two}}}, "TOO_MANY_RECORDS", "", "65538 records"},
		{&whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{{Cids: &whowhenv1.CidColumn{Packed: make([]byte, 16*(batch.MaxRecords+1))}}}}, "TOO_MANY_RECORDS", "", "65537 records"},
		{&whowhenv1.WriteRequest{BatchId: strings.Repeat("x", 129)}, "REQUEST_INVALID", "batch_id", "129 bytes"},
		{&whowhenv1.WriteRequest{BatchId: "a\nb"}, "REQUEST_INVALID", "batch_id", "control character"},
		{&whowhenv1.WriteRequest{BatchId: "a", Load: &whowhenv1.LoadRows{LoadId: "b"}}, "REQUEST_INVALID", "load", "both set"},
		{&whowhenv1.WriteRequest{Load: &whowhenv1.LoadRows{}}, "REQUEST_INVALID", "load.load_id", "empty"},
		{&whowhenv1.WriteRequest{Load: &whowhenv1.LoadRows{LoadId: "b", Rows: 2, RejectedRows: 1, SkippedRows: 2}}, "REQUEST_INVALID", "load.rows", "left out"},
		{&whowhenv1.WriteRequest{Load: &whowhenv1.LoadRows{LoadId: "b", Rows: 2, RejectedRows: math.MaxUint64, SkippedRows: 2}}, "REQUEST_INVALID", "load.rows", "left out"},
		{&whowhenv1.WriteRequest{Load: &whowhenv1.LoadRows{LoadId: "b", Rows: 2, FirstRow: math.MaxUint64}}, "REQUEST_INVALID", "load.rows", "counted"},
		{&whowhenv1.WriteRequest{TagColumns: []*whowhenv1.TagColumns{{Cids: &whowhenv1.CidColumn{Strings: []string{"a"}, Packed: make([]byte, 16)}}}}, "BATCH_MALFORMED", "tag_columns[0]", "both strings and packed"},
		{&whowhenv1.WriteRequest{TagColumns: []*whowhenv1.TagColumns{{Cids: &whowhenv1.CidColumn{Packed: make([]byte, 17)}}}}, "BATCH_MALFORMED", "tag_columns[0]", "17 bytes"},
		{&whowhenv1.WriteRequest{TagColumns: []*whowhenv1.TagColumns{{Cids: two, ExpiresAtUnixMillis: []int64{1}}}}, "BATCH_MALFORMED", "tag_columns[0]", "expires_at_unix_millis has 1 values for 2 CIDs"},
		{&whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{{Cids: two, EventIds: []string{"1", "2", "3"}}}}, "BATCH_MALFORMED", "event_columns[0]", "event_ids has 3 values for 2 CIDs"},
		{&whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{{Cids: two, UtcOffsetMinutes: []int32{1}}}}, "BATCH_MALFORMED", "event_columns[0]", "utc_offset_minutes has 1"},
		{&whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{TimeUnixMillis: []int64{1}}}}, "BATCH_MALFORMED", "profile_columns[0]", "time_unix_millis has 1 values for 0 CIDs"},
		{&whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{Cids: two, Set: make([]*whowhenv1.Column, 257)}}}, "BATCH_MALFORMED", "profile_columns[0]", "257 columns"},
		{&whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{Cids: two, Set: []*whowhenv1.Column{{Name: "a", Kind: strings2}, {Name: "a", Kind: strings2}}}}}, "BATCH_MALFORMED", "profile_columns[0]", "two columns are named"},
		{column(&whowhenv1.Column{}), "BATCH_MALFORMED", "profile_columns[1]", "no values of any kind"},
		{column(&whowhenv1.Column{Kind: &whowhenv1.Column_Bools{Bools: &whowhenv1.BoolColumn{Values: []bool{true}}}}), "BATCH_MALFORMED", "profile_columns[1]", `set column "p" has 1 values for 2 CIDs`},
		{column(&whowhenv1.Column{Kind: &whowhenv1.Column_Decimals{Decimals: &whowhenv1.DecimalColumn{Units: []int64{1, 2}, Scale: 256}}}), "BATCH_MALFORMED", "profile_columns[1]", "scale 256"},
		{column(&whowhenv1.Column{Kind: &whowhenv1.Column_Strings{Strings: &whowhenv1.StringColumn{Values: []string{"a"}, Codes: []uint32{0, math.MaxUint32}}}}), "BATCH_MALFORMED", "profile_columns[1]", "not in its dictionary"},
		{column(&whowhenv1.Column{Kind: strings2, Absent: []uint32{2}}), "BATCH_MALFORMED", "profile_columns[1]", "absent row 2"},
		{column(&whowhenv1.Column{Kind: strings2, Absent: []uint32{1, 0}}), "BATCH_MALFORMED", "profile_columns[1]", "absent row 0"},
	} {
		w, err := decodeWrite(c.m)
		if err == nil {
			err = w.Build(batch.NewBuilder(testNow))
		}
		if err == nil {
			t.Errorf("%s: taken", c.words)
			continue
		}
		code, info := infoOf(t, (&Server{}).toConnect(t.Context(), "/test", err))
		if code.String() != "invalid_argument" || info.Reason != c.reason || info.Field != c.field || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v, %v %v", c.words, err, code, info)
		}
	}
}

func TestContentHashCoversTheContent(t *testing.T) {
	request := func(change func(*whowhenv1.WriteRequest)) [32]byte {
		m := &whowhenv1.WriteRequest{BatchId: "b", Records: []*whowhenv1.Record{
			event(&whowhenv1.Event{Cid: "anna", Name: "open", Properties: map[string]*whowhenv1.Value{"a": number(1), "b": number(2), "c": number(3)}}),
		}, TagColumns: []*whowhenv1.TagColumns{{Tag: "vip", Cids: &whowhenv1.CidColumn{Strings: []string{"anna"}}}}}
		change(m)
		w, err := decodeWrite(m)
		if err != nil {
			t.Fatal(err)
		}
		return w.Content
	}
	first := request(func(*whowhenv1.WriteRequest) {})
	if same := request(func(m *whowhenv1.WriteRequest) { m.BatchId, m.App = "c", "default" }); same != first {
		t.Error("the hash covers more than the content")
	}
	for i, change := range []func(*whowhenv1.WriteRequest){
		func(m *whowhenv1.WriteRequest) { m.Records[0].GetEvent().Cid = "bert" },
		func(m *whowhenv1.WriteRequest) { m.Records[0].GetEvent().Properties["c"] = number(4) },
		func(m *whowhenv1.WriteRequest) { m.TagColumns[0].Remove = true },
		func(m *whowhenv1.WriteRequest) { m.Records = append(m.Records, m.Records[0]) },
	} {
		if request(change) == first {
			t.Errorf("change %d makes no difference", i)
		}
	}
	if without := request(func(m *whowhenv1.WriteRequest) { m.BatchId = "" }); without != [32]byte{} {
		t.Error("a hash nobody needs was made")
	}
}

func TestBuildingTwiceGivesTheSame(t *testing.T) {
	m := &whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{{
		Name: "open", Cids: &whowhenv1.CidColumn{Strings: []string{"", "anna", "bert", "carl"}},
		TimeUnixMillis: []int64{1, -1, 2, 3}, EventIds: []string{"1", "2", "3", "4"},
		Properties: []*whowhenv1.Column{{Name: "p", Kind: &whowhenv1.Column_Strings{Strings: &whowhenv1.StringColumn{Values: []string{"a", "b"}, Codes: []uint32{0, 0, 1, 0}}}}},
	}}, TagColumns: []*whowhenv1.TagColumns{{Tag: "vip", Cids: &whowhenv1.CidColumn{Strings: []string{"", "anna"}}, TimeUnixMillis: []int64{1, 2}}}}
	before := proto.CloneOf(m)
	first, rejects1 := built(t, m)
	second, rejects2 := built(t, m)
	if diff := cmp.Diff(dump(first), dump(second)); diff != "" || !slices.Equal(rejects1, rejects2) || len(rejects1) != 3 {
		t.Errorf("rejects %v and %v, records differ:\n%s", rejects1, rejects2, diff)
	}
	if !proto.Equal(m, before) {
		t.Errorf("the message was changed to %v", m)
	}
}
