package models

import "slices"

// factors are how many times the penalty each coefficient has, the intercept's place among them; nil where it is once for all.
func (s *spec) factors() []float64 {
	l := s.layout()
	factors := slices.Repeat([]float64{1}, 1+l.denseTerms+l.sparseTerms)
	for i := range s.Columns {
		c := &s.Columns[i]
		of := orOnce(c.PenaltyFactor)
		if c.Number != nil {
			for j := range c.Number.Terms {
				factors[1+l.dense[i]+j] = of
				if j > 0 {
					factors[1+l.dense[i]+j] *= orOnce(s.BendFactor)
				}
			}
		}
		for j := range c.sparse() {
			factors[1+l.denseTerms+l.sparse[i]+j] = of
		}
	}
	if slices.ContainsFunc(factors, func(f float64) bool { return f != 1 }) {
		return factors
	}
	return nil
}

func orOnce(factor float64) float64 {
	if factor == 0 {
		return 1
	}
	return factor
}
