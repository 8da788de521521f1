package sendtime

import "math"

// moments add up columns, to standardise them.
type moments struct {
	n            float64
	sum, squares []float64
}

func newMoments(columns int) *moments {
	return &moments{sum: make([]float64, columns), squares: make([]float64, columns)}
}

func (m *moments) add(x []float64) {
	m.n++
	for i, v := range x {
		m.sum[i] += v
		m.squares[i] += v * v
	}
}

// standard takes columns to mean 0 and spread 1; one that is all the same becomes 0.
type standard struct{ mean, rate []float64 }

func (m *moments) standard() standard {
	s := standard{make([]float64, len(m.sum)), make([]float64, len(m.sum))}
	for i := range m.sum {
		s.mean[i] = m.sum[i] / m.n
		variance := m.squares[i]/m.n - s.mean[i]*s.mean[i]
		if variance > 1e-12 {
			s.rate[i] = 1 / math.Sqrt(variance)
		}
	}
	return s
}

// apply writes 1 and the standardised columns.
func (s standard) apply(x, to []float64) {
	to[0] = 1
	for i, v := range x {
		to[i+1] = (v - s.mean[i]) * s.rate[i]
	}
}

// plain turns coefficients of standardised columns, the intercept first, into those of the columns as they are.
func (s standard) plain(beta []float64) []float64 {
	out := make([]float64, len(beta))
	out[0] = beta[0]
	for i, b := range beta[1:] {
		out[i+1] = b * s.rate[i]
		out[0] -= out[i+1] * s.mean[i]
	}
	return out
}
