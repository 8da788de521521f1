package column

import (
	"math"
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// Apply returns the block with changes made; they ascend by ordinal, one each. Where the block can hold them as it is laid
// out, its content is copied and the changed cells set in the copy.
func (b *Block) Apply(changes []Change) *Block {
	if b.layout != sparse && b.scales.Len() == 0 {
		if data, ok := b.dataOf(changes); ok {
			if next := b.poke(changes, data); next != nil {
				return next
			}
			return b.widened(changes, data)
		}
	}
	return b.rebuild(changes)
}

// dataOf returns what the changes set, at the block's scale, if they can be brought to that.
func (b *Block) dataOf(changes []Change) (data []int64, ok bool) {
	data = make([]int64, len(changes))
	for i, c := range changes {
		if c.Set {
			if data[i], ok = c.Cell.at(b.scale); !ok {
				return nil, false
			}
		}
	}
	return data, true
}

// poke returns the block with changes made to a copy, nil when its layout cannot hold them.
func (b *Block) poke(changes []Change, data []int64) *Block {
	var base int64
	var most uint64
	if b.layout == planar {
		base, most = b.bits.base, math.MaxUint64>>(64-b.bits.k)
	} else {
		base, most = b.values.base, reach(b.values.width)
	}
	for i, c := range changes {
		if c.Set && (data[i] < base || uint64(data[i])-uint64(base) > most) {
			return nil
		}
	}
	next := &Block{form: b.form, layout: b.layout, scale: b.scale, low: b.low, high: b.high}
	if b.layout == planar {
		return b.pokePlanes(next, changes, data)
	}
	return b.pokeBytes(next, changes, data)
}

func (b *Block) pokePlanes(next *Block, changes []Change, data []int64) *Block {
	next.present = clonePresent(b.present)
	for _, c := range changes {
		if c.Set {
			next.present.Set(c.At)
		} else {
			next.present.Unset(c.At)
		}
	}
	if next.count = next.present.Count(); next.count < sparseBelow {
		return nil
	}
	next.bits = b.bits.poked(changes, data)
	next.low, next.high = next.bits.span(next.present)
	if uint64(next.high)-uint64(next.low) <= math.MaxUint64>>(64-next.bits.k)>>1 && next.bits.k > 0 {
		return nil // fewer planes are enough now
	}
	return next
}

// poked returns a copy of the planes with data of the changes that set something, and nothing for the others.
func (p *planes) poked(changes []Change, data []int64) planes {
	kept := p.stored
	for i, c := range changes {
		if c.Set {
			kept |= uint64(data[i]) - uint64(p.base)
		}
	}
	next := planes{p.base, p.k, kept, make([]uint64, blockWords*bits.OnesCount64(kept))}
	for left := p.stored; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		*next.plane(i) = *p.plane(i)
	}
	var distances [64]uint64
	for i := 0; i < len(changes); {
		word, mask := int(changes[i].At>>6), uint64(0)
		for ; i < len(changes) && int(changes[i].At>>6) == word; i++ {
			t := changes[i].At & 63
			mask |= 1 << t
			if changes[i].Set {
				distances[t] = uint64(data[i]) - uint64(p.base)
			}
		}
		next.change(word, mask, &distances)
		for ; mask != 0; mask &= mask - 1 {
			distances[bits.TrailingZeros64(mask)] = 0
		}
	}
	return next
}

// change is write, quicker where the mask has few bits.
func (p *planes) change(word int, mask uint64, from *[64]uint64) {
	const few = 6
	if bits.OnesCount64(mask) > few {
		p.write(word, mask, from)
		return
	}
	at := word
	for left := p.stored; left != 0; left &= left - 1 {
		i, set := bits.TrailingZeros64(left), uint64(0)
		for rest := mask; rest != 0; rest &= rest - 1 {
			t := bits.TrailingZeros64(rest)
			set |= from[t] >> i & 1 << t
		}
		p.words[at] = p.words[at]&^mask | set
		at += blockWords
	}
}

func (b *Block) pokeBytes(next *Block, changes []Change, data []int64) *Block {
	places := b.values.Len()
	present := new(bitmap.Words)
	b.Present(present)
	for _, c := range changes {
		if c.Set {
			present.Set(c.At)
			places = max(places, int(c.At)+1)
		} else {
			present.Unset(c.At)
		}
	}
	if next.count = present.Count(); next.count < sparseBelow {
		return nil
	}
	if next.count < places {
		next.present = present
	}
	lost := false
	for i, c := range changes {
		if old, found := b.At(c.At); found && (old.Data == b.low || old.Data == b.high) {
			lost = true
		}
		if c.Set {
			next.low, next.high = min(next.low, data[i]), max(next.high, data[i])
		}
	}
	next.values = b.values.poked(places, changes, data)
	if lost {
		next.low, next.high = next.values.span(present)
	}
	return next
}

// poked returns a copy of the list, lengthened to n, with data of the changes that set something.
func (c *Ints) poked(n int, changes []Change, data []int64) Ints {
	next := *c
	next.n = n
	switch c.width {
	case 1:
		next.b1 = poked(c.b1, n, changes, data, c.base)
	case 2:
		next.b2 = poked(c.b2, n, changes, data, c.base)
	case 4:
		next.b4 = poked(c.b4, n, changes, data, c.base)
	case 8:
		next.b8 = poked(c.b8, n, changes, data, c.base)
	}
	return next
}

func poked[T byte | uint16 | uint32 | uint64](list []T, n int, changes []Change, data []int64, base int64) []T {
	next := make([]T, n)
	copy(next, list)
	for i, c := range changes {
		if c.Set {
			next[c.At] = T(uint64(data[i]) - uint64(base))
		}
	}
	return next
}

// widened lays out a block whose cells share a scale anew, with changes made.
func (b *Block) widened(changes []Change, data []int64) *Block {
	values, present := make([]int64, bitmap.BlockOrdinals), new(bitmap.Words)
	b.Present(present)
	if b.layout == planar {
		var distances [64]uint64
		for w, some := range present {
			if some == 0 {
				continue
			}
			b.bits.read(w, &distances)
			for t, d := range distances {
				values[w<<6+t] = b.bits.base + int64(d)
			}
		}
	} else {
		b.values.Read(values[:b.values.Len()], 0)
	}
	for i, c := range changes {
		if c.Set {
			present.Set(c.At)
			values[c.At] = data[i]
		} else {
			present.Unset(c.At)
		}
	}
	return Build(b.form, b.scale, present, values)
}

// rebuild lays out the block's cells anew, with changes made.
func (b *Block) rebuild(changes []Change) *Block {
	cells := make([]Cell, 0, b.Count()+len(changes))
	members := make([]uint16, 0, b.Count()+len(changes))
	next := 0
	take := func(upTo int) {
		for next < len(changes) && int(changes[next].At) < upTo {
			if c := changes[next]; c.Set {
				members, cells = append(members, c.At), append(cells, c.Cell)
			}
			next++
		}
	}
	b.Each(func(x uint16, c Cell) {
		take(int(x))
		if next < len(changes) && changes[next].At == x {
			take(int(x) + 1)
			return
		}
		members, cells = append(members, x), append(cells, c)
	})
	take(bitmap.BlockOrdinals)
	return newBlock(b.form, slices.Clip(members), cells)
}
