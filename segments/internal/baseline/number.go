package baseline

import "github.com/RoaringBitmap/roaring/v2"

// Number is a numeric attribute of whole numbers: who has one, and a plane for each bit of it, the lowest first. The
// library's own bit-sliced indexes are slower by far, and wrong for some values, so these are plain bitmaps.
type Number struct {
	Present *Set
	Planes  []*Set
}

// Above counts those whose number is greater than k, by one operation in place for each plane from the lowest
// up (O'Neil and Quass, 1997).
func (n *Number) Above(k uint64) uint64 {
	if k>>len(n.Planes) != 0 {
		return 0
	}
	above := roaring.New()
	for i, plane := range n.Planes {
		if k>>i&1 == 1 {
			above.And(plane.bits)
		} else {
			above.Or(plane.bits)
		}
	}
	return above.GetCardinality()
}

// Top returns the limit members with the greatest number, ties by ordinal. It goes through the planes from the highest, and
// keeps who is in for certain and who still may be (O'Neil and Quass, 1997).
func (n *Number) Top(limit uint64) *Set {
	chosen, open := roaring.New(), n.Present.bits.Clone()
	left := limit
	for i := len(n.Planes) - 1; i >= 0 && left > 0; i-- {
		plane := n.Planes[i].bits
		have := open.AndCardinality(plane)
		if have > left {
			open.And(plane)
			continue
		}
		chosen.Or(roaring.And(open, plane))
		open.AndNot(plane)
		left -= have
	}
	first := make([]uint32, 0, min(left, open.GetCardinality()))
	for it := open.Iterator(); left > 0 && it.HasNext(); left-- {
		first = append(first, it.Next())
	}
	chosen.AddMany(first)
	return &Set{chosen}
}
