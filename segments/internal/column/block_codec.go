package column

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/value"
)

// A block's encoding begins with its form, layout and scale, a byte each. A sparse block goes on with the number of its
// members, the members in two bytes each, values and scales; a wide one with a byte that says whether the ordinals
// present follow, these, values and scales; a planar one with base, number of planes, which of them are kept, the ordinals
// present, and the planes that are kept. All words are little-endian.

const presentBytes = bitmap.BlockOrdinals / 8

// MemoryBytes returns how much memory the block takes: that of its content, exactly, and that of its header.
func (b *Block) MemoryBytes() int {
	const headerBytes = 384
	return headerBytes + b.contentBytes()
}

// contentBytes returns the size of the room that the block's content takes.
func (b *Block) contentBytes() int {
	n := partBytes(8*len(b.bits.words)) + partBytes(2*len(b.members)) + partBytes(b.values.dataBytes()) + partBytes(b.scales.dataBytes())
	if b.present != nil {
		n += presentBytes
	}
	return max(n, leastRoomBytes)
}

// Relocate returns the same block with its content in memory from alloc, of which it asks for one piece.
func (b *Block) Relocate(alloc memory.Alloc) (*Block, error) {
	to, err := newRoom(alloc, b.contentBytes())
	if err != nil {
		return nil, err
	}
	moved := &Block{form: b.form, layout: b.layout, scale: b.scale, count: b.count, low: b.low, high: b.high, bits: b.bits}
	if b.present != nil {
		moved.present = (*bitmap.Words)(to.copy64(b.present[:]))
	}
	moved.bits.words = to.copy64(b.bits.words)
	moved.members = to.copy16(b.members)
	moved.values, moved.scales = b.values.move(&to), b.scales.move(&to)
	return moved, nil
}

// AppendTo appends the block's encoding.
func (b *Block) AppendTo(buf []byte) ([]byte, error) {
	buf = append(buf, byte(b.form), byte(b.layout), b.scale)
	switch b.layout {
	case sparse:
		buf = binary.AppendUvarint(buf, uint64(len(b.members)))
		buf = append16(buf, b.members)
	case wide:
		if b.present == nil {
			buf = append(buf, 0)
		} else {
			buf = append64(append(buf, 1), b.present[:])
		}
	case planar:
		buf = binary.AppendVarint(buf, b.bits.base)
		buf = append(buf, byte(b.bits.k))
		buf = binary.AppendUvarint(buf, b.bits.stored)
		buf = slices.Grow(buf, presentBytes+8*len(b.bits.words))
		return append64(append64(buf, b.present[:]), b.bits.words), nil
	}
	return b.scales.AppendTo(b.values.AppendTo(buf)), nil
}

