package transform

import "math"

// Curve is what a column of numbers adds to the sum, made ready for many rows: one cubic for each stretch between
// knots, in place of a sum of terms that each need powers of their own. It agrees with Number.Contribution but for
// rounding. It never changes once it is quick.
type Curve struct {
	low, high float64
	log       bool
	starts    []float64    // of each stretch but the first, which has no beginning
	pieces    [][4]float64 // of each stretch, in powers of the distance to origin
	origins   []float64
	missing   float64
	octaves   octaves
}

// Curve of a checked column.
func (n *Number) Curve() *Curve {
	c := &Curve{low: n.Low, high: n.High, log: n.Log, starts: n.Knots}
	if n.Missing != nil {
		c.missing = n.Missing.Coefficient
	}
	if len(n.Terms) == 0 {
		c.origins, c.pieces = []float64{0}, make([][4]float64, 1)
		return c
	}
	c.origins = append([]float64{n.Terms[0].Mean}, n.Knots...)
	c.pieces = make([][4]float64, len(c.origins))
	for i, origin := range c.origins {
		p := &c.pieces[i]
		first := &n.Terms[0]
		p[0] = first.Coefficient * first.standard(origin)
		p[1] = first.Coefficient / first.Scale
		for j := range n.Terms[1:] {
			n.addSpline(p, j, origin, i > 0)
		}
		if i == len(n.Knots) {
			p[2], p[3] = 0, 0 // a line after the last knot, but for rounding
		}
	}
	return c
}

// addSpline adds spline term j to a piece that begins at origin; before the first knot the term is constant.
func (n *Number) addSpline(p *[4]float64, j int, origin float64, begun bool) {
	term := &n.Terms[1+j]
	p[0] -= term.Coefficient * term.Mean / term.Scale
	if !begun {
		return
	}
	k := len(n.Knots)
	first, beforeLast, last := n.Knots[0], n.Knots[k-2], n.Knots[k-1]
	weight := term.Coefficient / term.Scale / ((last - first) * (last - first))
	cube := func(knot, q float64) {
		if d := origin - knot; d >= 0 {
			p[0] += q * d * d * d
			p[1] += 3 * q * d * d
			p[2] += 3 * q * d
			p[3] += q
		}
	}
	cube(n.Knots[j], weight)
	cube(beforeLast, -weight*(last-n.Knots[j])/(last-beforeLast))
	cube(last, weight*(beforeLast-n.Knots[j])/(last-beforeLast))
}

// Quicken makes At of positive numbers several times faster, for up to 27 KB.
func (c *Curve) Quicken() { c.octaves = c.newOctaves() }

// At is what a value adds.
func (c *Curve) At(x float32) float64 {
	if s := c.octaves.at(x); s == s {
		return s
	}
	return c.exact(x)
}

func (c *Curve) exact(x float32) float64 {
	if x != x {
		return c.missing
	}
	s := c.unclamped(max(c.low, min(c.high, float64(x))))
	if math.Abs(s) < greatest {
		return s
	}
	return bounded(s)
}

func (c *Curve) unclamped(v float64) float64 {
	if c.log {
		v = signedLog(v)
	}
	i := 0
	for _, start := range c.starts {
		// Counted without a branch, which would be guessed wrong every other time.
		past := 0
		if v >= start {
			past = 1
		}
		i += past
	}
	p, u := &c.pieces[i], v-c.origins[i]
	return p[0] + u*(p[1]+u*(p[2]+u*p[3]))
}
