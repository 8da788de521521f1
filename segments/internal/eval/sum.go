package eval

import (
	"math"
	"math/big"
	"math/bits"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// sums adds up decimals per ordinal of a block, exactly. A sum is kept in 64 bits, at the largest scale
// met so far, for as long as it fits, and in big integers from then on.
type sums struct {
	run     *run
	scale   uint8
	small   *[bitmap.BlockOrdinals]int64
	touched *bitmap.Words
	big     map[uint16]*big.Int // at value.MaxScale; of these, small has no meaning
}

func newSums(r *run) *sums {
	s := &sums{run: r, small: r.scratch(), touched: r.borrow()}
	s.touched.Clear()
	return s
}

func (s *sums) release() { s.run.giveBack(s.touched) }

func (s *sums) add(x uint16, c column.Cell) {
	if !s.touched.Has(x) {
		s.touched.Set(x)
		s.small[x] = 0
	}
	if s.big != nil {
		if sum := s.big[x]; sum != nil {
			sum.Add(sum, bigAt(c.Data, c.Scale))
			return
		}
	}
	if c.Scale > s.scale {
		s.rescale(c.Scale)
		if s.big[x] != nil {
			s.add(x, c)
			return
		}
	}
	data, ok := times(c.Data, value.Pow10(int(s.scale-c.Scale)))
	sum := s.small[x] + data
	if ok && (sum > s.small[x]) == (data > 0) {
		s.small[x] = sum
		return
	}
	s.enlarge(x)
	s.big[x].Add(s.big[x], bigAt(c.Data, c.Scale))
}

// addRows adds the numbers among the values that a tile's selected rows have of a property.
func (s *sums) addRows(t *tile, p *column.Prop) {
	if kind, only := p.OnlyKind(); !only {
		t.narrow(func(mask []uint64) { p.KindsBetween(mask, t.from, t.n, value.Number, value.Number) })
	} else if kind != value.Number {
		return
	}
	scale, most := p.Scales()
	if scale != most || scale < s.scale || s.big != nil {
		t.each(func(row int, x uint16) { s.add(x, p.Cell(row)) })
		return
	}
	if scale > s.scale {
		s.rescale(scale)
	}
	data := p.ReadData(t.values[:t.n], t.from)
	for w, word := range t.mask {
		for ; word != 0; word &= word - 1 {
			i := w<<6 + bits.TrailingZeros64(word)
			x, n := t.ordinals[i], data[i]
			if !s.touched.Has(x) {
				s.touched.Set(x)
				s.small[x] = n
			} else if sum := s.small[x] + n; s.big == nil && (sum > s.small[x]) == (n > 0) {
				s.small[x] = sum
			} else {
				s.add(x, column.Cell{Data: n, Scale: scale})
			}
		}
	}
}

// rescale brings the sums to a larger scale.
func (s *sums) rescale(scale uint8) {
	factor := value.Pow10(int(scale - s.scale))
	s.touched.Each(func(x uint16) bool {
		if s.big[x] == nil {
			if n, ok := times(s.small[x], factor); ok {
				s.small[x] = n
			} else {
				s.enlarge(x)
			}
		}
		return true
	})
	s.scale = scale
}

// enlarge goes over to a big integer for one sum.
func (s *sums) enlarge(x uint16) {
	if s.big == nil {
		s.big = map[uint16]*big.Int{}
	}
	s.big[x] = bigAt(s.small[x], s.scale)
}

// times multiplies, and says whether the product fits.
func times(n int64, factor uint64) (int64, bool) {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	hi, lo := bits.Mul64(magnitude, factor)
	if hi > 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if n < 0 {
		return -int64(lo), true
	}
	return int64(lo), true
}

// bigAt returns data/10^scale as a coefficient at value.MaxScale.
func bigAt(data int64, scale uint8) *big.Int {
	n := new(big.Int).SetUint64(value.Pow10(value.MaxScale - int(scale)))
	return n.Mul(n, big.NewInt(data))
}

// compare sets in out the ordinals with a summed value whose sum a comparison holds for.
func (s *sums) compare(op expr.Op, literals []value.Value, out *bitmap.Words) {
	ranges := numberRanges(op, literals, s.scale)
	s.touched.Each(func(x uint16) bool {
		if sum := s.big[x]; sum != nil && bigHolds(op, sum, literals) || sum == nil && has(ranges, s.small[x]) {
			out.Set(x)
		}
		return true
	})
}

func bigHolds(op expr.Op, sum *big.Int, literals []value.Value) bool {
	order := func(i int) int { return sum.Cmp(bigAt(literals[i].Num.Coef, literals[i].Num.Scale)) }
	switch op {
	case expr.Eq:
		return order(0) == 0
	case expr.Ne:
		return order(0) != 0
	case expr.Lt:
		return order(0) < 0
	case expr.Le:
		return order(0) <= 0
	case expr.Gt:
		return order(0) > 0
	case expr.Ge:
		return order(0) >= 0
	case expr.Between:
		return order(0) >= 0 && order(1) <= 0
	case expr.In:
		for i := range literals {
			if order(i) == 0 {
				return true
			}
		}
	}
	return false
}

// text returns one sum in exact digits.
func (s *sums) text(x uint16) string {
	if !s.touched.Has(x) {
		return "0"
	}
	sum := s.big[x]
	if sum == nil {
		sum = bigAt(s.small[x], s.scale)
	}
	return trimZeros(new(big.Rat).SetFrac(sum, bigAt(1, 0)).FloatString(value.MaxScale))
}

func trimZeros(digits string) string {
	for len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	if digits[len(digits)-1] == '.' {
		digits = digits[:len(digits)-1]
	}
	return digits
}
