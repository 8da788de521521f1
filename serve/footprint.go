package serve

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"whowhen.dev/whowhen/segments/batch"
)

// A few bytes of a request can stand for a message that takes a hundred in memory: `{},` over and over, or its
// like in binary. So what a request will take, decoded, copied into a batch, and answered with a reject for
// each row, is reckoned before it is decoded.
const (
	decodedBytes = 128 // of a message
	tokenBytes   = 96  // of what JSON puts in brackets or after a comma
	stringBytes  = 64  // of a string, in the message and in the batch, without its text
	scalarBytes  = 24  // of a number, in the message and in the batch
	rowBytes     = 320 // of a record that is rejected, with its answer
)

// jsonFootprint reckons for JSON text. It reads on past faults, which are the decoder's to tell.
func jsonFootprint(text []byte) int64 {
	footprint := 2 * int64(len(text))
	depth, stringFrom := 0, -1
	for i := 0; i < len(text); i++ {
		c := text[i]
		if stringFrom >= 0 {
			switch c {
			case '\\':
				i++
			case '"':
				const packedOne = 21 // characters of base64 for 16 bytes
				if n := i - stringFrom; n > 16*packedOne {
					footprint += int64(min(n/packedOne, batch.MaxRecords)) * rowBytes / 2 // they may be CIDs
				}
				stringFrom = -1
			}
			continue
		}
		switch c {
		case '"':
			stringFrom = i
		case '{', '[', ',':
			footprint += tokenBytes
			if c == '{' && depth == 2 {
				footprint += rowBytes // a record
			}
			if c != ',' {
				depth++
			}
		case '}', ']':
			depth--
		}
	}
	return footprint
}

// wireFootprint reckons for a message in binary. Of a message that is not known it reckons the worst.
func wireFootprint(message protoreflect.MessageDescriptor, wire []byte) int64 {
	if message == nil {
		return decodedBytes * int64(len(wire))
	}
	return 2*int64(len(wire)) + fieldsFootprint(message, wire)
}

func fieldsFootprint(message protoreflect.MessageDescriptor, wire []byte) int64 {
	footprint, ofCIDs := int64(decodedBytes), message.Name() == "CidColumn"
	if message.Name() == "Record" {
		footprint += rowBytes
	}
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return footprint // the decoder tells
		}
		wire = wire[n:]
		n = protowire.ConsumeFieldValue(number, kind, wire)
		if n < 0 {
			return footprint
		}
		value := wire[:n]
		wire = wire[n:]
		field := message.Fields().ByNumber(number)
		if kind != protowire.BytesType {
			if field != nil && field.IsList() {
				footprint += scalarBytes
			}
			continue
		}
		content, _ := protowire.ConsumeBytes(value)
		switch {
		case field == nil:
		case field.Message() != nil:
			footprint += fieldsFootprint(field.Message(), content)
		case field.Kind() == protoreflect.StringKind:
			footprint += stringBytes
			if ofCIDs {
				footprint += rowBytes
			}
		case field.Kind() == protoreflect.BytesKind:
			footprint += int64(len(content))
			if ofCIDs {
				footprint += int64(len(content)/batch.PackedBytes) * rowBytes
			}
		default:
			footprint += scalarBytes * packedValues(field.Kind(), content)
		}
	}
	return footprint
}

// packedValues counts the numbers of a packed field.
func packedValues(kind protoreflect.Kind, content []byte) (n int64) {
	switch kind {
	case protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return int64(len(content) / 8)
	case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return int64(len(content) / 4)
	}
	for _, b := range content {
		n += int64(^b >> 7) // the last byte of each
	}
	return n
}
