// Package baseline answers the questions of the benchmark with the roaring library, as one who knows it well would: whole
// bitmaps, run-optimised, changed in place, and counted without being made where that is possible. It is what
// speeds are compared with and results are checked against, and shares no code with the index.
package baseline

import "github.com/RoaringBitmap/roaring/v2"

// Set is a set of ordinals in one roaring bitmap. It is immutable.
type Set struct{ bits *roaring.Bitmap }

// FromWords returns the set of the bits set: ordinal x is bit x%64 of word x/64. It copies them.
func FromWords(words []uint64) *Set { return optimised(roaring.FromDense(words, true)) }

// FromMembers returns the set of ascending members.
func FromMembers(members []uint32) *Set {
	bits := roaring.New()
	bits.AddMany(members)
	return optimised(bits)
}

func optimised(bits *roaring.Bitmap) *Set {
	bits.RunOptimize()
	return &Set{bits}
}

// Count returns the number of members.
func (s *Set) Count() uint64 { return s.bits.GetCardinality() }

// Each calls f with every member, ascending.
func (s *Set) Each(f func(x uint32)) {
	s.bits.Iterate(func(x uint32) bool { f(x); return true })
}

// And5 counts (a and b and (c or d)) and not e.
func And5(a, b, c, d, e *Set) uint64 {
	left := c.bits.Clone()
	left.Or(d.bits)
	left.AndNot(e.bits)
	left.And(b.bits)
	return left.AndCardinality(a.bits)
}

// Union counts the members of at least one of the sets.
func Union(sets []*Set) uint64 {
	if len(sets) == 2 {
		return sets[0].bits.OrCardinality(sets[1].bits)
	}
	return roaring.FastOr(bitsOf(sets)...).GetCardinality()
}

// Intersection counts the members of all of the sets.
func Intersection(sets []*Set) uint64 {
	if len(sets) == 2 {
		return sets[0].bits.AndCardinality(sets[1].bits)
	}
	return roaring.FastAnd(bitsOf(sets)...).GetCardinality()
}

func bitsOf(sets []*Set) []*roaring.Bitmap {
	all := make([]*roaring.Bitmap, len(sets))
	for i, s := range sets {
		all[i] = s.bits
	}
	return all
}
