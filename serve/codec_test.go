package serve

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

func TestJSONRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, "the request is empty; a whowhen.v1.CountRequest in JSON is at least {}"},
		{`{"expresion":"everyone"}`, `unknown field "expresion"`},
		{`{"read":{"asof":"2026-01-01T00:00:00Z"}}`, `unknown field "asof"`},
		{`{"expression":7}`, "invalid value for string field expression: 7"},
		{`{"expression":"a"`, "unexpected EOF"},
		{`everyone`, "syntax error"},
		{"{\"expression\":\"\xff\"}", "invalid UTF-8"},
	} {
		var m whowhenv1.CountRequest
		fault := decodeJSON([]byte(c.in), &m)
		if !strings.Contains(fault, c.want) || !strings.Contains(fault, "whowhen.v1.CountRequest") || strings.Contains(fault, "proto:") {
			t.Errorf("%s: %v; want %s", c.in, fault, c.want)
		}
		if err := (jsonCodec{"json"}).Unmarshal([]byte(c.in), &m); err != nil || c.in != "" && faultOf(&m) != fault {
			t.Errorf("%s: %v, %s", c.in, err, faultOf(&m))
		}
	}
}

func TestJSONAccepts(t *testing.T) {
	want := &whowhenv1.CountRequest{Expression: "everyone", Read: &whowhenv1.Read{AtLeastPosition: 7}}
	for _, in := range []string{
		`{"expression":"everyone","read":{"atLeastPosition":"7"}}`,
		`{"expression":"everyone","read":{"at_least_position":7}}`,
	} {
		var m whowhenv1.CountRequest
		if err := (jsonCodec{"json"}).Unmarshal([]byte(in), &m); err != nil || !proto.Equal(&m, want) {
			t.Errorf("%s: %v, %v", in, &m, err)
		}
		if fault := faultOf(&m); fault != "" {
			t.Errorf("%s: %v", in, fault)
		}
	}
}

func TestJSONWritesZerosCompactly(t *testing.T) {
	got, err := (jsonCodec{"json"}).Marshal(&whowhenv1.WriteResponse{Accepted: 3})
	if want := `{"position":"0","accepted":"3","rejects":[],"repeatedBatch":false}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestBinaryThatIsNone(t *testing.T) {
	var m whowhenv1.CountRequest
	if err := (protoCodec{}).Unmarshal([]byte{0x0a, 200}, &m); err != nil {
		t.Fatal(err)
	}
	if fault := faultOf(&m); !strings.Contains(fault, "the request is not a whowhen.v1.CountRequest: ") {
		t.Errorf("fault %q", fault)
	}
	want := &whowhenv1.CountRequest{Expression: "everyone"}
	data, err := (protoCodec{}).Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	m.Reset()
	if err := (protoCodec{}).Unmarshal(data, &m); err != nil || !proto.Equal(&m, want) || faultOf(&m) != "" {
		t.Errorf("back: %v, %v, %v", &m, err, faultOf(&m))
	}
}

func TestCodecsWithOtherThanMessages(t *testing.T) {
	for _, codec := range []interface {
		Marshal(any) ([]byte, error)
		Unmarshal([]byte, any) error
	}{jsonCodec{"json"}, protoCodec{}} {
		if _, err := codec.Marshal(7); err == nil {
			t.Errorf("%T marshals 7", codec)
		}
		if err := codec.Unmarshal([]byte("{}"), new(int)); err == nil {
			t.Errorf("%T unmarshals an int", codec)
		}
	}
	if fault := faultOf(7); fault != "" {
		t.Error(fault)
	}
}
