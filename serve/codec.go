package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// connect answers a failing codec without details. So that a caller is told in the
// usual way, the codecs here do not fail: they put the fault into the message, as
// an unknown field of this number, and guard answers it in place of the handler.
const faultField = protowire.MaxValidNumber

func setFault(m proto.Message, text string) {
	proto.Reset(m)
	m.ProtoReflect().SetUnknown(protowire.AppendString(protowire.AppendTag(nil, faultField, protowire.BytesType), text))
}

// faultOf returns why a received message could not be read, or "".
func faultOf(message any) string {
	m, ok := message.(proto.Message)
	if !ok {
		return ""
	}
	unknown := m.ProtoReflect().GetUnknown()
	number, kind, n := protowire.ConsumeTag(unknown)
	if n < 0 || number != faultField || kind != protowire.BytesType {
		return ""
	}
	text, n := protowire.ConsumeString(unknown[n:])
	if n < 0 {
		return ""
	}
	return text
}

var errNotProto = errors.New("not a protobuf message")

type protoCodec struct{}

func (protoCodec) Name() string { return "proto" }

func (protoCodec) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errNotProto
	}
	return proto.Marshal(m)
}

func (protoCodec) MarshalAppend(to []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errNotProto
	}
	return proto.MarshalOptions{}.MarshalAppend(to, m)
}

func (protoCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return errNotProto
	}
	if fault := tooHeavy(wireFootprint(m.ProtoReflect().Descriptor(), data)); fault != "" {
		setFault(m, fault)
	} else if err := proto.Unmarshal(data, m); err != nil {
		setFault(m, fmt.Sprintf("the request is not a %s: %s", m.ProtoReflect().Descriptor().FullName(), withoutPrefix(err)))
	}
	return nil
}

// jsonCodec refuses unknown fields, which are mostly misspelt ones, and writes fields that
// hold their zero value too.
type jsonCodec struct{ name string }

func jsonCodecNames() []string { return []string{"json", "json; charset=utf-8"} }

func (c jsonCodec) Name() string { return c.name }

func (jsonCodec) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errNotProto
	}
	loose, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	// protojson varies its blanks from build to build; answers should not.
	var compact bytes.Buffer
	compact.Grow(len(loose))
	err = json.Compact(&compact, loose)
	return compact.Bytes(), err
}

func (jsonCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return errNotProto
	}
	name := m.ProtoReflect().Descriptor().FullName()
	if len(data) == 0 {
		setFault(m, fmt.Sprintf("the request is empty; a %s in JSON is at least {}", name))
	} else if fault := tooHeavy(jsonFootprint(data)); fault != "" {
		setFault(m, fault)
	} else if err := protojson.Unmarshal(data, m); err != nil {
		setFault(m, fmt.Sprintf("the request is not a %s in JSON: %s", name, withoutPrefix(err)))
	}
	return nil
}

// withoutPrefix drops the "proto:" of protobuf errors and the blank after it,
// which is not always the same character.
func withoutPrefix(err error) string {
	text := strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0")
	return strings.ToValidUTF8(text, "\uFFFD")
}
