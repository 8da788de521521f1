package serve

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
)

// genValue draws a value, now and then one that is rejected, or nil for none.
func genValue(t *rapid.T) *whowhenv1.Value {
	switch rapid.IntRange(0, 11).Draw(t, "kind") {
	case 0, 1:
		return nil
	case 2, 3:
		return text(rapid.SampledFrom([]string{"", "a", "b", "ü"}).Draw(t, "string"))
	case 4, 5:
		return number(rapid.SampledFrom([]float64{0, 1, -2.5, 0.1, 1e17, math.NaN(), math.Inf(1), 1e300}).Draw(t, "number"))
	case 6, 7:
		return digits(rapid.SampledFrom([]string{"0", "1.50", "-7", "1e40", "x", ""}).Draw(t, "decimal"))
	case 8:
		return &whowhenv1.Value{Kind: &whowhenv1.Value_Bool{Bool: rapid.Bool().Draw(t, "bool")}}
	case 9, 10:
		return moment(&timestamppb.Timestamp{Seconds: rapid.Int64Range(0, 2e9).Draw(t, "seconds"), Nanos: rapid.SampledFrom([]int32{0, 5e6, -1}).Draw(t, "nanos")})
	}
	return &whowhenv1.Value{Kind: &whowhenv1.Value_List{List: &whowhenv1.StringList{Values: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 0, 3).Draw(t, "list")}}}
}

func genCIDs(t *rapid.T) ([]string, *whowhenv1.CidColumn) {
	if rapid.Bool().Draw(t, "packed") {
		c := &whowhenv1.CidColumn{Packed: rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")}
		c.Packed = c.Packed[:len(c.Packed)/16*16]
		var cids []string
		for at := 0; at < len(c.Packed); at += 16 {
			cids = append(cids, hex.EncodeToString(c.Packed[at:at+16]))
		}
		return cids, c
	}
	cids := rapid.SliceOfN(rapid.SampledFrom([]string{"anna", "bert", "0123456789abcdef0123456789abcdef", "", "a\tb"}), 0, 12).Draw(t, "cids")
	return cids, &whowhenv1.CidColumn{Strings: cids}
}

// TestColumnsMeanWhatRecordsMean writes the same facts both ways.
func TestColumnsMeanWhatRecordsMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cids, column := genCIDs(t)
		names := []string{"p", "q"}
		values := make(map[string][]*whowhenv1.Value, len(names))
		for _, name := range names {
			for range cids {
				values[name] = append(values[name], genValue(t))
			}
		}
		valuesOf := func(row int) map[string]*whowhenv1.Value {
			m := map[string]*whowhenv1.Value{}
			for _, name := range names {
				if v := values[name][row]; v != nil {
					m[name] = v
				}
			}
			return m
		}
		var columns []*whowhenv1.Column
		for _, name := range names {
			c := &whowhenv1.Column{Name: name, Kind: &whowhenv1.Column_Values{Values: &whowhenv1.ValueColumn{}}}
			for row, v := range values[name] {
				if v == nil {
					v = &whowhenv1.Value{}
					if rapid.Bool().Draw(t, "absent") {
						c.Absent, v = append(c.Absent, uint32(row)), digits("anything")
					}
				}
				c.GetValues().Values = append(c.GetValues().Values, v)
			}
			columns = append(columns, c)
		}
		times := rapid.SliceOfN(rapid.Int64Range(-1, testNow.UnixMilli()+2e8), len(cids), len(cids)).Draw(t, "times")
		offsets := rapid.SliceOfN(rapid.SampledFrom([]int32{0, -480, 1081, 65536, -40000, math.MaxInt32}), len(cids), len(cids)).Draw(t, "offsets")
		expiry := rapid.SliceOfN(rapid.Int64Range(1, batch.MaxMillis+1), len(cids), len(cids)).Draw(t, "expiry")

		byRow, byColumn := &whowhenv1.WriteRequest{}, &whowhenv1.WriteRequest{
			EventColumns:   []*whowhenv1.EventColumns{{Name: "open", Cids: column, TimeUnixMillis: times, UtcOffsetMinutes: offsets, Properties: columns}},
			TagColumns:     []*whowhenv1.TagColumns{{Tag: "vip", Remove: true, Cids: column, ExpiresAtUnixMillis: expiry}},
			ProfileColumns: []*whowhenv1.ProfileColumns{{Cids: column, Set: columns, TimeUnixMillis: times}},
		}
		for row, cid := range cids {
			byRow.Records = append(byRow.Records, event(&whowhenv1.Event{Cid: cid, Name: "open", Time: stamp(times[row]), UtcOffsetMinutes: proto.Int32(offsets[row]), Properties: valuesOf(row)}))
		}
		for row, cid := range cids {
			byRow.Records = append(byRow.Records, tagChange(&whowhenv1.TagChange{Cid: cid, Tag: "vip", Remove: true, ExpiresAt: stamp(expiry[row])}))
		}
		for row, cid := range cids {
			byRow.Records = append(byRow.Records, profile(&whowhenv1.ProfileChange{Cid: cid, Time: stamp(times[row]), Set: valuesOf(row)}))
		}
		b1, rejects1 := buildRapid(t, byRow)
		b2, rejects2 := buildRapid(t, byColumn)
		if diff := gocmp.Diff(dump(b1), dump(b2)); diff != "" {
			t.Fatalf("records (-by row +by column):\n%s", diff)
		}
		if !slices.Equal(indexesOf(rejects1), indexesOf(rejects2)) {
			t.Fatalf("rejects by row %v, by column %v", rejects1, rejects2)
		}
	})
}

