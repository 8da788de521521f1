package column

import (
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

const blockWords = bitmap.BlockOrdinals / 64

// planes holds a value for each ordinal of a block as its distance from base, a bit of all distances beside each other
// in a plane, the least significant first. Who has no value has no bit in any plane.
type planes struct {
	base   int64
	k      int      // bits of a distance
	stored uint64   // which of the planes are kept; the others have no bit
	words  []uint64 // of the planes that are kept, one after the other
}

// newPlanes returns room for distances up to spread, with planes for the bits given.
func newPlanes(base int64, spread, kept uint64) planes {
	return planes{base, bits.Len64(spread), kept, make([]uint64, blockWords*bits.OnesCount64(kept))}
}

// plane returns plane i, nil when it has no bit.
func (p *planes) plane(i int) *bitmap.Words {
	if p.stored>>i&1 == 0 {
		return nil
	}
	from := blockWords * bits.OnesCount64(p.stored&(1<<i-1))
	return (*bitmap.Words)(p.words[from : from+blockWords])
}

// DigitAt returns the plane that says, of cells with Data in [from, from + 2^(i+1)), which lie in the upper half of that; nil
// when none do. ok is false when the block has no such plane, so that Between must be asked. The plane must not be changed.
func (b *Block) DigitAt(from int64, i int) (upper *bitmap.Words, ok bool) {
	if b.layout != planar || (uint64(from)-uint64(b.bits.base))&(1<<i<<1-1) != 0 {
		return nil, false
	}
	return b.bits.plane(i), true
}

// at returns one value.
func (p *planes) at(x uint16) int64 {
	distance, at := uint64(0), int(x>>6)
	for left := p.stored; left != 0; left &= left - 1 {
		distance |= p.words[at] >> (x & 63) & 1 << bits.TrailingZeros64(left)
		at += blockWords
	}
	return p.base + int64(distance)
}

// read makes to the distances of the 64 ordinals of a word.
func (p *planes) read(word int, to *[64]uint64) {
	*to = [64]uint64{}
	for g := 0; g < p.k; g += 8 {
		var a [8]uint64
		if !p.gather(word, g, &a) {
			continue
		}
		lanes(&a)
		for j, eight := range a {
			for t := range 8 {
				to[8*j+t] |= eight >> (8 * t) & 0xff << g
			}
		}
	}
}

// gather makes a one word of planes g to g+7, and says whether there is a bit in it.
func (p *planes) gather(word, g int, a *[8]uint64) bool {
	any := uint64(0)
	for i := range a {
		a[i] = 0
		if plane := p.plane(min(g+i, 63)); plane != nil && g+i < p.k {
			a[i] = plane[word]
			any |= a[i]
		}
	}
	return any != 0
}

// write sets the distances of the ordinals in mask, of one word, and leaves the others. Planes must be kept for
// their bits; distances of ordinals that are not in mask must be 0.
func (p *planes) write(word int, mask uint64, from *[64]uint64) {
	for g := 0; g < p.k; g += 8 {
		var a [8]uint64
		for j := range a {
			eight := (*[8]uint64)(from[8*j:])
			a[j] = eight[0]>>g&0xff | eight[1]>>g&0xff<<8 | eight[2]>>g&0xff<<16 | eight[3]>>g&0xff<<24 |
				eight[4]>>g&0xff<<32 | eight[5]>>g&0xff<<40 | eight[6]>>g&0xff<<48 | eight[7]>>g&0xff<<56
		}
		unlanes(&a)
		for i := g; i < min(g+8, p.k); i++ {
			if plane := p.plane(i); plane != nil {
				plane[word] = plane[word]&^mask | a[i-g]
			}
		}
	}
}

// span returns the least and the greatest value of those in present, which must not be empty: from the highest plane
// down, who has the bit is greater than all who do not.
func (p *planes) span(present *bitmap.Words) (low, high int64) {
	least, most := *present, *present
	var from, to uint64
	for i := p.k - 1; i >= 0; i-- {
		plane := p.plane(i)
		if plane == nil {
			continue
		}
		var without, with uint64
		for w := range plane {
			without |= least[w] &^ plane[w]
			with |= most[w] & plane[w]
		}
		if without != 0 {
			least.AndNot(plane)
		} else {
			from |= 1 << i
		}
		if with != 0 {
			most.And(plane)
			to |= 1 << i
		}
	}
	return p.base + int64(from), p.base + int64(to)
}
