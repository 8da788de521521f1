package transform

import "math"

// octaves are a Curve over positive numbers in stretches so short, a part of an octave each, that a cubic tells them
// but for rounding: the bits of a number say which stretch it is in, and its logarithm is never taken. Stretches that a
// knot is in, and what lies outside of them all, are left to the Curve.
type octaves struct {
	low, high float32
	first     uint32       // the bits, shifted, of the first stretch
	cubics    [][4]float64 // in powers of the distance to where the stretch begins; NaN where it does not tell
}

const (
	stretchShift = 23 - 5 // 32 stretches an octave
	// Numbers beyond these are rare, and a table of 27 octaves takes 27 KB, which stays in the first-level cache.
	leastOctave, endOctave = 1.0 / 128, 1 << 20
)

func (c *Curve) newOctaves() octaves {
	o := octaves{low: float32(c.low), high: float32(c.high)}
	if !c.log && len(c.starts) == 0 || float64(o.low) != c.low || float64(o.high) != c.high || !(o.high > leastOctave) {
		return o // a line needs none, and bounds that are rounded would be others
	}
	o.first = math.Float32bits(max(o.low, leastOctave)) >> stretchShift
	last := math.Float32bits(min(o.high, math.Nextafter32(endOctave, 0))) >> stretchShift
	for k := o.first; k <= last; k++ {
		from, to := stretch(k), stretch(k+1)
		o.cubics = append(o.cubics, c.cubic(from, to))
	}
	return o
}

// stretch is where a stretch begins.
func stretch(k uint32) float64 { return float64(math.Float32frombits(k << stretchShift)) }

// cubic interpolates the curve at the Chebyshev nodes of a stretch.
func (c *Curve) cubic(from, to float64) [4]float64 {
	nan := math.NaN()
	for _, knot := range c.starts {
		if c.bent(from) <= knot && knot <= c.bent(to) {
			return [4]float64{nan, nan, nan, nan}
		}
	}
	var u, d [4]float64
	for i := range u {
		u[i] = (1 - math.Cos(math.Pi*(2*float64(i)+1)/8)) / 2
		d[i] = c.unclamped(from + u[i]*(to-from))
		if !(math.Abs(d[i]) < greatest/2) {
			return [4]float64{nan, nan, nan, nan}
		}
	}
	for width := 1; width < 4; width++ { // divided differences
		for i := 3; i >= width; i-- {
			d[i] = (d[i] - d[i-1]) / (u[i] - u[i-width])
		}
	}
	p := [4]float64{d[3]}
	for i := 2; i >= 0; i-- { // p = p (u - u[i]) + d[i]
		for k := 3; k > 0; k-- {
			p[k] = p[k-1] - p[k]*u[i]
		}
		p[0] = d[i] - p[0]*u[i]
	}
	for k, scale := 1, to-from; k < 4; k, scale = k+1, scale*(to-from) {
		p[k] /= scale
	}
	return p
}

func (c *Curve) bent(v float64) float64 {
	if c.log {
		return signedLog(v)
	}
	return v
}

// at is what a value adds, or NaN.
func (o *octaves) at(x float32) float64 {
	if x < o.low {
		x = o.low
	} else if x > o.high {
		x = o.high
	}
	bits := math.Float32bits(x)
	k := bits>>stretchShift - o.first // of negative and missing values beyond the table
	if uint(k) >= uint(len(o.cubics)) {
		return math.NaN()
	}
	p := &o.cubics[k]
	u := float64(x) - float64(math.Float32frombits(bits>>stretchShift<<stretchShift))
	return p[0] + u*(p[1]+u*(p[2]+u*p[3]))
}
