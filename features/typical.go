package features

import (
	"math"
	"math/bits"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
)

// aroundEvents is how many values of the size that a typical is around everybody is given.
const aroundEvents = 3

// maxTypicals bounds the typical values that a source has, since each may take a megabyte of every extractor.
const maxTypicals = 100

// logBits is how many binary digits after the point a logarithm has. With no more than 63 before it, 2^32 events of one CID fit an int64.
const logBits = 24

// logSums adds up sign(x) log2(1 + |x|) by ordinal in a block, in whole numbers, so that the order in which events came in does not show.
type logSums struct {
	logs *logTable
	of   [segments.BlockCIDs]logSum
}

type logSum struct{ sum, n int64 }

// add adds those of coefficients / 10^scale. As 1 + |x| is (10^scale + |coefficient|) / 10^scale, no digit is lost: a uint64 holds the dividend.
func (s *logSums) add(who []uint16, coefficients []int64, scale uint8) {
	const spare = tableBits - logBits
	one := value.Pow10(int(scale))
	ofOne := s.logs.of(one)
	for i, x := range who {
		sign := coefficients[i] >> 63 // -1 below 0
		size := uint64((coefficients[i] ^ sign) - sign)
		log := (s.logs.of(one+size) - ofOne + 1<<(spare-1)) >> spare
		to := &s.of[x]
		to.sum += (log ^ sign) - sign
		to.n++
	}
}

// read makes to the typical values around one, missing for who has none.
func (s *logSums) read(to []float32, ordinals []uint16, around float64) {
	given := aroundEvents * math.Copysign(math.Log1p(math.Abs(around))*math.Log2E, around)
	for row, x := range ordinals {
		to[row] = missing
		if of := s.of[x]; of.n > 0 {
			mean := (given + float64(of.sum)/(1<<logBits)) / float64(aroundEvents+of.n)
			to[row] = float32(math.Copysign(math.Exp2(math.Abs(mean))-1, mean))
		}
	}
}

// tableBits is how many binary digits after the point a logTable's logarithms have. They are within 2^-30 of the true ones.
const tableBits = 40

// logTable holds parabolas for the logarithm of numbers from 1 to 2, each through the middle of a part of them. Whole numbers have the same
// logarithm on every machine, and take a fourth of the time of math.Log2.
type logTable [1 << partBits]struct {
	log     int64  // in the middle, in 2^-tableBits
	slope   uint32 // in 2^-30
	flatter uint32 // what the square is times, in 2^-20
}

const partBits = 9

func newLogTable() *logTable {
	t := new(logTable)
	for i := range t {
		middle := 1 + (float64(i)+0.5)/(1<<partBits)
		t[i].log = int64(math.Round(math.Log2(middle) * (1 << tableBits)))
		t[i].slope = uint32(math.Round(math.Log2E / middle * (1 << 30)))
		t[i].flatter = uint32(math.Round(math.Log2E / (2 * middle * middle) * (1 << 20)))
	}
	return t
}

// of returns log2(n) in 2^-tableBits, for n above 0.
func (t *logTable) of(n uint64) int64 {
	const within = 63 - partBits // digits of n behind those that tell the part
	zeros := bits.LeadingZeros64(n)
	n <<= zeros
	part := &t[n>>within&(1<<partBits-1)]
	// From the middle of the part, in 2^-40; the square in 2^-50, and so all in 2^-70.
	from := (int64(n&(1<<within-1)) - 1<<(within-1)) >> (63 - tableBits)
	change := from*int64(part.slope) - (from*from>>30)*int64(part.flatter)
	return int64(63-zeros)<<tableBits + part.log + change>>30
}
