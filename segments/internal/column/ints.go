// Package column holds typed values by position: the forward columns of the index
// (ordinal to value) and the columns of events. Everything is immutable once made
// and safe for concurrent reading.
//
// What is decoded or relocated keeps its bulk in one piece of memory, which may lie outside the Go
// heap: whoever gave that memory must not take it back while the content is in use.
package column

import (
	"encoding/binary"
	"fmt"
	"math"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// Ints is an immutable list of integers in 0, 1, 2, 4 or 8 bytes each, as the
// spread of the values needs. The zero Ints is empty.
type Ints struct {
	base  int64
	n     int
	width uint8
	// One of these holds the distances from base; none when all values are the base.
	b1 []byte
	b2 []uint16
	b4 []uint32
	b8 []uint64
}

// NewInts returns the list of these values. It copies them.
func NewInts(values []int64) Ints {
	if len(values) == 0 {
		return Ints{}
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	c := Ints{base: low, n: len(values), width: widthOf(uint64(high) - uint64(low))}
	switch c.width {
	case 1:
		c.b1 = pack[byte](values, low)
	case 2:
		c.b2 = pack[uint16](values, low)
	case 4:
		c.b4 = pack[uint32](values, low)
	case 8:
		c.b8 = pack[uint64](values, low)
	}
	return c
}

func pack[T byte | uint16 | uint32 | uint64](values []int64, base int64) []T {
	packed := make([]T, len(values))
	for i, v := range values {
		packed[i] = T(uint64(v) - uint64(base))
	}
	return packed
}

// widthOf returns how many bytes distances up to spread need.
func widthOf(spread uint64) uint8 {
	switch {
	case spread == 0:
		return 0
	case spread <= math.MaxUint8:
		return 1
	case spread <= math.MaxUint16:
		return 2
	case spread <= math.MaxUint32:
		return 4
	}
	return 8
}

// reach returns the greatest distance from the base that the width can hold.
func reach(width uint8) uint64 {
	if width == 8 {
		return math.MaxUint64
	}
	return 1<<(8*width) - 1
}

// Len returns the number of values.
func (c *Ints) Len() int { return c.n }

// At returns value i.
func (c *Ints) At(i int) int64 {
	switch c.width {
	case 1:
		return c.base + int64(c.b1[i])
	case 2:
		return c.base + int64(c.b2[i])
	case 4:
		return c.base + int64(c.b4[i])
	case 8:
		return c.base + int64(c.b8[i])
	}
	return c.base
}

// Read copies the values from..from+len(to) to a slice, and returns it.
func (c *Ints) Read(to []int64, from int) []int64 {
	switch c.width {
	case 0:
		for i := range to {
			to[i] = c.base
		}
	case 1:
		unpack(to, c.b1[from:from+len(to)], c.base)
	case 2:
		unpack(to, c.b2[from:from+len(to)], c.base)
	case 4:
		unpack(to, c.b4[from:from+len(to)], c.base)
	case 8:
		unpack(to, c.b8[from:from+len(to)], c.base)
	}
	return to
}

func unpack[T byte | uint16 | uint32 | uint64](to []int64, packed []T, base int64) {
	for i, d := range packed {
		to[i] = base + int64(d)
	}
}

// span returns the least and the greatest of the values whose places are present, of which there must be one.
func (c *Ints) span(present *bitmap.Words) (low, high int64) {
	switch c.width {
	case 1:
		return based(c.base, present, c.b1)
	case 2:
		return based(c.base, present, c.b2)
	case 4:
		return based(c.base, present, c.b4)
	case 8:
		return based(c.base, present, c.b8)
	}
	return c.base, c.base
}

func based[T byte | uint16 | uint32 | uint64](base int64, present *bitmap.Words, list []T) (low, high int64) {
	least, most := spanOf(present, list)
	return base + int64(least), base + int64(most)
}

// All returns the values as a fresh slice.
func (c *Ints) All() []int64 { return c.Read(make([]int64, c.n), 0) }

// dataBytes returns how much memory the values take beside the header.
func (c *Ints) dataBytes() int {
	if c.n == 0 {
		return 0
	}
	return c.n * int(c.width)
}

// move returns the list with its values in the room.
func (c *Ints) move(to *room) Ints {
	moved := *c
	moved.b1, moved.b2, moved.b4, moved.b8 = to.copyBytes(c.b1), to.copy16(c.b2), to.copy32(c.b4), to.copy64(c.b8)
	return moved
}

// AppendTo appends the list's encoding.
func (c *Ints) AppendTo(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, uint64(c.n))
	buf = append(buf, c.width)
	buf = binary.AppendVarint(buf, c.base)
	switch c.width {
	case 1:
		return append(buf, c.b1...)
	case 2:
		return append16(buf, c.b2)
	case 4:
		for _, d := range c.b4 {
			buf = binary.LittleEndian.AppendUint32(buf, d)
		}
	case 8:
		return append64(buf, c.b8)
	}
	return buf
}

// encodedInts is an encoded list that has been looked at but not copied.
type encodedInts struct {
	base  int64
	n     int
	width uint8
	data  []byte
}

// parseInts reads what AppendTo wrote from the front of the bytes and returns the rest.
func parseInts(data []byte) (e encodedInts, rest []byte, err error) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > math.MaxInt32 || len(data) <= size {
		return e, nil, errDamaged
	}
	data = data[size:]
	e.n, e.width = int(n), data[0]
	base, size := binary.Varint(data[1:])
	if size <= 0 {
		return e, nil, errDamaged
	}
	e.base, data = base, data[1+size:]
	switch e.width {
	case 0, 1, 2, 4, 8:
	default:
		return e, nil, errDamaged
	}
	if e.n == 0 && (e.base != 0 || e.width != 0) {
		return e, nil, errDamaged // who reads the base of none would take it for a value
	}
	bytes := e.n * int(e.width)
	if bytes > len(data) {
		return e, nil, errDamaged
	}
	e.data = data[:bytes]
	return e, data[bytes:], e.check()
}

// check refuses values beyond the greatest int64.
func (e *encodedInts) check() error {
	most := uint64(math.MaxInt64) - uint64(e.base)
	if reach(e.width) <= most {
		return nil
	}
	for i := range e.n {
		if e.distance(i) > most {
			return errDamaged
		}
	}
	return nil
}

func (e *encodedInts) distance(i int) uint64 {
	switch e.width {
	case 1:
		return uint64(e.data[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(e.data[2*i:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(e.data[4*i:]))
	case 8:
		return binary.LittleEndian.Uint64(e.data[8*i:])
	}
	return 0
}

// place returns the list with its values copied to the room.
func (e *encodedInts) place(to *room) Ints {
	c := Ints{base: e.base, n: e.n, width: e.width}
	switch e.width {
	case 1:
		c.b1 = to.copyBytes(e.data)
	case 2:
		c.b2 = to.decode16(e.data)
	case 4:
		c.b4 = memory.Uint32s(to.bytes(len(e.data)))
		for i := range c.b4 {
			c.b4[i] = binary.LittleEndian.Uint32(e.data[4*i:])
		}
	case 8:
		c.b8 = to.decode64(e.data)
	}
	return c
}

var errDamaged = fmt.Errorf("column: damaged encoding")
