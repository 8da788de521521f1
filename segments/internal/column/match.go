package column

import (
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// Range is a closed range of Data; Low above High is empty.
type Range struct{ Low, High int64 }

// Between makes out the candidates whose cell lies in the range. All cells must share one scale, which the range is
// meant in.
func (b *Block) Between(out, candidates *bitmap.Words, r Range) {
	switch {
	case r.Low > r.High || b.count == 0 || r.High < b.low || r.Low > b.high:
		out.Clear()
	case r.Low <= b.low && r.High >= b.high:
		b.Present(out)
		out.And(candidates)
	case b.layout == planar:
		b.bits.between(out, candidates, b.present, max(r.Low, b.low), min(r.High, b.high), b.low, b.high)
	case b.layout == wide:
		out.Clear()
		b.values.Between(out[:(b.values.n+63)/64], 0, b.values.n, r)
		b.within(out, candidates)
	default:
		b.someMembers(out, candidates, func(mask []uint64) { b.values.Between(mask, 0, b.values.n, r) })
	}
}

// within keeps of out, which a wide block's values were asked for, those present among the candidates.
func (b *Block) within(out, candidates *bitmap.Words) {
	if b.present != nil {
		out.And(b.present)
	}
	out.And(candidates)
}

// someMembers makes out the members of a sparse block that test marks by place, as far as they are candidates.
func (b *Block) someMembers(out, candidates *bitmap.Words, test func(mask []uint64)) {
	var room [sparseBelow / 64]uint64
	mask := room[:(len(b.members)+63)/64]
	test(mask)
	out.Clear()
	for w, left := range mask {
		for ; left != 0; left &= left - 1 {
			out.Set(b.members[w<<6+bits.TrailingZeros64(left)])
		}
	}
	out.And(candidates)
}

// between makes out the candidates with values in [low, high], which lies within the least and the greatest value there
// are and is not all of that.
func (p *planes) between(out, candidates, present *bitmap.Words, low, high, least, most int64) {
	from, to := uint64(low)-uint64(p.base), uint64(high)-uint64(p.base)
	switch {
	case from == to:
		p.equal(out, candidates, present, from)
		return
	case high == most:
		p.above(out, candidates, from-1)
		return
	case low == least:
		p.notAbove(out, candidates, present, to)
		return
	}
	var lowSteps, highSteps steps
	p.aboveSteps(&lowSteps, from-1)
	p.aboveSteps(&highSteps, to)
	var r, s tile
	for t := range blockTiles {
		o, c := tileOf((*[blockWords]uint64)(out), t), tileOf((*[blockWords]uint64)(candidates), t)
		if emptyTile(c) {
			*o = tile{}
			continue
		}
		p.run(&lowSteps, t, &r)
		p.run(&highSteps, t, &s)
		tileBetween(o, &r, &s, c)
	}
}

// above makes out the candidates whose distance is above c.
func (p *planes) above(out, candidates *bitmap.Words, c uint64) {
	var all steps
	p.aboveSteps(&all, c)
	var r tile
	for t := range blockTiles {
		o, c := tileOf((*[blockWords]uint64)(out), t), tileOf((*[blockWords]uint64)(candidates), t)
		if emptyTile(c) {
			*o = tile{}
			continue
		}
		p.run(&all, t, &r)
		tileWithin(o, &r, c)
	}
}

// notAbove makes out the candidates who have a distance and whose is not above c.
func (p *planes) notAbove(out, candidates, present *bitmap.Words, c uint64) {
	var all steps
	p.aboveSteps(&all, c)
	var r tile
	for t := range blockTiles {
		o, c := tileOf((*[blockWords]uint64)(out), t), tileOf((*[blockWords]uint64)(candidates), t)
		if emptyTile(c) {
			*o = tile{}
			continue
		}
		p.run(&all, t, &r)
		tileNotAbove(o, &r, c, tileOf((*[blockWords]uint64)(present), t))
	}
}

// steps are the planes that a comparison goes through, lowest first. The first one is the result so far; each further one is
// combined with that, by and, or by or.
type steps struct {
	n     int
	plane [64]*bitmap.Words
	and   [64]bool
}

// aboveSteps finds who is above c from the lowest plane up. Let r be who is above c in the planes below. Where c has the
// bit, whoever lacks it is below, and whoever has it is above if they were: r and p. Where c lacks it, whoever has it
// is above, and whoever lacks it is if they were: r or p. Nobody is above in no planes at all.
//
// This is what P. O'Neil and D. Quass do from the top plane down ("Improved query performance with variant indexes", 1997),
// turned around so that one operation a plane and no second bitmap are needed.
func (p *planes) aboveSteps(s *steps, c uint64) {
	for i := range p.k {
		plane, set := p.plane(i), c>>i&1 == 1
		switch {
		case plane == nil && set:
			s.n = 0
		case plane == nil || set && s.n == 0:
		default:
			s.plane[s.n], s.and[s.n] = plane, set
			s.n++
		}
	}
}

// run goes through the steps for one tile.
func (p *planes) run(s *steps, t int, r *tile) {
	at := func(i int) *tile { return tileOf((*[blockWords]uint64)(s.plane[i]), t) }
	switch s.n {
	case 0:
		*r = tile{}
		return
	case 1:
		*r = *at(0)
		return
	}
	last := at(0)
	i := 1
	for ; i+1 < s.n; i += 2 {
		switch {
		case s.and[i] && s.and[i+1]:
			tileAndAnd(r, last, at(i), at(i+1))
		case s.and[i]:
			tileAndOr(r, last, at(i), at(i+1))
		case s.and[i+1]:
			tileOrAnd(r, last, at(i), at(i+1))
		default:
			tileOrOr(r, last, at(i), at(i+1))
		}
		last = r
	}
	if i < s.n {
		if s.and[i] {
			tileAnd(r, last, at(i))
		} else {
			tileOr(r, last, at(i))
		}
	}
}

// equal makes out the candidates whose distance is c.
func (p *planes) equal(out, candidates, present *bitmap.Words, c uint64) {
	var with, without [65]*bitmap.Words // an odd one is there twice, so that they come in pairs
	n, m := 0, 0
	for i := range p.k {
		switch plane := p.plane(i); {
		case plane == nil && c>>i&1 == 1:
			out.Clear()
			return
		case plane == nil:
		case c>>i&1 == 1:
			with[n] = plane
			n++
		default:
			without[m] = plane
			m++
		}
	}
	if n%2 == 1 {
		with[n] = with[n-1]
		n++
	}
	if m%2 == 1 {
		without[m] = without[m-1]
		m++
	}
	for t := range blockTiles {
		at := func(w *bitmap.Words) *tile { return tileOf((*[blockWords]uint64)(w), t) }
		o := at(out)
		tileWithin(o, at(candidates), at(present))
		left := !emptyTile(o)
		for i := 0; i < n && left; i += 2 {
			left = tileKeep(o, at(with[i]), at(with[i+1]))
		}
		for i := 0; i < m && left; i += 2 {
			left = tileDrop(o, at(without[i]), at(without[i+1]))
		}
	}
}
