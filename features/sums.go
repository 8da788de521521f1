package features

import (
	"math"
	"math/big"
	"math/bits"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
)

// exactSums adds up decimals by ordinal in a block, exactly, so that the order in which events came in does not show. A sum is kept in 64 bits, at
// the largest scale met so far, for as long as it fits, and from then on in a big integer.
type exactSums struct {
	scale uint8
	small [segments.BlockCIDs]int64
	big   map[uint16]*big.Int // at value.MaxScale; of these small has no meaning
}

func (s *exactSums) reset() {
	s.scale, s.big = 0, nil
	clear(s.small[:])
}

// add adds coefficients / 10^scale.
func (s *exactSums) add(who []uint16, coefficients []int64, scale uint8) {
	if scale > s.scale {
		s.rescale(scale)
	}
	if scale < s.scale || s.big != nil {
		for i, x := range who {
			s.addOne(x, coefficients[i], scale)
		}
		return
	}
	for i, x := range who {
		a, b := s.small[x], coefficients[i]
		sum := a + b
		if (a^sum)&(b^sum) < 0 || s.big != nil {
			s.addOne(x, b, scale)
			continue
		}
		s.small[x] = sum
	}
}

// addOne is add for any scale up to that of the sums, and for any size.
func (s *exactSums) addOne(x uint16, coefficient int64, scale uint8) {
	if sum := s.big[x]; sum != nil {
		sum.Add(sum, widest(coefficient, scale))
		return
	}
	b, fits := times(coefficient, value.Pow10(int(s.scale-scale)))
	a := s.small[x]
	sum := a + b
	if fits && (a^sum)&(b^sum) >= 0 {
		s.small[x] = sum
		return
	}
	s.enlarge(x)
	s.big[x].Add(s.big[x], widest(coefficient, scale))
}

// rescale brings the sums to a larger scale.
func (s *exactSums) rescale(scale uint8) {
	factor := value.Pow10(int(scale - s.scale))
	for i, n := range s.small[:] { // of the array itself, not a copy
		if n == 0 || s.big[uint16(i)] != nil {
			continue
		}
		if scaled, fits := times(n, factor); fits {
			s.small[i] = scaled
		} else {
			s.enlarge(uint16(i))
		}
	}
	s.scale = scale
}

// enlarge goes over to a big integer.
func (s *exactSums) enlarge(x uint16) {
	if s.big == nil {
		s.big = map[uint16]*big.Int{}
	}
	s.big[x] = widest(s.small[x], s.scale)
}

// widest returns coefficient / 10^scale as a coefficient at value.MaxScale.
func widest(coefficient int64, scale uint8) *big.Int {
	n := new(big.Int).SetUint64(value.Pow10(value.MaxScale - int(scale)))
	return n.Mul(n, big.NewInt(coefficient))
}

// times multiplies, and says whether the product fits.
func times(n int64, factor uint64) (int64, bool) {
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	high, low := bits.Mul64(magnitude, factor)
	if high > 0 || low > math.MaxInt64 {
		return 0, false
	}
	if n < 0 {
		return -int64(low), true
	}
	return int64(low), true
}

// read makes to the sums of ordinals, each the float64 nearest to the exact sum, whatever scale that is kept at, as a float32.
func (s *exactSums) read(to []float32, ordinals []uint16) {
	// A whole number and a power of ten that float64 has exactly give the nearest quotient.
	const exact = 1 << 53
	unit := float64(value.Pow10(int(s.scale)))
	for row, x := range ordinals {
		n := s.small[x]
		if s.big == nil && n < exact && n > -exact {
			to[row] = float32(float64(n) / unit)
			continue
		}
		sum := s.big[x]
		if sum == nil {
			sum = widest(n, s.scale)
		}
		nearest, _ := new(big.Rat).SetFrac(sum, widest(1, 0)).Float64()
		to[row] = float32(nearest)
	}
}
