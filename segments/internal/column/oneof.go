package column

import (
	"math/bits"
	"sort"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// Going over the planes once for each run of values that are asked for is the quicker way up to about so many runs;
// above, values are put together and looked up one by one.
const (
	planarRuns = 24
	otherRuns  = 4
)

// InRanges makes out the candidates whose cell lies in one of the ranges, which ascend and do not overlap. All cells must share
// one scale, which the ranges are meant in.
func (b *Block) InRanges(out, candidates *bitmap.Words, ranges []Range) {
	from := sort.Search(len(ranges), func(i int) bool { return ranges[i].High >= b.low })
	to := sort.Search(len(ranges), func(i int) bool { return ranges[i].Low > b.high })
	ranges = ranges[from:max(from, to)]
	if len(ranges) <= b.mostRuns() {
		b.eachRange(out, candidates, ranges)
		return
	}
	b.test(out, candidates, func(data int64) bool {
		i := sort.Search(len(ranges), func(i int) bool { return ranges[i].High >= data })
		return i < len(ranges) && ranges[i].Low <= data
	})
}

// InCodes makes out the candidates whose cell is the number of a bit that is set in codes. No cell may be negative.
func (b *Block) InCodes(out, candidates *bitmap.Words, codes []uint64) {
	if b.count == 0 || b.low < 0 || b.low>>6 >= int64(len(codes)) {
		out.Clear()
		return
	}
	var runs [planarRuns]Range
	n, more := findRuns(runs[:b.mostRuns()], codes, b.low, min(b.high, int64(len(codes))*64-1))
	if !more {
		b.eachRange(out, candidates, runs[:n])
		return
	}
	if b.layout == planar && b.bits.k <= 16 && b.bits.base >= 0 {
		var byDistance bitmap.Words
		shiftedDown(&byDistance, codes, b.bits.base)
		if b.bits.k <= 8 {
			b.lookUpBytes(out, candidates, &byDistance)
		} else {
			b.lookUpPairs(out, candidates, &byDistance)
		}
		return
	}
	b.test(out, candidates, func(data int64) bool {
		return data>>6 < int64(len(codes)) && codes[data>>6]>>(data&63)&1 != 0
	})
}

func (b *Block) mostRuns() int {
	if b.layout == planar {
		return planarRuns
	}
	return otherRuns
}

// findRuns finds the runs of bits set in [low, high], and says whether there are more than there is room for.
func findRuns(to []Range, codes []uint64, low, high int64) (n int, more bool) {
	for at := low; at <= high; {
		word := codes[at>>6] >> (at & 63)
		if word == 0 {
			at = at>>6<<6 + 64
			continue
		}
		first := at + int64(bits.TrailingZeros64(word))
		if first > high {
			break
		}
		for at = first; at <= high; {
			rest := ^codes[at>>6] >> (at & 63)
			if rest != 0 {
				at += int64(bits.TrailingZeros64(rest))
				break
			}
			at = at>>6<<6 + 64
		}
		if n == len(to) {
			return n, true
		}
		to[n] = Range{first, min(at-1, high)}
		n++
	}
	return n, false
}

func (b *Block) eachRange(out, candidates *bitmap.Words, ranges []Range) {
	switch len(ranges) {
	case 0:
		out.Clear()
		return
	case 1:
		b.Between(out, candidates, ranges[0])
		return
	}
	b.Between(out, candidates, ranges[0])
	var one bitmap.Words
	for _, r := range ranges[1:] {
		b.Between(&one, candidates, r)
		out.Or(&one)
	}
}

// shiftedDown makes to the codes from base on.
func shiftedDown(to *bitmap.Words, codes []uint64, base int64) {
	*to = bitmap.Words{}
	if base>>6 >= int64(len(codes)) {
		return
	}
	codes = codes[base>>6:]
	for w := range min(len(to), len(codes)) {
		to[w] = codes[w] >> (base & 63)
		if w+1 < len(codes) {
			to[w] |= codes[w+1] << 1 << (63 - base&63)
		}
	}
}

// lookUpBytes is InCodes for distances of a byte: they are put together from the planes 64 at a time.
func (b *Block) lookUpBytes(out, candidates, byDistance *bitmap.Words) {
	var table [256]byte
	for d := range table {
		table[d] = byte(byDistance[d>>6] >> (d & 63) & 1)
	}
	for w := range out {
		open := candidates[w] & b.present[w]
		out[w] = 0
		if open == 0 {
			continue
		}
		var a [8]uint64
		b.bits.gather(w, 0, &a)
		lanes(&a)
		set := uint64(0)
		for j, eight := range a {
			set |= (uint64(table[byte(eight)]) | uint64(table[byte(eight>>8)])<<1 | uint64(table[byte(eight>>16)])<<2 | uint64(table[byte(eight>>24)])<<3 |
				uint64(table[byte(eight>>32)])<<4 | uint64(table[byte(eight>>40)])<<5 | uint64(table[byte(eight>>48)])<<6 | uint64(table[eight>>56])<<7) << (8 * j)
		}
		out[w] = set & open
	}
}

// lookUpPairs is lookUpBytes for distances of two bytes.
func (b *Block) lookUpPairs(out, candidates, byDistance *bitmap.Words) {
	for w := range out {
		open := candidates[w] & b.present[w]
		out[w] = 0
		if open == 0 {
			continue
		}
		var low, high [8]uint64
		b.bits.gather(w, 0, &low)
		b.bits.gather(w, 8, &high)
		lanes(&low)
		lanes(&high)
		set := uint64(0)
		for j := range low {
			l, h := low[j], high[j]
			for t := range 8 {
				d := uint16(l&0xff | h&0xff<<8)
				set |= byDistance[d>>6] >> (d & 63) & 1 << (8*j + t)
				l, h = l>>8, h>>8
			}
		}
		out[w] = set & open
	}
}

// test makes out the candidates whose cell holds says something true of.
func (b *Block) test(out, candidates *bitmap.Words, holds func(data int64) bool) {
	if b.layout != planar {
		out.Clear()
		b.Each(func(x uint16, c Cell) {
			if candidates.Has(x) && holds(c.Data) {
				out.Set(x)
			}
		})
		return
	}
	var distances [64]uint64
	for w := range out {
		open := candidates[w] & b.present[w]
		out[w] = 0
		if open == 0 {
			continue
		}
		b.bits.read(w, &distances)
		for ; open != 0; open &= open - 1 {
			t := bits.TrailingZeros64(open)
			if holds(b.bits.base + int64(distances[t])) {
				out[w] |= 1 << t
			}
		}
	}
}
