// Package bitmap holds the rows of the index: sets of the ordinals of one shard,
// immutable, in blocks of 2^16 that a query combines one at a time in the CPU's cache.
//
// In memory a block is an array of its members or, from denseFrom members on, a
// bit each; on disk a row is a serialized roaring bitmap. All functions may be called
// concurrently, since nothing here changes after it is made.
package bitmap

import (
	"math/bits"
	"slices"
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
	for i := range w {
		switch {
		case n >= 64*(i+1):
			w[i] = ^uint64(0)
		case n > 64*i:
			w[i] = 1<<(n-64*i) - 1
		default:
			w[i] = 0
		}
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

// Block is a set of ordinals within a block. The zero Block is empty.
type Block struct {
	array []uint16 // ascending, when words is nil
	words *Words
	count int32
}

// NewBlock returns the block of ascending distinct members. It keeps the slice.
func NewBlock(members []uint16) Block {
	if len(members) < denseFrom {
		return Block{array: members, count: int32(len(members))}
	}
	w := new(Words)
	for _, x := range members {
		w.Set(x)
	}
	return Block{words: w, count: int32(len(members))}
}

// FromWords returns the block of the bits set. It copies them.
func FromWords(w *Words) Block {
	n := w.Count()
	if n >= denseFrom {
		own := *w
		return Block{words: &own, count: int32(n)}
	}
	members := make([]uint16, 0, n)
	w.Each(func(x uint16) bool { members = append(members, x); return true })
	return Block{array: members, count: int32(n)}
}

// Count returns the number of members.
func (b *Block) Count() int { return int(b.count) }

// Has says whether x is a member.
func (b *Block) Has(x uint16) bool {
	if b.words != nil {
		return b.words.Has(x)
	}
	_, found := slices.BinarySearch(b.array, x)
	return found
}

// CopyTo makes w the block's bits.
func (b *Block) CopyTo(w *Words) {
	if b.words != nil {
		*w = *b.words
		return
	}
	w.Clear()
	for _, x := range b.array {
		w.Set(x)
	}
}

// OrInto sets the block's bits in w.
func (b *Block) OrInto(w *Words) {
	if b.words != nil {
		w.Or(b.words)
		return
	}
	for _, x := range b.array {
		w.Set(x)
	}
}

// AndInto keeps the block's bits in w.
func (b *Block) AndInto(w *Words) {
	if b.words != nil {
		w.And(b.words)
		return
	}
	var kept [denseFrom]uint16
	n := 0
	for _, x := range b.array {
		if w.Has(x) {
			kept[n] = x
			n++
		}
	}
	w.Clear()
	for _, x := range kept[:n] {
		w.Set(x)
	}
}

// AndNotInto clears the block's bits in w.
func (b *Block) AndNotInto(w *Words) {
	if b.words != nil {
		w.AndNot(b.words)
		return
	}
	for _, x := range b.array {
		w.Unset(x)
	}
}

// Each calls f with every member, ascending.
func (b *Block) Each(f func(x uint16)) {
	if b.words != nil {
		b.words.Each(func(x uint16) bool { f(x); return true })
		return
	}
	for _, x := range b.array {
		f(x)
	}
}

// apply returns the block with members added and removed; both lists ascend and
// have nothing in common.
func (b *Block) apply(add, remove []uint16) Block {
	if b.words == nil && len(remove) == 0 && len(b.array)+len(add) < denseFrom {
		return NewBlock(union(b.array, add))
	}
	var w Words
	b.CopyTo(&w)
	for _, x := range add {
		w.Set(x)
	}
	for _, x := range remove {
		w.Unset(x)
	}
	return FromWords(&w)
}

func union(a, b []uint16) []uint16 {
	merged := make([]uint16, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			merged, a = append(merged, a[0]), a[1:]
		case a[0] > b[0]:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged, a, b = append(merged, a[0]), a[1:], b[1:]
		}
	}
	return append(append(merged, a...), b...)
}
