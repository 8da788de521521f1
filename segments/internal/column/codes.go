package column

import (
	"math"
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// fewBits is how many of 64 cells are read one by one rather than all 64 at once.
const fewBits = 8

// ReadCodes writes the data of the cells that those of who have to their places, none to those of who have no cell, and makes there those of who that have
// one. The places of others get something without meaning. What T does not hold is cut. A nil block has no cells.
func ReadCodes[T uint8 | uint16 | uint32](b *Block, who *bitmap.Words, to *[bitmap.BlockOrdinals]T, none T, there *bitmap.Words) {
	if b == nil {
		b = &Block{}
	}
	b.Present(there)
	there.And(who)
	switch b.layout {
	case planar:
		readPlanes(&b.bits, there, to)
	case sparse:
		for i, x := range b.members {
			if there.Has(x) {
				to[x] = T(b.values.At(i))
			}
		}
	default:
		there.Each(func(x uint16) bool {
			to[x] = T(b.values.At(int(x)))
			return true
		})
	}
	for w := range who {
		for left := who[w] &^ there[w]; left != 0; left &= left - 1 {
			to[w<<6+bits.TrailingZeros64(left)] = none
		}
	}
}

// readPlanes writes the values of those in who, and something to the places beside them.
func readPlanes[T uint8 | uint16 | uint32](p *planes, who *bitmap.Words, to *[bitmap.BlockOrdinals]T) {
	if p.k > 16 {
		who.Each(func(x uint16) bool {
			to[x] = T(p.at(x))
			return true
		})
		return
	}
	var planes [16]*bitmap.Words
	for i := range p.k {
		planes[i] = p.plane(i)
	}
	base := T(p.base)
	for w, left := range who {
		if bits.OnesCount64(left) <= fewBits {
			for ; left != 0; left &= left - 1 {
				x := w<<6 + bits.TrailingZeros64(left)
				to[x] = T(p.at(uint16(x)))
			}
			continue
		}
		var low, high [8]uint64
		for i := range low {
			if planes[i] != nil {
				low[i] = planes[i][w]
			}
		}
		lanes(&low)
		if p.k > 8 && ^T(0) > math.MaxUint8 {
			for i := range high {
				if planes[8+i] != nil {
					high[i] = planes[8+i][w]
				}
			}
			lanes(&high)
		}
		for j := range low {
			a, b, out := low[j], high[j], (*[8]T)(to[w<<6+j<<3:])
			if ^T(0) == math.MaxUint8 {
				out[0], out[1], out[2], out[3] = base+T(a), base+T(a>>8), base+T(a>>16), base+T(a>>24)
				out[4], out[5], out[6], out[7] = base+T(a>>32), base+T(a>>40), base+T(a>>48), base+T(a>>56)
				continue
			}
			out[0] = base + T(uint16(uint8(a))|uint16(uint8(b))<<8)
			out[1] = base + T(uint16(uint8(a>>8))|uint16(uint8(b>>8))<<8)
			out[2] = base + T(uint16(uint8(a>>16))|uint16(uint8(b>>16))<<8)
			out[3] = base + T(uint16(uint8(a>>24))|uint16(uint8(b>>24))<<8)
			out[4] = base + T(uint16(uint8(a>>32))|uint16(uint8(b>>32))<<8)
			out[5] = base + T(uint16(uint8(a>>40))|uint16(uint8(b>>40))<<8)
			out[6] = base + T(uint16(uint8(a>>48))|uint16(uint8(b>>48))<<8)
			out[7] = base + T(uint16(uint8(a>>56))|uint16(uint8(b>>56))<<8)
		}
	}
}
