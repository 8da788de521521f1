package serve

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// TestBombs holds that requests of few bytes that would be large messages are refused before they are.
func TestBombs(t *testing.T) {
	for name, unmarshal := range map[string]func(*whowhenv1.WriteRequest) error{
		"json": func(m *whowhenv1.WriteRequest) error {
			return jsonCodec{"json"}.Unmarshal([]byte(`{"records":[`+strings.Repeat(`{},`, 20_000_000)+`{}]}`), m)
		},
		"binary": func(m *whowhenv1.WriteRequest) error {
			return protoCodec{}.Unmarshal(bytes.Repeat([]byte{0x1a, 0x00}, 20_000_000), m)
		},
		"packed": func(m *whowhenv1.WriteRequest) error {
			return protoCodec{}.Unmarshal(mustMarshal(t, &whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{{TimeUnixMillis: make([]int64, 66<<20)}}}), m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			m := &whowhenv1.WriteRequest{}
			runtime.ReadMemStats(&before)
			if err := unmarshal(m); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if fault := faultOf(m); !strings.Contains(fault, "send it in parts") {
				t.Fatalf("fault %q", fault)
			}
			if took := after.TotalAlloc - before.TotalAlloc; name != "packed" && took > 256<<20 {
				t.Errorf("%d MiB were allocated", took>>20)
			}
		})
	}
}

func mustMarshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFullBatchIsNotTooHeavy holds that the largest batch that is taken passes.
func TestFullBatchIsNotTooHeavy(t *testing.T) {
	m := &whowhenv1.WriteRequest{}
	for range 65_536 {
		e := &whowhenv1.Event{Cid: strings.Repeat("c", 32), Name: "purchase", Time: timestamppb.Now(), Properties: map[string]*whowhenv1.Value{}}
		for i := range 10 {
			e.Properties[strings.Repeat("p", i+1)] = &whowhenv1.Value{Kind: &whowhenv1.Value_Number{Number: 1}}
		}
		m.Records = append(m.Records, &whowhenv1.Record{Kind: &whowhenv1.Record_Event{Event: e}})
	}
	if fault := tooHeavy(wireFootprint(m.ProtoReflect().Descriptor(), mustMarshal(t, m))); fault != "" {
		t.Error(fault)
	}
	text, err := jsonCodec{"json"}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if fault := tooHeavy(jsonFootprint(text)); fault != "" {
		t.Error(fault)
	}
}
