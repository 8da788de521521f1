package column

import (
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// SumOver returns how many of the ordinals in w have a cell, and the exact sum of their Data as high * 2^64 + low. All
// cells must share one scale, which the sum is meant in.
func (b *Block) SumOver(w *bitmap.Words) (count int, high int64, low uint64) {
	if b.layout != planar {
		b.Each(func(x uint16, c Cell) {
			if w.Has(x) {
				count++
				high, low = plus(high, low, c.Data)
			}
		})
		return count, high, low
	}
	count = both(w, b.present)
	// The sum is that of the distances and as many times the base.
	top, bottom := bits.Mul64(uint64(count), uint64(b.bits.base))
	if b.bits.base < 0 {
		top -= uint64(count)
	}
	for i := range b.bits.k {
		plane := b.bits.plane(i)
		if plane == nil {
			continue
		}
		n := uint64(both(w, plane))
		var carry uint64
		bottom, carry = bits.Add64(bottom, n<<i, 0)
		top, _ = bits.Add64(top, n>>(64-i), carry)
	}
	return count, int64(top), bottom
}

// plus adds to a sum of 128 bits.
func plus(high int64, low uint64, data int64) (int64, uint64) {
	low, carry := bits.Add64(low, uint64(data), 0)
	return high + data>>63 + int64(carry), low
}

// both returns the number of bits set in both.
func both(v, w *bitmap.Words) int {
	n := 0
	for i := 0; i < len(v); i += 4 {
		n += bits.OnesCount64(v[i]&w[i]) + bits.OnesCount64(v[i+1]&w[i+1]) + bits.OnesCount64(v[i+2]&w[i+2]) + bits.OnesCount64(v[i+3]&w[i+3])
	}
	return n
}
