package logistic

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Minimum is where a search ended.
type Minimum struct {
	Beta []float64
	// Loss is the mean loss there, the penalty apart.
	Loss float64
	// Gradient is the largest slope left.
	Gradient   float64
	Iterations int

	hessian *mat.SymDense // of all rows, next to Beta; nil when it was not needed
}

// NotConverged says that a search did not reach the minimum.
type NotConverged struct {
	Reason     string
	Gradient   float64
	Iterations int
}

func (e *NotConverged) Error() string {
	return fmt.Sprintf("not converged after %d iterations: %s (slope left %g)", e.Iterations, e.Reason, e.Gradient)
}

const (
	// A slope this small, along axes scaled so that the objective curves by about 1, is the minimum for certain;
	// one up to acceptSlope is, when no step lowers the objective any more.
	stopSlope   = 1e-9
	acceptSlope = 1e-5
	// Without a penalty, standardised coefficients beyond this mean that the least loss is at infinity.
	runaway = 20
	// turnAfter is after how many iterations the axes are turned anew, by the second derivative where the search has
	// come to: with good axes it takes fewer, and with bad ones each further one gains little.
	turnAfter = 6
	// The slope from which on Newton steps end a search, how many at most, and the slope that is rounding.
	newtonSlope   = 2e-6
	newtonSteps   = 8
	roundingSlope = 1e-14
	// The first sample has so many rows for each term, and at least so many; each further one so many times as many.
	sampleRows, leastSample, sampleGrowth = 20, 5000, 8
	// The minimum of a sample is that of the whole within about this slope, and a few iterations lead there.
	nearSlope, approachIterations = 1e-2, 60
	// exactWork bounds rows x terms^2 of Newton steps, and of second derivatives without 32-bit rounding.
	exactWork = 4e9
)

// Minimise searches from start (nil: from zero) by L-BFGS. The axes are first turned and scaled by the second
// derivative near the minimum, so that correlated columns, of which a spline has many, cost no more iterations than
// independent ones. Samples of the rows, each larger than the one before, lead there. Errors are *NotConverged or the
// context's.
func Minimise(ctx context.Context, p *Problem, start []float64) (*Minimum, error) {
	beta := make([]float64, p.Design.Terms())
	copy(beta, start)
	beta, err := p.approach(ctx, beta)
	if err != nil {
		return nil, err
	}
	return MinimiseFrom(ctx, p, beta, p.Curvature(beta))
}

// Near returns coefficients near the minimum, as a sample of rows has it. The error is the context's.
func Near(ctx context.Context, p *Problem) ([]float64, error) {
	return p.approach(ctx, make([]float64, p.Design.Terms()))
}

// MinimiseFrom is Minimise from a start near the minimum, with the Curvature there of this problem or of one much like
// it. Neither is changed.
func MinimiseFrom(ctx context.Context, p *Problem, start []float64, curvature *mat.SymDense) (*Minimum, error) {
	exact := p.Exact && !p.large()
	enough := max(stopSlope, p.Slope)
	if exact && p.Penalty > 0 {
		enough = newtonSlope
	}
	s, m, reason, err := p.descend(ctx, start, curvature, p.MaxIterations, enough)
	if err != nil {
		return nil, err
	}
	if exact && s.slope() <= acceptSlope {
		m.hessian = s.newton()
	}
	slope := s.slope()
	m.Beta, m.Loss, m.Gradient = s.beta, s.loss, floats.Norm(s.gradient, math.Inf(1))
	switch {
	case p.Penalty == 0 && floats.Norm(m.Beta[1:], math.Inf(1)) > runaway:
		return nil, &NotConverged{"the columns tell the classes apart perfectly, so that coefficients grow without end", m.Gradient, m.Iterations}
	case !(slope <= max(acceptSlope, p.Slope)):
		return nil, &NotConverged{reason, m.Gradient, m.Iterations}
	}
	return m, nil
}

// large problems are not solved to the last digits.
func (p *Problem) large() bool {
	terms := float64(p.Design.Terms())
	return float64(p.Design.Rows)*terms*terms > exactWork
}

// descend searches until the slope is small enough, turning the axes anew when that takes long. The Minimum says how
// many iterations it took, and reason why the last search ended.
func (p *Problem) descend(ctx context.Context, start []float64, curvature *mat.SymDense, most int, enough float64) (s *search, m *Minimum, reason string, err error) {
	m = &Minimum{}
	for stride := p.curvatureStride(); ; stride = max(1, stride/2) {
		s = newSearch(p, start, lowerRoot(p.withRidge(curvature)))
		limit := most - m.Iterations
		again := limit > turnAfter
		if again {
			limit = turnAfter
		}
		iterations, why, err := s.run(ctx, limit, enough)
		if err != nil {
			return nil, nil, "", err
		}
		m.Iterations, reason = m.Iterations+iterations, why
		if !again || iterations < turnAfter || s.slope() <= enough {
			return s, m, reason, nil
		}
		start, curvature = s.beta, p.curvature(s.beta, stride, true)
	}
}

// approach moves beta to about the minimum, as samples of the rows have it.
func (p *Problem) approach(ctx context.Context, beta []float64) ([]float64, error) {
	d := p.Design
	for stride := max(1, d.Rows/max(leastSample, sampleRows*d.Terms())); ; stride /= sampleGrowth {
		sample := *p
		if stride > 1 {
			sample = p.sample(stride)
			// The penalty weighs in the sample what it weighs in the whole.
			sample.Penalty = p.Penalty * sample.Total() / p.Total()
		}
		s, _, _, err := sample.descend(ctx, beta, sample.curvature(beta, 1, true), approachIterations, nearSlope)
		if err != nil {
			return nil, err
		}
		beta = s.beta
		if stride < 2*sampleGrowth {
			return beta, nil
		}
	}
}

// sample copies one row of every stride.
func (p *Problem) sample(stride int) Problem {
	d := p.Design
	s := *p
	s.Design = &Design{Dense: d.Dense, Sparse: d.Sparse, Start: []int64{0}}
	s.Label, s.Weight = nil, nil
	for row := 0; row < d.Rows; row += stride {
		s.Design.Rows++
		s.Design.X = append(s.Design.X, d.dense(row)...)
		s.Design.Index = append(s.Design.Index, d.sparse(row)...)
		s.Design.Start = append(s.Design.Start, int64(len(s.Design.Index)))
		s.Label = append(s.Label, p.Label[row])
		if p.Weight != nil {
			s.Weight = append(s.Weight, p.Weight[row])
		}
	}
	return s
}
