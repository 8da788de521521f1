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

// wordsOf returns the ordinals by block.
func wordsOf(ranks []ranked) map[int]*bitmap.Words {
	words := map[int]*bitmap.Words{}
	for _, r := range ranks {
		number := int(r.ordinal >> 16)
		if words[number] == nil {
			words[number] = new(bitmap.Words)
		}
		words[number].Set(uint16(r.ordinal))
	}
	return words
}

// exact takes the first of all candidates in the order of their values, whatever these are. It keeps twice limit of them in
// memory, in 24 bytes each.
func (t *top) exact(limit uint64) error {
	const leastKept = 1 << 16
	reader := t.env.Version.Reader()
	defer reader.Close()
	var kept []ranked
	cut := func() {
		slices.SortFunc(kept, ranked.before)
		kept = kept[:min(uint64(len(kept)), limit)]
	}
	for _, b := range t.blocks {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		err := inside(reader, func() error {
			values, err := t.values(b)
			if err != nil {
				return err
			}
			b.open.Each(func(x uint16) {
				cell, _ := values.At(x)
				kept = append(kept, rank(cell, uint32(b.number)<<16|uint32(x)))
				if uint64(len(kept)) >= max(2*limit, leastKept) {
					cut()
				}
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	cut()
	taken := wordsOf(kept)
	t.selectAll(func(b *topBlock) bitmap.Block {
		if words := taken[b.number]; words != nil {
			return bitmap.FromWords(words)
		}
		return bitmap.Block{}
	})
	return nil
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
