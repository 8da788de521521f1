package bitmap

import "slices"

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

// Dense says whether the members are kept as a bit each, in Words; few are kept as a list.
func (b *Block) Dense() bool { return b.words != nil }

// Words returns the bits of a dense block. They must not be changed.
func (b *Block) Words() *Words { return b.words }

// Full says whether every ordinal is a member.
func (b *Block) Full() bool { return b.count == BlockOrdinals }

// Members appends the members, ascending.
func (b *Block) Members(to []uint16) []uint16 {
	if b.words == nil {
		return append(to, b.array...)
	}
	b.words.Each(func(x uint16) bool { to = append(to, x); return true })
	return to
}

// Keep returns those of an ascending list that are members, in the list's own memory.
func (b *Block) Keep(list []uint16) []uint16 { return b.filter(list, 0) }

// Drop returns those of an ascending list that are no members, in the list's own memory.
func (b *Block) Drop(list []uint16) []uint16 { return b.filter(list, 1) }

// filter keeps those of a list whose bit, with flip, is 1. It writes always and moves on only for those it keeps, as a branch that cannot
// be foreseen costs more than a write.
func (b *Block) filter(list []uint16, flip int) []uint16 {
	n := 0
	if b.words != nil {
		for _, x := range list {
			list[n] = x
			n += int(b.words[x>>6]>>(x&63)&1) ^ flip
		}
		return list[:n]
	}
	const muchLonger = 16
	if len(b.array) > muchLonger*len(list) {
		i := 0
		for _, x := range list {
			i = seek(b.array, i, x)
			list[n] = x
			n += one(i < len(b.array) && b.array[i] == x) ^ flip
		}
		return list[:n]
	}
	i, k := 0, 0
	for i < len(list) && k < len(b.array) {
		x, y := list[i], b.array[k]
		list[n] = x
		// A member of the list is done with once the other list has come to it.
		done := one(x <= y)
		n += done & (one(x == y) ^ flip)
		i += done
		k += one(y <= x)
	}
	if flip == 1 {
		n += copy(list[n:], list[i:])
	}
	return list[:n]
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// seek returns the first place from i on where an ascending list is not below x. It doubles its steps, so that a list much longer than the
// other is not walked through.
func seek(list []uint16, i int, x uint16) int {
	step := 1
	for i+step < len(list) && list[i+step] < x {
		i, step = i+step, 2*step
	}
	for end := min(i+step, len(list)); i < end; {
		if middle := int(uint(i+end) >> 1); list[middle] < x {
			i = middle + 1
		} else {
			end = middle
		}
	}
	return i
}

// WithWords returns a dense block of bits that are the caller's, of which there are at most so many.
func WithWords(w *Words, atMost int) Block { return Block{words: w, count: int32(atMost)} }

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
