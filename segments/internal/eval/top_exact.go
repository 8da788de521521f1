package eval

import (
	"cmp"
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// ranked is an ordinal with its value, brought to value.MaxScale, as high * 2^64 + low.
type ranked struct {
	high    int64
	low     uint64
	ordinal uint32
}

// before says how a stands to b in the order that Top takes them in.
func (a ranked) before(b ranked) int {
	return cmp.Or(cmp.Compare(b.high, a.high), cmp.Compare(b.low, a.low), cmp.Compare(a.ordinal, b.ordinal))
}

// exact takes the first of all candidates in the order of their values, whatever these are. It keeps twice limit of them in
// memory, in 24 bytes each.
func (t *top) exact(limit uint64) error {
	const leastKept = 1 << 16
	var kept []ranked
	cut := func() {
		slices.SortFunc(kept, ranked.before)
		kept = kept[:min(uint64(len(kept)), limit)]
	}
	for _, b := range t.blocks {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		b.column.Each(func(x uint16, c column.Cell) {
			if !b.candidates.Has(x) {
				return
			}
			kept = append(kept, rank(c, uint32(b.number)<<16|uint32(x)))
			if uint64(len(kept)) >= max(2*limit, leastKept) {
				cut()
			}
		})
	}
	cut()
	taken := make(map[int]*bitmap.Words)
	for _, r := range kept {
		number := int(r.ordinal >> 16)
		if taken[number] == nil {
			taken[number] = new(bitmap.Words)
		}
		taken[number].Set(uint16(r.ordinal))
	}
	t.blocks = slices.DeleteFunc(t.blocks, func(b *topBlock) bool { return taken[b.number] == nil })
	return t.finish(func(b *topBlock) *bitmap.Words { return taken[b.number] })
}

// rank multiplies by at most 10^18, so that 128 bits hold the product.
func rank(c column.Cell, ordinal uint32) ranked {
	factor := value.Pow10(value.MaxScale - int(c.Scale))
	high, low := bits.Mul64(uint64(c.Data), factor)
	if c.Data < 0 {
		high -= factor
	}
	return ranked{int64(high), low, ordinal}
}
