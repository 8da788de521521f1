package column

import (
	"encoding/binary"
	"math/bits"
)

// Masks have a bit for each of n values, value from first; their last word's bits beyond are 0.

// Between makes mask which of n values, from place from on, lie in the range.
func (c *Ints) Between(mask []uint64, from, n int, r Range) {
	most := reach(c.width)
	switch {
	case r.Low > r.High || r.High < c.base || r.Low > c.base && uint64(r.Low)-uint64(c.base) > most:
		clear(mask)
		return
	case r.Low <= c.base && uint64(r.High)-uint64(c.base) >= most:
		fillMask(mask, n)
		return
	}
	low := uint64(0)
	if r.Low > c.base {
		low = uint64(r.Low) - uint64(c.base)
	}
	high := min(uint64(r.High)-uint64(c.base), most)
	switch c.width {
	case 1:
		between8(mask, c.b1[from:from+n], uint8(low), uint8(high))
	case 2:
		between16(mask, c.b2[from:from+n], uint16(low), uint16(high))
	case 4:
		between32(mask, c.b4[from:from+n], uint32(low), uint32(high))
	case 8:
		between64(mask, c.b8[from:from+n], low, high)
	}
}

func fillMask(mask []uint64, n int) {
	for i := range mask {
		mask[i] = ^uint64(0)
	}
	if n&63 != 0 {
		mask[n>>6] = 1<<(n&63) - 1
	}
}

// between8 compares eight bytes at a time. In each byte t = v - low, without borrowing from the next, and then high - low - t
// borrows exactly where the byte does not match: where t has the top bit and the spread lacks it, or both agree in it
// and the other seven bits borrow.
func between8(mask []uint64, list []byte, low, high uint8) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	lows, spreads := uint64(low)*ones, uint64(high-low)*ones
	word, w := uint64(0), 0
	i := 0
	for ; i+8 <= len(list); i += 8 {
		v := binary.LittleEndian.Uint64(list[i:])
		t := ((v | tops) - (lows &^ tops)) ^ ((v ^ ^lows) & tops)
		d := (spreads | tops) - (t &^ tops) // the top bit says that the other seven do not borrow
		holds := (spreads &^ t) | (^(spreads ^ t) & d)
		word |= holds >> 7 & ones * 0x0102040810204080 >> 56 << (i & 56)
		if i&63 == 56 {
			mask[w] = word
			word, w = 0, w+1
		}
	}
	for ; i < len(list); i++ {
		if list[i]-low <= high-low {
			word |= 1 << (i & 63)
		}
	}
	if w < len(mask) {
		mask[w] = word
	}
}

// between16 is between8 with four values at a time.
func between16(mask []uint64, list []uint16, low, high uint16) {
	const ones, tops = 0x0001000100010001, 0x8000800080008000
	lows, spreads := uint64(low)*ones, uint64(high-low)*ones
	word, w := uint64(0), 0
	i := 0
	for ; i+4 <= len(list); i += 4 {
		four := list[i : i+4 : i+4]
		v := uint64(four[0]) | uint64(four[1])<<16 | uint64(four[2])<<32 | uint64(four[3])<<48
		t := ((v | tops) - (lows &^ tops)) ^ ((v ^ ^lows) & tops)
		d := (spreads | tops) - (t &^ tops)
		holds := (spreads &^ t) | (^(spreads ^ t) & d)
		word |= holds >> 15 & ones * 0x0001000200040008 >> 48 & 15 << (i & 60)
		if i&63 == 60 {
			mask[w] = word
			word, w = 0, w+1
		}
	}
	for ; i < len(list); i++ {
		if list[i]-low <= high-low {
			word |= 1 << (i & 63)
		}
	}
	if w < len(mask) {
		mask[w] = word
	}
}

func between32(mask []uint64, list []uint32, low, high uint32) {
	spread := uint64(high - low)
	for w := range mask {
		some := list[w<<6 : min(w<<6+64, len(list))]
		word := uint64(0)
		for i, v := range some {
			// The difference borrows, and so has its top bits set, where v does not match.
			word |= (spread - uint64(v-low)) >> 63 << (i & 63)
		}
		mask[w] = ^word & (^uint64(0) >> (64 - len(some)))
	}
}

func between64(mask []uint64, list []uint64, low, high uint64) {
	spread := high - low
	for w := range mask {
		some := list[w<<6 : min(w<<6+64, len(list))]
		word := uint64(0)
		for i, v := range some {
			_, borrow := bits.Sub64(spread, v-low, 0)
			word |= borrow << (i & 63)
		}
		mask[w] = ^word & (^uint64(0) >> (64 - len(some)))
	}
}

// InCodes makes mask which of n values are the number of a bit that is set in codes. No value may be negative.
func (c *Ints) InCodes(mask []uint64, from, n int, codes []uint64) {
	has := func(code int64) uint64 {
		if code < 0 || code>>6 >= int64(len(codes)) {
			return 0
		}
		return codes[code>>6] >> (code & 63) & 1
	}
	switch c.width {
	case 0:
		if has(c.base) == 0 {
			clear(mask)
		} else {
			fillMask(mask, n)
		}
	case 1:
		c.lookUp(mask, c.b1[from:from+n], codes, has)
	default:
		for w := range mask {
			mask[w] = 0
			for i := range min(64, n-w<<6) {
				mask[w] |= has(c.At(from+w<<6+i)) << i
			}
		}
	}
}

// lookUp is InCodes for bytes: one or two runs of codes are compared with, more are looked up in a table.
func (c *Ints) lookUp(mask []uint64, list []byte, codes []uint64, has func(int64) uint64) {
	var table [256]uint8
	for d := range table {
		if int64(d) <= int64(^uint64(0)>>1)-max(c.base, 0) {
			table[d] = uint8(has(c.base + int64(d)))
		}
	}
	for w := range mask {
		some := list[w<<6 : min(w<<6+64, len(list))]
		word := uint64(0)
		for i, v := range some {
			word |= uint64(table[v]) << (i & 63)
		}
		mask[w] = word
	}
}
