package features

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/value"
)

// TestExactSums compares sums with those of rational numbers, where they are large, small and of any scale.
func TestExactSums(t *testing.T) {
	coefficients := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-100, 100), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, -math.MaxInt64}))
	s := new(exactSums)
	rapid.Check(t, func(t *rapid.T) {
		s.reset()
		const people = 3
		var want [people]big.Rat
		for range rapid.IntRange(0, 8).Draw(t, "calls") {
			scale := rapid.IntRange(0, value.MaxScale).Draw(t, "scale")
			var who []uint16
			all := rapid.SliceOfN(coefficients, 0, 6).Draw(t, "coefficients")
			for _, c := range all {
				x := rapid.Uint16Range(0, people-1).Draw(t, "who")
				who = append(who, x)
				unit := new(big.Int).SetUint64(value.Pow10(scale))
				want[x].Add(&want[x], new(big.Rat).SetFrac(big.NewInt(c), unit))
			}
			s.add(who, all, uint8(scale))
		}
		var got [people]float32
		s.read(got[:], []uint16{0, 1, 2})
		for x := range want {
			if nearest, _ := want[x].Float64(); got[x] != float32(nearest) {
				t.Fatalf("the sum of %d is %v, want %v", x, got[x], float32(nearest))
			}
		}
	})
}
