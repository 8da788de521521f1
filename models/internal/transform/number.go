package transform

import (
	"errors"
	"fmt"
	"math"
)

// MaxKnots bounds the knots of a spline.
const MaxKnots = 8

// closest is how close to each other knots may be, as a share of their range: closer ones cost more digits than they
// tell.
const closest = 1e-4

// Number is a column of numbers. A value is clamped to [Low, High], so that one far outside the training rows weighs no
// more than their extremes; then, if Log, it becomes sign(x) log(1+|x|); then it is standardised and, with Knots, bent.
// A missing value stands for the training mean of each term, and for Missing.
//
// Knots are those of a restricted cubic spline (F. Harrell, Regression Modeling Strategies, 2nd ed., 2.4.5): with knots
// t1 < ... < tk, term j of k-2 is
//
//	((x-tj)+^3 - (x-t(k-1))+^3 (tk-tj)/(tk-t(k-1)) + (x-tk)+^3 (t(k-1)-tj)/(tk-t(k-1))) / (tk-t1)^2
//
// so that the curve is a line before the first and after the last knot.
type Number struct {
	Log   bool      `json:"log"`
	Low   float64   `json:"low"`
	High  float64   `json:"high"`
	Knots []float64 `json:"knots,omitempty"`
	// Terms are the column itself and then the terms of the spline; none when all values are equal.
	Terms []Term `json:"terms"`
	// Missing is 1 for a missing value and else 0; nil when too few were missing in training.
	Missing *Term `json:"missing,omitempty"`
}

// Bend is a value clamped and put on the scale of the knots. It is NaN for a missing value.
func (n *Number) Bend(x float32) float64 {
	v := float64(x)
	if v < n.Low {
		v = n.Low
	} else if v > n.High {
		v = n.High
	}
	if n.Log {
		v = signedLog(v)
	}
	return v
}

// signedLog is sign(v) log(1+|v|). Near 0 it is less exact than Log1p, relative to itself, but not to the values that
// are told apart there, and takes half the time.
func signedLog(v float64) float64 {
	if v < 0 {
		return -math.Log(1 - v)
	}
	return math.Log(1 + v)
}

// raw is term i, before it is standardised, of a bent value.
func (n *Number) raw(i int, bent float64) float64 {
	if i == 0 {
		return bent
	}
	return spline(n.Knots, i-1, bent)
}

func spline(knots []float64, j int, x float64) float64 {
	if x <= knots[j] {
		return 0
	}
	k := len(knots)
	first, beforeLast, last := knots[0], knots[k-2], knots[k-1]
	cube := func(v float64) float64 {
		if v <= 0 {
			return 0
		}
		return v * v * v
	}
	width := last - first
	if x >= last {
		// The cubes cancel; what they leave is this line.
		from, inner := last-knots[j], beforeLast-knots[j]
		return from * inner * (last - knots[j] + last - beforeLast + 3*(x-last)) / (width * width)
	}
	return (cube(x-knots[j]) - cube(x-beforeLast)*(last-knots[j])/(last-beforeLast)) / (width * width)
}

// Standard writes the standardised terms of one value; missing values are 0, their mean.
func (n *Number) Standard(x float32, out []float32) {
	if x != x {
		clear(out[:len(n.Terms)])
		return
	}
	if len(n.Terms) == 0 {
		return
	}
	bent := n.Bend(x)
	for i := range n.Terms {
		out[i] = float32(n.Terms[i].standard(n.raw(i, bent)))
	}
}

// Contribution is what a value adds to the sum, term by term; a Curve tells the same faster.
func (n *Number) Contribution(x float32) float64 {
	if x != x {
		if n.Missing != nil {
			return n.Missing.Coefficient
		}
		return 0
	}
	if len(n.Terms) == 0 {
		return 0
	}
	bent := n.Bend(x)
	sum := 0.0
	for i := range n.Terms {
		sum += n.Terms[i].Coefficient * n.Terms[i].standard(n.raw(i, bent))
	}
	return bounded(sum)
}

// factorLimit bounds a factor of a product, so that a product of two outliers cannot outweigh everything else.
const factorLimit = 5

// Factor is a value as it enters a product with another column: standardised, within ±5, 0 when missing.
func (n *Number) Factor(x float32) float64 {
	if x != x || len(n.Terms) == 0 {
		return 0
	}
	v := n.Terms[0].standard(n.Bend(x))
	switch {
	case v > factorLimit:
		return factorLimit
	case v < -factorLimit:
		return -factorLimit
	case v != v:
		return 0
	}
	return v
}

// Check says what makes a column of numbers unusable.
func (n *Number) Check() error {
	for _, v := range append([]float64{n.Low, n.High}, n.Knots...) {
		if math.IsNaN(v) || math.Abs(v) > math.MaxFloat32 {
			return errors.New("a bound or knot is not a finite 32-bit number")
		}
	}
	if n.Low > n.High {
		return fmt.Errorf("the lower bound %v is above the upper one %v", n.Low, n.High)
	}
	want := 1
	if len(n.Knots) > 0 {
		if len(n.Knots) < 3 || len(n.Knots) > MaxKnots {
			return fmt.Errorf("there are %d knots; a spline has 3 to %d", len(n.Knots), MaxKnots)
		}
		for i := 1; i < len(n.Knots); i++ {
			if !(n.Knots[i]-n.Knots[i-1] > closest/10*(n.Knots[len(n.Knots)-1]-n.Knots[0])) {
				return errors.New("the knots do not increase, or are too close to each other")
			}
		}
		want = len(n.Knots) - 1
	}
	if len(n.Terms) != want && (len(n.Terms) != 0 || len(n.Knots) != 0) {
		return fmt.Errorf("there are %d terms where %d are needed", len(n.Terms), want)
	}
	for i := range n.Terms {
		if err := n.Terms[i].Check(); err != nil {
			return fmt.Errorf("term %d: %w", i, err)
		}
	}
	if n.Missing != nil {
		if err := n.Missing.Check(); err != nil {
			return fmt.Errorf("the term of missing values: %w", err)
		}
	}
	return nil
}
