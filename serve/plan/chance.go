package plan

import (
	"math"
	"math/bits"
)

// Chance is a probability in steps of 2^-44. Sums of chances are exact in whatever order they are added up, so windows of the same hours are equal, and
// whoever compares windows in a shorter way comes to the same end.
type Chance uint64

const chanceBits = 44

// Certain is the chance of what is certain.
const Certain Chance = 1 << chanceBits

// ChanceOf returns the nearest chance: 0 for what is no number, and the nearer end for what is out of range.
func ChanceOf(p float64) Chance {
	switch {
	case p >= 1:
		return Certain
	case p > 0:
		return Chance(math.Round(p * float64(Certain)))
	}
	return 0
}

// Float returns the chance as a number from 0 to 1.
func (c Chance) Float() float64 { return float64(c) / float64(Certain) }

// scaleBits are the steps of what multiplies a chance.
const scaleBits = 12

// unscaled is the scale that leaves a chance as it is.
const unscaled = 1 << scaleBits

// scaled multiplies a chance.
func (c Chance) scaled(scale uint32) Chance {
	return min(Certain, c*Chance(scale)>>scaleBits)
}

// score is the chance of a window times its seconds: the mean over the hours of what it contains, weighted by how much of each it does. Local time that
// comes twice counts once, so sumSeconds may be less than the window's.
func score(sum uint64, sumSeconds, widthSeconds int64) uint64 {
	if sumSeconds == widthSeconds {
		return sum
	}
	high, low := bits.Mul64(sum, uint64(widthSeconds))
	s, _ := bits.Div64(high, low, uint64(sumSeconds)) // sum is at most Certain * sumSeconds
	return s
}
