// Package transform turns one raw column into terms of a sum: how a number is clamped, bent and standardised, which
// levels stand alone, what a missing value stands for. What it learned from training rows is plain data, kept in the
// artifact.
package transform

import (
	"fmt"
	"math"
)

// Term is one transformed column: (x - Mean) / Scale, weighed by Coefficient.
type Term struct {
	Mean          float64 `json:"mean"`
	Scale         float64 `json:"scale"`
	Coefficient   float64 `json:"coefficient"`
	StandardError float64 `json:"standard_error"`
}

// standard is x on the scale that the coefficient weighs.
func (t *Term) standard(x float64) float64 { return (x - t.Mean) / t.Scale }

const greatest = 1e9

// Check says what makes a term unusable.
func (t *Term) Check() error {
	for _, v := range []float64{t.Mean, t.Scale, t.Coefficient, t.StandardError} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("a number is not finite")
		}
	}
	if !(t.Scale > 0) {
		return fmt.Errorf("the scale %v is not above 0", t.Scale)
	}
	if math.Abs(t.Coefficient) > greatest || !(t.StandardError >= 0) {
		return fmt.Errorf("the coefficient %v with standard error %v is out of range", t.Coefficient, t.StandardError)
	}
	return nil
}

// bounded keeps a sum of many contributions finite, whatever a damaged artifact or an extreme value brought.
func bounded(v float64) float64 {
	switch {
	case v > greatest:
		return greatest
	case v < -greatest:
		return -greatest
	case v != v:
		return 0
	}
	return v
}
