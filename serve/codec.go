package serve

import (
	"bytes"
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
	return unmarshal(data, message, decodeProto)
}

// unmarshal has a message decoded. One of no bytes stands for what bound has received.
func unmarshal(data []byte, message any, decode func([]byte, proto.Message) string) error {
	m, ok := message.(proto.Message)
	if !ok {
		return errNotProto
	}
	if len(data) == 0 {
		return nil
	}
	if fault := decode(data, m); fault != "" {
		setFault(m, fault)
	}
	return nil
}

// decodeProto fills m in and returns what is wrong with the data, or "".
func decodeProto(data []byte, m proto.Message) (fault string) {
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Sprintf("the request is not a %s: %s", m.ProtoReflect().Descriptor().FullName(), withoutPrefix(err))
	}
	return ""
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
	// What has grown may have room for twice as much, and is kept for as long as the caller takes to read it.
	return bytes.Clone(withoutBlanks(loose)), nil
}

// withoutBlanks takes the blanks out of JSON, in place. protojson varies them from build to build; answers should not.
func withoutBlanks(text []byte) []byte {
	kept, inString := text[:0], false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			kept = append(kept, c)
			i++
			c = text[i]
		case !inString && c == ' ':
			continue
		}
		kept = append(kept, c)
	}
	return kept
}

func (jsonCodec) Unmarshal(data []byte, message any) error {
	return unmarshal(data, message, decodeJSON)
}

// decodeJSON is decodeProto for JSON.
func decodeJSON(data []byte, m proto.Message) (fault string) {
	name := m.ProtoReflect().Descriptor().FullName()
	if len(data) == 0 {
		return fmt.Sprintf("the request is empty; a %s in JSON is at least {}", name)
	}
	if err := protojson.Unmarshal(data, m); err != nil {
		return fmt.Sprintf("the request is not a %s in JSON: %s", name, withoutPrefix(err))
	}
	return ""
}

// withoutPrefix drops the "proto:" of protobuf errors and the blank after it,
// which is not always the same character.
func withoutPrefix(err error) string {
	const longest = 500 // it may quote a part of the request
	text := strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0")
	if len(text) > longest {
		text = text[:longest] + "..."
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
