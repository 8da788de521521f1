package models

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"whowhen.dev/whowhen/models/internal/transform"
)

// effects says of every column what a change worth telling of does, and how sure that is.
func (s *spec) effects(t *Table, columns []int, rows []int32, v *mat.SymDense) []Effect {
	l := s.layout()
	effects := []Effect{}
	slope := s.Calibration.Slope
	for i := range s.Columns {
		c := &s.Columns[i]
		if n := c.Number; n != nil {
			if from, to, ok := change(t.Values[columns[i]], rows, n); ok {
				effects = append(effects, s.numberEffect(c, from, to, 1+l.dense[i], v))
			}
		}
		sparse := c.sparse()
		for j, term := range sparse {
			e := Effect{Column: c.Name, Kind: EffectMissing, LogOdds: slope * term.Coefficient, StandardError: slope * term.StandardError}
			if c.Level != nil {
				e.Against = c.Levels[slices.Index(c.Level.TermOf, transform.Reference)]
				switch {
				case j < len(c.Level.Terms):
					e.Kind, e.Level = EffectLevel, c.Levels[slices.Index(c.Level.TermOf, j)]
				case term == c.Level.Other:
					e.Kind = EffectOther
				}
			}
			effects = append(effects, e)
		}
	}
	return effects
}

func (s *spec) numberEffect(c *inUse, from, to float32, first int, v *mat.SymDense) Effect {
	terms := len(c.Number.Terms)
	a, b := make([]float32, terms), make([]float32, terms)
	c.Number.Standard(from, a)
	c.Number.Standard(to, b)
	variance := 0.0
	for i := range a {
		for j := range a {
			variance += float64(b[i]-a[i]) * float64(b[j]-a[j]) * v.At(first+i, first+j)
		}
	}
	slope := s.Calibration.Slope
	return Effect{
		Column: c.Name, Kind: EffectNumber, From: float64(from), To: float64(to),
		LogOdds:       slope * (c.Number.Contribution(to) - c.Number.Contribution(from)),
		StandardError: slope * math.Sqrt(max(0, variance)),
	}
}

// change is from the lower to the upper quartile, or, where these are equal, between values further apart.
func change(values []float32, rows []int32, n *transform.Number) (from, to float32, ok bool) {
	if len(n.Terms) == 0 {
		return 0, 0, false
	}
	var sample []float32
	for _, k := range sampleOf(len(rows)) {
		if x := values[rows[k]]; x == x {
			sample = append(sample, x)
		}
	}
	if len(sample) == 0 {
		return 0, 0, false
	}
	slices.Sort(sample)
	for _, q := range []float64{0.25, 0.1, 0.05, 0.01} {
		from, to = sample[int(q*float64(len(sample)-1))], sample[int((1-q)*float64(len(sample)-1))]
		from, to = max(from, float32(n.Low)), min(to, float32(n.High))
		if from < to {
			return from, to, true
		}
	}
	return float32(n.Low), float32(n.High), true
}
