package bench

import "math/bits"

// Indexes in Numbers.
const (
	numberAge = iota
	numberPoints
	numberScore
	numberSpent
)

// Numbers returns the numeric attributes.
func (d Dataset) Numbers() []Number {
	return []Number{
		numberAge:    {Name: "age", Bits: 7, Missing: .1},
		numberPoints: {Name: "points", Bits: 10, Missing: .02},
		numberScore:  {Name: "score16", Bits: 16},
		numberSpent:  {Name: "spent", Bits: 24, Missing: .5},
	}
}

// Values sets values to the values of a numeric attribute, by its index in Numbers, in one block, and present to who
// has one. Values of those who have none are 0. There must be room for BlockOrdinals values.
func (d Dataset) Values(number, block int, values []int64, present *[BlockWords]uint64) {
	n := d.Numbers()[number]
	d.streamOf(kindPresent, number, 0, block).fill(present, 1-n.Missing)
	d.clip(block, present)
	clear(values[:BlockOrdinals])
	random := d.streamOf(kindValue, number, 0, block)
	for i, w := range present {
		for ; w != 0; w &= w - 1 {
			values[i<<6+bits.TrailingZeros64(w)] = int64(random.next() >> (64 - n.Bits))
		}
	}
}