func stamp(millis int64) *timestamppb.Timestamp {
	return &timestamppb.Timestamp{Seconds: (millis+1000)/1000 - 1, Nanos: int32((millis+1000)%1000) * 1e6}
}

func buildRapid(t *rapid.T, m *whowhenv1.WriteRequest) (*batch.Batch, []batch.Reject) {
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

// indexesOf leaves out the reasons: which of several faults is told differs.
func indexesOf(rejects []batch.Reject) []int {
	var indexes []int
	for _, r := range rejects {
		indexes = append(indexes, r.Index)
	}
	slices.SortFunc(indexes, cmp.Compare)
	return indexes
}

func TestTypedColumns(t *testing.T) {
	m := &whowhenv1.WriteRequest{
		Records: []*whowhenv1.Record{{}},
		ProfileColumns: []*whowhenv1.ProfileColumns{{
			Cids: &whowhenv1.CidColumn{Strings: []string{"anna", "bert", "carl"}},
			Set: []*whowhenv1.Column{
				{Name: "s", Absent: []uint32{1}, Kind: &whowhenv1.Column_Strings{Strings: &whowhenv1.StringColumn{Values: []string{"x", "y"}, Codes: []uint32{1, 99, 0}}}},
				{Name: "n", Kind: &whowhenv1.Column_Numbers{Numbers: &whowhenv1.NumberColumn{Values: []float64{2.55, 3, math.NaN()}}}},
				{Name: "d", Kind: &whowhenv1.Column_Decimals{Decimals: &whowhenv1.DecimalColumn{Units: []int64{150, -7, 0}, Scale: 2}}},
				{Name: "b", Kind: &whowhenv1.Column_Bools{Bools: &whowhenv1.BoolColumn{Values: []bool{true, false, true}}}},
				{Name: "t", Kind: &whowhenv1.Column_Times{Times: &whowhenv1.TimeColumn{UnixMillis: []int64{0, 1500, 2}}}},
			},
		}},
	}
	b, rejects := built(t, m)
	want := map[uint32]string{
		1: fmt.Sprintf(`profile anna at %d: b=bool true d=number 1.5 n=number 2.55 s=string "y" t=time 1970-01-01T00:00:00Z`, batch.NoTime),
		2: fmt.Sprintf(`profile bert at %d: b=bool false d=number -0.07 n=number 3 t=time 1970-01-01T00:00:01.5Z`, batch.NoTime),
	}
	if diff := gocmp.Diff(want, dump(b)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if len(rejects) != 2 || rejects[0].Reason != "RECORD_EMPTY" || rejects[1].Index != 3 || rejects[1].Field != "set.n" || rejects[1].Reason != "NUMBER_OUT_OF_RANGE" {
		t.Errorf("rejects %+v", rejects)
	}
}

func FuzzWriteRequest(f *testing.F) {
	for _, m := range []*whowhenv1.WriteRequest{
		{BatchId: "b", Records: []*whowhenv1.Record{event(&whowhenv1.Event{Cid: "a", Name: "b", Properties: map[string]*whowhenv1.Value{"p": number(1)}})}},
		{EventColumns: []*whowhenv1.EventColumns{{Name: "open", Cids: &whowhenv1.CidColumn{Packed: make([]byte, 32)}, UtcOffsetMinutes: []int32{1, 2},
			Properties: []*whowhenv1.Column{{Name: "p", Absent: []uint32{1}, Kind: &whowhenv1.Column_Values{Values: &whowhenv1.ValueColumn{Values: []*whowhenv1.Value{digits("x"), {}}}}}}}}},
		{ProfileColumns: []*whowhenv1.ProfileColumns{{Cids: &whowhenv1.CidColumn{Strings: []string{"a"}}, Set: []*whowhenv1.Column{
			{Name: "p", Kind: &whowhenv1.Column_Strings{Strings: &whowhenv1.StringColumn{Values: []string{"a"}, Codes: []uint32{0}}}}}}}},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m whowhenv1.WriteRequest
		if proto.Unmarshal(data, &m) != nil {
			return
		}
		w, err := decodeWrite(&m)
		if err != nil {
			return
		}
		builder := batch.NewBuilder(testNow)
		if w.Build(builder) != nil {
			return
		}
		b, rejects := builder.Finish()
		if b.Records()+len(rejects) != countRows(&m) {
			t.Errorf("%d rows became %d records and %d rejects", countRows(&m), b.Records(), len(rejects))
		}
	})
}
