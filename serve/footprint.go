package serve

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A few bytes of a request can stand for a message that takes a hundred in memory: `{},` over and over, or its
// like in binary. So what a request would take is reckoned, roughly, before it is decoded. The bound leaves
// room for 65,536 records with 20 properties each, and for any batch by column.
const (
	maxFootprintBytes = 512 << 20
	decodedBytes      = 128 // of a message or anything else that JSON puts in brackets or after a comma
	stringBytes       = 16
	packedFactor      = 8 // a byte on the wire can be a number of 64 bits
)

func tooHeavy(footprintBytes int64) string {
	if footprintBytes <= maxFootprintBytes {
		return ""
	}
	return fmt.Sprintf("the request would take more than %d MiB of memory; send it in parts", maxFootprintBytes>>20)
}

// jsonFootprint reckons what JSON text takes once decoded. It reads on past faults, which are the
// decoder's to tell.
func jsonFootprint(text []byte) int64 {
	footprint, inString := int64(len(text)), false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '{' || c == '[' || c == ','):
			footprint += decodedBytes
		}
	}
	return footprint
}

// wireFootprint reckons what a message in binary takes once decoded.
func wireFootprint(message protoreflect.MessageDescriptor, wire []byte) int64 {
	footprint := int64(decodedBytes)
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
		if kind != protowire.BytesType {
			continue
		}
		content, _ := protowire.ConsumeBytes(value)
		switch field := message.Fields().ByNumber(number); {
		case field == nil:
			footprint += int64(len(content))
		case field.Message() != nil:
			footprint += wireFootprint(field.Message(), content)
		case field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.BytesKind:
			footprint += stringBytes + int64(len(content))
		default:
			footprint += packedFactor * int64(len(content))
		}
		if footprint > maxFootprintBytes {
			return footprint
		}
	}
	return footprint
}
