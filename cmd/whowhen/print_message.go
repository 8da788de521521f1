package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// printMessage prints an answer as --json has it: snake_case keys in the order of the API, counts as numbers, zeros included.
func (m *Main) printMessage(message proto.Message) error { return writeMessage(m.Stdout, message) }

func writeMessage(w io.Writer, message proto.Message) error {
	return writeJSON(w, messageValue(message.ProtoReflect()))
}

// object is a JSON object that keeps its order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON is part of json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func messageValue(m protoreflect.Message) any {
	if !m.IsValid() {
		return nil
	}
	if t, ok := m.Interface().(*timestamppb.Timestamp); ok {
		return stamp(t)
	}
	o := object{}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.ContainingOneof() != nil && !m.Has(f) {
			continue
		}
		o = append(o, member{string(f.Name()), fieldValue(f, m)})
	}
	return o
}

func fieldValue(f protoreflect.FieldDescriptor, m protoreflect.Message) any {
	switch v := m.Get(f); {
	case f.IsList():
		list := make([]any, v.List().Len())
		for i := range list {
			list[i] = scalarValue(f, v.List().Get(i))
		}
		return list
	case f.IsMap():
		o := object{}
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			o = append(o, member{k.String(), scalarValue(f.MapValue(), v)})
			return true
		})
		slices.SortFunc(o, func(a, b member) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
		return o
	default:
		return scalarValue(f, v)
	}
}

func scalarValue(f protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return messageValue(v.Message())
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprint(x) // as JSON of the API has it
		}
	}
	return v.Interface()
}
