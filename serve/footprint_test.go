package serve

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

func mustMarshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func footprintOfWrite(codec string, text []byte) int64 {
	return footprintOf(whowhenv1connect.IngestServiceWriteProcedure, codec, text)
}

// TestBombsAreHeavy holds that requests of few bytes that would be large messages are reckoned as such.
func TestBombsAreHeavy(t *testing.T) {
	const n = 3_000_000
	most := Options{}.withDefaults().Limits.DecodedBytes
	unpacked := bytes.Repeat([]byte{0x18, 0x02}, n) // EventColumns.time_unix_millis, one by one
	for name, footprint := range map[string]int64{
		"json":     footprintOfWrite("json", []byte(`{"records":[`+strings.Repeat(`{},`, n)+`{}]}`)),
		"binary":   footprintOfWrite("proto", bytes.Repeat([]byte{0x1a, 0x00}, n)),
		"packed":   footprintOfWrite("proto", mustMarshal(t, &whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{{TimeUnixMillis: make([]int64, n)}}})),
		"unpacked": footprintOfWrite("proto", append([]byte{0x22, 0x80, 0x9b, 0xee, 0x02}, unpacked...)),
		"CIDs":     footprintOfWrite("proto", mustMarshal(t, &whowhenv1.WriteRequest{TagColumns: []*whowhenv1.TagColumns{{Cids: &whowhenv1.CidColumn{Packed: make([]byte, 2*n)}}}})),
		"unknown":  footprintOf("/x.Y/Z", "proto", make([]byte, n)),
	} {
		if footprint <= most {
			t.Errorf("%s: %d bytes", name, footprint)
		}
	}
}

// TestUsualBatchesAreNotTooHeavy holds that there is room for what honest callers send.
func TestUsualBatchesAreNotTooHeavy(t *testing.T) {
	most := Options{}.withDefaults().Limits.DecodedBytes
	records := &whowhenv1.WriteRequest{}
	for range 16_000 {
		e := &whowhenv1.Event{Cid: strings.Repeat("c", 32), Name: "purchase", Time: timestamppb.Now(), Properties: map[string]*whowhenv1.Value{}}
		for i := range 3 {
			e.Properties[strings.Repeat("p", i+1)] = &whowhenv1.Value{Kind: &whowhenv1.Value_Number{Number: 1}}
		}
		records.Records = append(records.Records, &whowhenv1.Record{Kind: &whowhenv1.Record_Event{Event: e}})
	}
	text, err := jsonCodec{"json"}.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 65_536
	columns := &whowhenv1.EventColumns{Name: "purchase", Cids: &whowhenv1.CidColumn{Packed: make([]byte, 16*rows)}}
	columns.Properties = append(columns.Properties, &whowhenv1.Column{Name: "a", Kind: &whowhenv1.Column_Numbers{Numbers: &whowhenv1.NumberColumn{Values: make([]float64, rows)}}})
	for name, footprint := range map[string]int64{
		"16,000 records in JSON":   footprintOfWrite("json", text),
		"16,000 records in binary": footprintOfWrite("proto", mustMarshal(t, records)),
		"65,536 rows by column":    footprintOfWrite("proto", mustMarshal(t, &whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{columns}})),
	} {
		if footprint > most {
			t.Errorf("%s: %d bytes", name, footprint)
		}
	}
}

func FuzzFootprint(f *testing.F) {
	f.Add([]byte(`{"records":[{"event":{"cid":"a\"b"}}]}`))
	f.Add([]byte{0x1a, 0x00, 0xff})
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, codec := range []string{"json", "proto"} {
			if n := footprintOfWrite(codec, text); n < int64(len(text)) {
				t.Errorf("%s: %d for %d bytes", codec, n, len(text))
			}
		}
	})
}
