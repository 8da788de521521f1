package logistic

import (
	"context"
	"fmt"
	"math"
	"slices"

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
	stopSlope   = 1e-7
	acceptSlope = 1e-5
	// Without a penalty, standardised coefficients beyond this mean that the least loss is at infinity.
	runaway = 50
	// turnAfter is after how many iterations the axes are turned anew, by the second derivative where the search has
	// come to: with good axes it takes fewer, and with bad ones each further one gains little.
	turnAfter = 10
	// The slope from which on Newton steps end a search, how many at most, and the slope that is rounding.
	newtonSlope   = 2e-6
	newtonSteps   = 8
	roundingSlope = 1e-14
	// exactWork bounds rows x terms^2 of Newton steps.
	exactWork = 4e9
)

// Minimise searches from start (nil: from zero) by L-BFGS. The axes are first turned and scaled by the second
// derivative near the minimum, as a sample of rows has it, so that correlated columns, of which a spline has many, cost
// no more iterations than independent ones. Errors are *NotConverged or the context's.
func Minimise(ctx context.Context, p *Problem, start []float64) (*Minimum, error) {
	beta := make([]float64, p.Design.Terms())
	copy(beta, start)
	if err := p.sampleMinimum(ctx, beta); err != nil {
		return nil, err
	}
	return MinimiseFrom(ctx, p, beta, p.Curvature(beta))
}

// Near returns coefficients near the minimum, as a sample of rows has it. The error is the context's.
func Near(ctx context.Context, p *Problem) ([]float64, error) {
	beta := make([]float64, p.Design.Terms())
	return beta, p.sampleMinimum(ctx, beta)
}

// MinimiseFrom is Minimise from a start near the minimum, with the Curvature there of this problem or of one much like
// it. Neither is changed.
func MinimiseFrom(ctx context.Context, p *Problem, start []float64, curvature *mat.SymDense) (*Minimum, error) {
	s, m, reason := (*search)(nil), &Minimum{}, ""
	terms := float64(p.Design.Terms())
	exact := p.Exact && float64(p.Design.Rows)*terms*terms <= exactWork
	enough := max(stopSlope, p.Slope)
	if exact && p.Penalty > 0 {
		enough = newtonSlope
	}
	for stride := p.curvatureStride(); ; stride /= 2 {
		s = &search{objective: newObjective(p), axes: lowerRoot(p.withRidge(curvature)), origin: start,
			beta: slices.Clone(start), gradient: make([]float64, p.Design.Terms())}
		limit := p.MaxIterations - m.Iterations
		again := stride > 0 && limit > turnAfter
		if again {
			limit = turnAfter
		}
		iterations, why, err := s.run(ctx, limit, enough)
		if err != nil {
			return nil, err
		}
		s.evaluate(s.best)
		m.Iterations, reason = m.Iterations+iterations, why
		if !again || iterations < turnAfter {
			break
		}
		start, curvature = s.beta, p.curvature(s.beta, stride)
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

// sampleMinimum moves beta to about the minimum of a sample of rows.
func (p *Problem) sampleMinimum(ctx context.Context, beta []float64) error {
	d := p.Design
	stride := max(1, d.Rows/max(5000, 20*d.Terms()))
	sample := *p
	if stride > 1 {
		sample = p.sample(stride)
		// The penalty weighs in the sample what it weighs in the whole.
		sample.Penalty = p.Penalty * sample.Total() / p.Total()
	}
	o := newObjective(&sample)
	gradient, next, nextGradient := make([]float64, d.Terms()), make([]float64, d.Terms()), make([]float64, d.Terms())
	value, _ := o.at(beta, gradient)
	for range 12 {
		if err := ctx.Err(); err != nil {
			return err
		}
		root := lowerRoot(sample.hessian(beta))
		step := slices.Clone(gradient)
		forward(root, step)
		decrease := floats.Dot(step, step)
		backward(root, step)
		size, better := 1.0, false
		for ; size > 1e-3 && !better; size /= 2 {
			floats.AddScaledTo(next, beta, -size, step)
			v, _ := o.at(next, nextGradient)
			if better = v < value; better {
				value = v
				copy(beta, next)
				copy(gradient, nextGradient)
			}
		}
		if !better || decrease < 1e-4 {
			break // the whole is elsewhere by more than another step would do
		}
	}
	return nil
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
