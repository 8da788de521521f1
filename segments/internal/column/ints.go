// Package column holds typed values by position: the forward columns of the index
// (ordinal to value) and the columns of events. Everything is immutable once made
// and safe for concurrent reading.
package column

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Ints is an immutable list of integers in 0, 1, 2, 4 or 8 bytes each, as the
// spread of the values needs. The zero Ints is empty.
type Ints struct {
	base  int64
	n     int
	width uint8
	data  []byte
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
	spread := uint64(high) - uint64(low)
	c := Ints{base: low, n: len(values)}
	switch {
	case spread == 0:
	case spread <= math.MaxUint8:
		c.width = 1
	case spread <= math.MaxUint16:
		c.width = 2
	case spread <= math.MaxUint32:
		c.width = 4
	default:
		c.width = 8
	}
	c.data = make([]byte, len(values)*int(c.width))
	for i, v := range values {
		d := uint64(v) - uint64(low)
		switch c.width {
		case 1:
			c.data[i] = byte(d)
		case 2:
			binary.LittleEndian.PutUint16(c.data[2*i:], uint16(d))
		case 4:
			binary.LittleEndian.PutUint32(c.data[4*i:], uint32(d))
		case 8:
			binary.LittleEndian.PutUint64(c.data[8*i:], d)
		}
	}
	return c
}

// Len returns the number of values.
func (c *Ints) Len() int { return c.n }

// At returns value i.
func (c *Ints) At(i int) int64 {
	switch c.width {
	case 1:
		return c.base + int64(c.data[i])
	case 2:
		return c.base + int64(binary.LittleEndian.Uint16(c.data[2*i:]))
	case 4:
		return c.base + int64(binary.LittleEndian.Uint32(c.data[4*i:]))
	case 8:
		return c.base + int64(binary.LittleEndian.Uint64(c.data[8*i:]))
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
		for i, d := range c.data[from : from+len(to)] {
			to[i] = c.base + int64(d)
		}
	case 2:
		data := c.data[2*from:]
		for i := range to {
			to[i] = c.base + int64(binary.LittleEndian.Uint16(data[2*i:]))
		}
	case 4:
		data := c.data[4*from:]
		for i := range to {
			to[i] = c.base + int64(binary.LittleEndian.Uint32(data[4*i:]))
		}
	case 8:
		data := c.data[8*from:]
		for i := range to {
			to[i] = c.base + int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
	}
	return to
}

// All returns the values as a fresh slice.
func (c *Ints) All() []int64 { return c.Read(make([]int64, c.n), 0) }

// MemoryBytes returns how much memory the values take.
func (c *Ints) MemoryBytes() int { return 48 + len(c.data) }

// AppendTo appends the list's encoding.
func (c *Ints) AppendTo(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, uint64(c.n))
	buf = append(buf, c.width)
	buf = binary.AppendVarint(buf, c.base)
	return append(buf, c.data...)
}

// DecodeInts reads what AppendTo wrote from the front of the bytes and returns the rest.
// It keeps nothing of the bytes.
func DecodeInts(data []byte) (c Ints, rest []byte, err error) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > math.MaxInt32 || len(data) <= size {
		return Ints{}, nil, errDamaged
	}
	data = data[size:]
	c.n, c.width = int(n), data[0]
	base, size := binary.Varint(data[1:])
	if size <= 0 {
		return Ints{}, nil, errDamaged
	}
	c.base, data = base, data[1+size:]
	switch c.width {
	case 0, 1, 2, 4, 8:
	default:
		return Ints{}, nil, errDamaged
	}
	bytes := c.n * int(c.width)
	if bytes > len(data) {
		return Ints{}, nil, errDamaged
	}
	c.data = append([]byte(nil), data[:bytes]...)
	return c, data[bytes:], nil
}

var errDamaged = fmt.Errorf("column: damaged encoding")
