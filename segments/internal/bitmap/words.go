// Package bitmap holds the rows of the index: sets of the ordinals of one shard,
// immutable, in blocks of 2^16 that a query combines one at a time in the CPU's cache.
//
// In memory a block is an array of its members or, from denseFrom members on, a
// bit each; on disk a row is a serialized roaring bitmap. All functions may be called
// concurrently, since nothing here changes after it is made.
package bitmap

import (
	"math/bits"
)

const (
	// BlockOrdinals is how many ordinals a block spans.
	BlockOrdinals = 1 << 16
	// ShardBlocks is how many blocks a shard has.
	ShardBlocks = 16
	// ShardOrdinals is how many ordinals a shard spans.
	ShardOrdinals = ShardBlocks * BlockOrdinals
	// denseFrom is the number of members from which a bit each is faster to combine
	// than an array, although it takes more memory.
	denseFrom = 512

	wordsBytes = BlockOrdinals / 8
)

// Words is a block with a bit each: ordinal x is bit x%64 of word x/64.
type Words [BlockOrdinals / 64]uint64

// Count returns the number of bits set.
func (w *Words) Count() int {
	n := 0
	for i := 0; i < len(w); i += 4 {
		n += bits.OnesCount64(w[i]) + bits.OnesCount64(w[i+1]) + bits.OnesCount64(w[i+2]) + bits.OnesCount64(w[i+3])
	}
	return n
}

// CountAnd returns the number of bits that are also in v.
func (w *Words) CountAnd(v *Words) int { return count200(&[3]*Words{w, v}, nil, nil) }

// Empty says whether no bit is set.
func (w *Words) Empty() bool {
	for i := 0; i < len(w); i += 8 {
		if w[i]|w[i+1]|w[i+2]|w[i+3]|w[i+4]|w[i+5]|w[i+6]|w[i+7] != 0 {
			return false
		}
	}
	return true
}

// Has says whether bit x is set.
func (w *Words) Has(x uint16) bool { return w[x>>6]>>(x&63)&1 != 0 }

// Set sets bit x.
func (w *Words) Set(x uint16) { w[x>>6] |= 1 << (x & 63) }

// Unset clears bit x.
func (w *Words) Unset(x uint16) { w[x>>6] &^= 1 << (x & 63) }

// Clear clears all bits.
func (w *Words) Clear() { *w = Words{} }

// Fill sets the first n bits and clears the others.
func (w *Words) Fill(n int) {
	whole := n >> 6
	for i := range w[:whole] {
		w[i] = ^uint64(0)
	}
	clear(w[whole:])
	if n&63 != 0 {
		w[whole] = 1<<(n&63) - 1
	}
}

// And keeps the bits that are also in v.
func (w *Words) And(v *Words) {
	for i := range w {
		w[i] &= v[i]
	}
}

// AndNot clears the bits that are in v.
func (w *Words) AndNot(v *Words) {
	for i := range w {
		w[i] &^= v[i]
	}
}

// Or sets the bits that are in v.
func (w *Words) Or(v *Words) {
	for i := range w {
		w[i] |= v[i]
	}
}

// Each calls f with every bit set, ascending, until f returns false.
func (w *Words) Each(f func(x uint16) bool) {
	for i, word := range w {
		for ; word != 0; word &= word - 1 {
			if !f(uint16(i<<6 + bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}

// setRange sets the bits from..to-1.
func (w *Words) setRange(from, to int) {
	if from >= to {
		return
	}
	first, last := from>>6, (to-1)>>6
	head, tail := ^uint64(0)<<(from&63), ^uint64(0)>>(63-(to-1)&63)
	if first == last {
		w[first] |= head & tail
		return
	}
	w[first] |= head
	for i := first + 1; i < last; i++ {
		w[i] = ^uint64(0)
	}
	w[last] |= tail
}

// OrAll sets the bits that are in any of a list, four at a time.
func (w *Words) OrAll(list []*Words) {
	for ; len(list) >= 4; list = list[4:] {
		a, b, c, d := list[0], list[1], list[2], list[3]
		for i := range w {
			w[i] |= a[i] | b[i] | c[i] | d[i]
		}
	}
	for _, v := range list {
		w.Or(v)
	}
}
