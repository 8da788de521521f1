package bitmap

import "math/bits"

// Adder counts, for each ordinal of a block, in how many sets it is, by bit-sliced addition: bit k of 64 ordinals' counts is one
// word, and they are added to at once. Dense sets are taken six at a time through a tree of carry-save adders (Harley and Seal;
// see Warren, Hacker's Delight, 5-1), five operations a set and word, which is about what reading them from memory takes.
//
// The zero Adder counts nothing. Sets must stay unchanged until the next Reset or AtLeast.
type Adder struct {
	levels  []*level // level n has bits 8n to 8n+7
	used    int      // levels that hold something
	most    uint64
	waiting [][]*Words // dense sets to add, by weight
	nobody  Words
}

// level keeps eight bits of a word's counts in one cache line.
type level [len(Words{})][8]uint64

// atOnce is how many dense sets are added in one pass.
const atOnce = 6

// Reset makes all counts 0.
func (a *Adder) Reset() {
	a.used, a.most = 0, 0
	for weight := range a.waiting {
		a.waiting[weight] = a.waiting[weight][:0]
	}
}

// Most returns a number that no count exceeds.
func (a *Adder) Most() uint64 { return a.most }

// Add adds 1<<weight for every member of a block.
func (a *Adder) Add(b *Block, weight int) {
	if b.words == nil {
		a.addArray(b.array, weight)
		return
	}
	a.AddWords(b.words, weight)
}

// AddWords adds 1<<weight for every bit.
func (a *Adder) AddWords(w *Words, weight int) {
	for len(a.waiting) <= weight {
		a.waiting = append(a.waiting, nil)
	}
	a.waiting[weight] = append(a.waiting[weight], w)
	a.room(weight)
	if len(a.waiting[weight]) == atOnce {
		a.flush(weight)
	}
}

// room makes the levels that counts need after one more set.
func (a *Adder) room(weight int) {
	a.most += 1 << weight
	for 8*a.used < bits.Len64(a.most) {
		if a.used == len(a.levels) {
			a.levels = append(a.levels, new(level))
		}
		*a.levels[a.used] = level{}
		a.used++
	}
}

func (a *Adder) addArray(members []uint16, weight int) {
	a.room(weight)
	counts, k, next := a.levels[weight>>3], weight&7, (weight+1)&7
	if next == 0 {
		for _, x := range members {
			a.carry(int(x>>6), uint64(1)<<(x&63), weight)
		}
		return
	}
	// Two bits without a branch, as whether the first carries cannot be foreseen.
	for _, x := range members {
		c, bit := &counts[x>>6], uint64(1)<<(x&63)
		first := c[k]
		c[k] = first ^ bit
		bit &= first
		second := c[next]
		c[next] = second ^ bit
		if second&bit != 0 {
			a.carry(int(x>>6), bit, weight+2)
		}
	}
}

// carry adds bits to the counts of one word, from a bit of the counts on.
func (a *Adder) carry(word int, carry uint64, bit int) {
	for n := bit >> 3; n < a.used; n++ {
		counts := &a.levels[n][word]
		for k := bit & 7; k < 8; k++ {
			before := counts[k]
			counts[k] = before ^ carry
			if carry &= before; carry == 0 {
				return
			}
		}
		bit = 0
	}
}

// flush adds the sets that wait at a weight.
func (a *Adder) flush(weight int) {
	waiting := a.waiting[weight]
	a.waiting[weight] = waiting[:0]
	if len(waiting) < atOnce/2 || weight&7 > 5 {
		for _, w := range waiting {
			for i, word := range w {
				if word != 0 {
					a.carry(i, word, weight)
				}
			}
		}
		return
	}
	for len(waiting) < atOnce {
		waiting = append(waiting, &a.nobody)
	}
	a.addSix((*[atOnce]*Words)(waiting), weight)
}

// addSix adds six sets to three bits of the counts, and what is carried beyond to the others.
func (a *Adder) addSix(sets *[atOnce]*Words, weight int) {
	counts, k0, k1, k2 := a.levels[weight>>3], weight&7, (weight+1)&7, (weight+2)&7
	s0, s1, s2, s3, s4, s5 := sets[0], sets[1], sets[2], sets[3], sets[4], sets[5]
	for i := range counts {
		c := &counts[i]
		ones, a1 := fullAdd(c[k0], s0[i], s1[i])
		ones, a2 := fullAdd(ones, s2[i], s3[i])
		ones, a3 := fullAdd(ones, s4[i], s5[i])
		c[k0] = ones
		twos, b1 := fullAdd(c[k1], a1, a2)
		b2 := twos & a3
		c[k1] = twos ^ a3
		fours, carried := fullAdd(c[k2], b1, b2)
		c[k2] = fours
		if carried != 0 {
			a.carry(i, carried, weight+3)
		}
	}
}

// fullAdd adds three bits of each of 64 ordinals.
func fullAdd(a, b, c uint64) (sum, carry uint64) {
	u := a ^ b
	return u ^ c, a&b | u&c
}

// AtLeast makes to the ordinals whose count is n or more.
func (a *Adder) AtLeast(n uint64, to *Words) {
	for weight := range a.waiting {
		if len(a.waiting[weight]) > 0 {
			a.flush(weight)
		}
	}
	switch {
	case n == 0:
		to.Fill(BlockOrdinals)
		return
	case n > a.most:
		to.Clear()
		return
	}
	// From the lowest bit up, a word has the ordinals whose count, as far as it has been seen, is above n-1 as far.
	to.Clear()
	for l, counts := range a.levels[:a.used] {
		bound, width := (n-1)>>(8*l), min(8, bits.Len64(a.most)-8*l)
		for i := range counts {
			c, above := &counts[i], to[i]
			for k := range width {
				if bound>>k&1 == 0 {
					above |= c[k&7]
				} else {
					above &= c[k&7]
				}
			}
			to[i] = above
		}
	}
}
