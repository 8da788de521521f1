package bitmap

import "encoding/binary"

// Counters counts, for each ordinal of a block, in how many sets it is, in a byte each: cheaper than an Adder when the sets are
// sparse. The zero Counters counts nothing.
type Counters struct {
	bytes [BlockOrdinals]uint8
	dirty bool
}

// MostCounted is how high counts may get before a Reset.
const MostCounted = 127

// Reset makes all counts 0.
func (c *Counters) Reset() {
	if c.dirty {
		clear(c.bytes[:])
		c.dirty = false
	}
}

// Add adds n for every member of a block. The sum of all n since the last Reset must not exceed MostCounted.
func (c *Counters) Add(b *Block, n uint8) {
	c.dirty = true
	if b.words == nil {
		for _, x := range b.array {
			c.bytes[x] += n
		}
		return
	}
	b.words.Each(func(x uint16) bool { c.bytes[x] += n; return true })
}

// AtLeast makes to the ordinals whose count is n or more.
func (c *Counters) AtLeast(n uint64, to *Words) {
	switch {
	case n == 0:
		to.Fill(BlockOrdinals)
		return
	case n > MostCounted:
		to.Clear()
		return
	}
	// Eight bytes at a time: a count of n or more carries into the byte's highest bit, which no count has; a multiplication
	// brings the eight bits together.
	const each, high, gather = 0x0101010101010101, 0x8080808080808080, 0x0102040810204080
	add := (0x80 - n) * each
	for i := range to {
		at := (*[64]uint8)(c.bytes[64*i:])
		var word uint64
		for j := 0; j < 64; j += 8 {
			word |= ((binary.LittleEndian.Uint64(at[j:j+8]) + add) & high >> 7 * gather >> 56) << j
		}
		to[i] = word
	}
}
