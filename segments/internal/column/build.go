package column

import (
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// Build returns the block of the values at the ordinals present, all of one scale. It copies what it needs.
// Values must have a place for each ordinal up to the last that is present; the others have no meaning.
func Build(form Form, scale uint8, present *bitmap.Words, values []int64) *Block {
	count := present.Count()
	if count < sparseBelow {
		members, data := make([]uint16, 0, count), make([]int64, 0, count)
		present.Each(func(x uint16) bool {
			members, data = append(members, x), append(data, values[x])
			return true
		})
		return newSparse(form, members, data, scale, nil)
	}
	b := &Block{form: form, scale: scale, count: count}
	b.low, b.high = spanOf(present, values)
	if form == Planes {
		b.layout, b.present, b.bits = planar, clonePresent(present), buildPlanes(present, values, b.low, b.high)
		return b
	}
	b.fillWide(present, values, nil)
	return b
}

func clonePresent(w *bitmap.Words) *bitmap.Words {
	own := *w
	return &own
}

// spanOf returns the least and the greatest of the values present, of which there must be one.
func spanOf[T byte | uint16 | uint32 | uint64 | int64](present *bitmap.Words, values []T) (low, high T) {
	first := true
	for w, left := range present {
		if left == 0 {
			continue
		}
		if first {
			low = values[w<<6+bits.TrailingZeros64(left)]
			high, first = low, false
		}
		if left == ^uint64(0) {
			for _, v := range values[w<<6:][:64] {
				low, high = min(low, v), max(high, v)
			}
			continue
		}
		for ; left != 0; left &= left - 1 {
			v := values[w<<6+bits.TrailingZeros64(left)]
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}

// buildPlanes returns the planes of the values present, which lie in [low, high].
func buildPlanes(present *bitmap.Words, values []int64, low, high int64) planes {
	base, kept := baseOf(low, high), uint64(0)
	present.Each(func(x uint16) bool { kept |= uint64(values[x]) - uint64(base); return true })
	p := newPlanes(base, uint64(high)-uint64(base), kept)
	var distances [64]uint64
	for w, left := range present {
		if left == 0 {
			continue
		}
		if left == ^uint64(0) {
			for t, v := range values[w<<6:][:64] {
				distances[t] = uint64(v) - uint64(base)
			}
		} else {
			distances = [64]uint64{}
			for rest := left; rest != 0; rest &= rest - 1 {
				t := bits.TrailingZeros64(rest)
				distances[t] = uint64(values[w<<6+t]) - uint64(base)
			}
		}
		p.write(w, left, &distances)
	}
	return p
}

// baseOf returns what values in [low, high] are kept as distances from: at most low, and as round a number, in binary, as takes no
// more planes. So blocks of one attribute mostly have bases whose difference leaves the bits of the distances alone, as
// Top needs it, and a value somewhat below all others fits in.
func baseOf(low, high int64) int64 {
	k := bits.Len64(uint64(high) - uint64(low))
	for round := 63; round > 0; round-- {
		if base := low &^ (1<<round - 1); bits.Len64(uint64(high)-uint64(base)) <= k {
			return base
		}
	}
	return low
}

// fillWide keeps the values present in bytes; scales is nil when they share one.
func (b *Block) fillWide(present *bitmap.Words, values, scales []int64) {
	b.layout = wide
	places := len(present) * 64
	for present[(places-1)>>6] == 0 {
		places -= 64
	}
	places -= bits.LeadingZeros64(present[(places-1)>>6])
	own := make([]int64, places)
	for x := range own {
		own[x] = b.low // who has none does not widen the others
		if present.Has(uint16(x)) {
			own[x] = values[x]
		}
	}
	b.values = NewInts(own)
	if scales != nil {
		b.scales = NewInts(scales[:places])
	}
	if places > b.count {
		b.present = clonePresent(present)
	}
}

// newBlock returns the block of cells by ascending members.
func newBlock(form Form, members []uint16, cells []Cell) *Block {
	if len(cells) == 0 {
		return New(form)
	}
	data := make([]int64, len(cells))
	scale, scales := align(cells, data)
	if len(members) < sparseBelow {
		return newSparse(form, members, data, scale, scales)
	}
	var present bitmap.Words
	values := make([]int64, bitmap.BlockOrdinals)
	for i, x := range members {
		present.Set(x)
		values[x] = data[i]
	}
	if scales == nil {
		return Build(form, scale, &present, values)
	}
	places := make([]int64, bitmap.BlockOrdinals)
	for i, x := range members {
		places[x] = scales[i]
	}
	b := &Block{form: form, scale: scale, count: len(members), low: slices.Min(data), high: slices.Max(data)}
	b.fillWide(&present, values, places)
	return b
}

func newSparse(form Form, members []uint16, data []int64, scale uint8, scales []int64) *Block {
	if len(members) == 0 {
		return New(form)
	}
	return &Block{
		form: form, layout: sparse, scale: scale, count: len(members), low: slices.Min(data), high: slices.Max(data),
		members: members, values: NewInts(data), scales: NewInts(scales),
	}
}

// align brings all cells to the largest scale among them. Where a coefficient does not bear that,
// every cell keeps its own, and the scales are returned.
func align(cells []Cell, data []int64) (scale uint8, scales []int64) {
	for _, c := range cells {
		scale = max(scale, c.Scale)
	}
	for i, c := range cells {
		var fits bool
		if data[i], fits = c.at(scale); !fits {
			return 0, apart(cells, data)
		}
	}
	return scale, nil
}

// apart leaves each cell its scale.
func apart(cells []Cell, data []int64) (scales []int64) {
	scales = make([]int64, len(cells))
	for i, c := range cells {
		data[i], scales[i] = c.Data, int64(c.Scale)
	}
	return scales
}

// at returns the cell's Data at a scale, and whether it can be brought to that.
func (c Cell) at(scale uint8) (data int64, ok bool) {
	if c.Scale == scale {
		return c.Data, true
	}
	if c.Scale > scale {
		return 0, false
	}
	factor := int64(value.Pow10(int(scale - c.Scale)))
	data = c.Data * factor
	return data, data/factor == c.Data
}
