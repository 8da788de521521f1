package eval

import (
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

const (
	tileRows  = 2048
	tileWords = tileRows / 64
)

// tile is some rows of a chunk, all in one block of ordinals, and which of them are selected. A run has one, and uses it
// again and again.
type tile struct {
	chunk    *column.Chunk
	from, n  int
	ordinals []uint16
	mask     []uint64 // a bit for each row that is selected

	room   [tileWords]uint64
	free   [][]uint64 // masks for in between
	values [tileRows]int64
}

// take makes the tile n rows of a chunk, all of them selected.
func (t *tile) take(c *column.Chunk, from, n int) {
	t.chunk, t.from, t.n = c, from, n
	t.ordinals = c.Ordinals(from, from+n)
	t.mask = t.room[:(n+63)/64]
	t.fill(t.mask)
}

func (t *tile) fill(mask []uint64) {
	for i := range mask {
		mask[i] = ^uint64(0)
	}
	if t.n&63 != 0 {
		mask[t.n>>6] = 1<<(t.n&63) - 1
	}
}

// any says whether a row is selected.
func (t *tile) any() bool {
	for _, word := range t.mask {
		if word != 0 {
			return true
		}
	}
	return false
}

// borrow returns a mask for the tile's rows, with arbitrary contents.
func (t *tile) borrow() []uint64 {
	if n := len(t.free); n > 0 {
		mask := t.free[n-1]
		t.free = t.free[:n-1]
		return mask[:len(t.mask)]
	}
	return make([]uint64, tileWords)[:len(t.mask)]
}

func (t *tile) giveBack(mask []uint64) { t.free = append(t.free, mask[:tileWords]) }

// narrow leaves of the selected rows those that test marks.
func (t *tile) narrow(test func(mask []uint64)) {
	one := t.borrow()
	test(one)
	andMask(t.mask, one)
	t.giveBack(one)
}

func andMask(mask, with []uint64) {
	for i, word := range with {
		mask[i] &= word
	}
}

// among says whether any of the rows may be a candidate's. Rows of others are taken out if only asks for it, or when
// candidates are so few that it saves work later.
func (t *tile) among(candidates *bitmap.Words, only bool) bool {
	first, last := int(t.ordinals[0]>>6), int(t.ordinals[t.n-1]>>6)
	at := first
	for at <= last && candidates[at] == 0 {
		at++
	}
	if at > last {
		return false
	}
	if !only && !few(candidates, first, last) {
		return true
	}
	for w := range t.mask {
		word := uint64(0)
		for i, x := range t.ordinals[w<<6 : min(w<<6+64, t.n)] {
			word |= candidates[x>>6] >> (x & 63) & 1 << (i & 63)
		}
		t.mask[w] = word
	}
	return t.any()
}

// few says whether hardly one in four is a candidate, by some of the words first..last.
func few(candidates *bitmap.Words, first, last int) bool {
	const samples = 8
	n := 0
	for i := range samples {
		n += bits.OnesCount64(candidates[first+(last-first)*i/samples])
	}
	return n < samples*64/4
}

// each calls f with every selected row and its ordinal.
func (t *tile) each(f func(row int, x uint16)) {
	for w, word := range t.mask {
		for ; word != 0; word &= word - 1 {
			i := w<<6 + bits.TrailingZeros64(word)
			f(t.from+i, t.ordinals[i])
		}
	}
}

// markIn sets the ordinals of the selected rows.
func (t *tile) markIn(out *bitmap.Words) {
	for w, word := range t.mask {
		some := t.ordinals[w<<6 : min(w<<6+64, t.n)]
		if word == ^uint64(0) {
			for _, x := range some {
				out.Set(x)
			}
			continue
		}
		for ; word != 0; word &= word - 1 {
			out.Set(some[bits.TrailingZeros64(word)])
		}
	}
}

// countIn adds one for each selected row to its ordinal's count.
func (t *tile) countIn(counts *[bitmap.BlockOrdinals]uint32) {
	for w, word := range t.mask {
		some := t.ordinals[w<<6 : min(w<<6+64, t.n)]
		if word == ^uint64(0) {
			for _, x := range some {
				counts[x]++
			}
			continue
		}
		for ; word != 0; word &= word - 1 {
			counts[some[bits.TrailingZeros64(word)]]++
		}
	}
}