// DecodeBlock reads what AppendTo wrote. Of alloc it asks for one piece of memory for all content, and keeps nothing of
// the bytes. After an error the block does not use what alloc gave.
func DecodeBlock(encoded []byte, alloc memory.Alloc) (*Block, error) {
	if len(encoded) < 3 || encoded[0] > byte(Planes) || encoded[2] > value.MaxScale {
		return nil, errDamaged
	}
	b := &Block{form: Form(encoded[0]), layout: layout(encoded[1]), scale: encoded[2]}
	var err error
	switch encoded = encoded[3:]; b.layout {
	case sparse:
		err = b.decodeSparse(encoded, alloc)
	case wide:
		err = b.decodeWide(encoded, alloc)
	case planar:
		err = b.decodePlanes(encoded, alloc)
	default:
		err = errDamaged
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Block) decodeSparse(encoded []byte, alloc memory.Alloc) error {
	n, size := binary.Uvarint(encoded)
	if size <= 0 || n >= sparseBelow || uint64(len(encoded)-size) < 2*n {
		return errDamaged
	}
	members, rest := encoded[size:][:2*n], encoded[size:][2*n:]
	if b.count = int(n); n == 0 {
		b.scale = 0
	}
	values, scales, err := parseCells(rest, int(n))
	if err != nil {
		return err
	}
	to, err := newRoom(alloc, partBytes(len(members))+partBytes(len(values.data))+partBytes(len(scales.data)))
	if err != nil {
		return err
	}
	b.members = to.decode16(members)
	b.values, b.scales = values.place(&to), scales.place(&to)
	for i := range b.members {
		if i > 0 && b.members[i] <= b.members[i-1] {
			return errDamaged
		}
		b.widen(b.values.At(i), i == 0)
	}
	return nil
}

// parseCells reads the values and scales that end the encoding of a block of some places.
func parseCells(encoded []byte, places int) (values, scales encodedInts, err error) {
	values, rest, err := parseInts(encoded)
	if err != nil {
		return values, scales, err
	}
	scales, rest, err = parseInts(rest)
	if err != nil {
		return values, scales, err
	}
	if len(rest) > 0 || values.n != places || !scales.fits(places) || !scales.within(value.MaxScale) {
		return values, scales, errDamaged
	}
	return values, scales, nil
}

// widen takes a value that was read into the range.
func (b *Block) widen(v int64, first bool) {
	if first {
		b.low, b.high = v, v
	}
	b.low, b.high = min(b.low, v), max(b.high, v)
}

func (b *Block) decodeWide(encoded []byte, alloc memory.Alloc) error {
	if len(encoded) < 1 || encoded[0] > 1 {
		return errDamaged
	}
	some, rest := encoded[0] == 1, encoded[1:]
	var present []byte
	if some {
		if len(rest) < presentBytes {
			return errDamaged
		}
		present, rest = rest[:presentBytes], rest[presentBytes:]
	}
	places, _, err := parseInts(rest)
	if err != nil {
		return err
	}
	if places.n < sparseBelow || places.n > bitmap.BlockOrdinals {
		return errDamaged
	}
	values, scales, err := parseCells(rest, places.n)
	if err != nil {
		return err
	}
	to, err := newRoom(alloc, len(present)+partBytes(len(values.data))+partBytes(len(scales.data)))
	if err != nil {
		return err
	}
	var all bitmap.Words
	all.Fill(places.n)
	b.count = places.n
	if some {
		b.present = (*bitmap.Words)(to.decode64(present))
		if beyond(b.present, &all) {
			return errDamaged
		}
		all, b.count = *b.present, b.present.Count()
	}
	if b.count < sparseBelow || some && b.count == places.n {
		return errDamaged
	}
	b.values, b.scales = values.place(&to), scales.place(&to)
	b.low, b.high = b.values.span(&all)
	return nil
}

// beyond says whether there is a bit in w that is not in all.
func beyond(w, all *bitmap.Words) bool {
	more := uint64(0)
	for i := range w {
		more |= w[i] &^ all[i]
	}
	return more != 0
}

func (b *Block) decodePlanes(encoded []byte, alloc memory.Alloc) error {
	base, size := binary.Varint(encoded)
	if size <= 0 || len(encoded) <= size {
		return errDamaged
	}
	k, rest := int(encoded[size]), encoded[size+1:]
	stored, size := binary.Uvarint(rest)
	if size <= 0 || k > 64 || bits.Len64(stored) > k {
		return errDamaged
	}
	rest = rest[size:]
	if len(rest) != presentBytes*(1+bits.OnesCount64(stored)) {
		return errDamaged
	}
	to, err := newRoom(alloc, len(rest))
	if err != nil {
		return err
	}
	b.present = (*bitmap.Words)(to.decode64(rest[:presentBytes]))
	b.bits = planes{base, k, stored, to.decode64(rest[presentBytes:])}
	if b.count = b.present.Count(); b.count < sparseBelow {
		return errDamaged
	}
	for i := range k {
		if plane := b.bits.plane(i); plane != nil && beyond(plane, b.present) {
			return errDamaged
		}
	}
	b.low, b.high = b.bits.span(b.present)
	if b.low > b.high || b.low < base {
		return errDamaged // beyond the greatest int64
	}
	return nil
}
