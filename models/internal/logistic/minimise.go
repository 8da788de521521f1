package logistic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// Minimum is where a search ended.
type Minimum struct {
	Beta []float64
	// Loss is the mean loss there, the penalty apart.
	Loss float64
	// Gradient is the largest slope left.
	Gradient   float64
	Iterations int
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
	// exactWork bounds rows x terms^2 of a last Newton step.
	exactWork = 4e9
)

// Minimise searches from start (nil: from zero) by L-BFGS. The axes are first turned and scaled by the second
// derivative at the minimum of a sample of rows, so that correlated columns, of which a spline has many, cost no more
// iterations than independent ones. Errors are *NotConverged or the context's.
func Minimise(ctx context.Context, p *Problem, start []float64) (*Minimum, error) {
	terms := p.Design.Terms()
	beta := make([]float64, terms)
	if start != nil {
		copy(beta, start)
	}
	axes, err := p.sampleMinimum(ctx, beta)
	if err != nil {
		return nil, err
	}
	o := newObjective(p)
	s := &search{objective: o, axes: axes, origin: slices.Clone(beta), beta: beta, gradient: make([]float64, terms)}
	iterations, reason, err := s.run(ctx)
	if err != nil {
		return nil, err
	}
	s.evaluate(s.best)
	if p.Exact && float64(p.Design.Rows)*float64(terms)*float64(terms) <= exactWork {
		s.newton()
	}
	slope := s.slope()
	m := &Minimum{Beta: s.beta, Loss: s.loss, Gradient: floats.Norm(s.gradient, math.Inf(1)), Iterations: iterations}
	switch {
	case p.Penalty == 0 && floats.Norm(m.Beta[1:], math.Inf(1)) > runaway:
		return nil, &NotConverged{"the columns tell the classes apart perfectly, so that coefficients grow without end", m.Gradient, iterations}
	case !(slope <= acceptSlope):
		return nil, &NotConverged{reason, m.Gradient, iterations}
	}
	return m, nil
}

// sampleMinimum moves beta to about the minimum of a sample of rows and returns the lower root of the second
// derivative there.
func (p *Problem) sampleMinimum(ctx context.Context, beta []float64) (*mat.TriDense, error) {
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
	var root *mat.TriDense
	for range 12 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		root = lowerRoot(sample.hessian(beta, 1))
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
		// A full step that gains next to nothing leaves the second derivative as it is.
		if !better || decrease < 1e-6 {
			break
		}
	}
	return root, nil
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

// lowerRoot is L with L L' = a, with as much added to the diagonal of a as that needs.
func lowerRoot(a *mat.SymDense) *mat.TriDense {
	n := a.SymmetricDim()
	trace := 0.0
	for i := range n {
		trace += a.At(i, i)
	}
	var chol mat.Cholesky
	root := mat.NewTriDense(n, mat.Lower, nil)
	for ridge := 1e-10 * (trace/float64(n) + 1e-300); ridge < math.MaxFloat32; ridge *= 10 {
		if chol.Factorize(a) && chol.Cond() < 1e15 {
			chol.LTo(root)
			return root
		}
		for i := range n {
			a.SetSym(i, i, a.At(i, i)+ridge)
		}
	}
	for i := range n {
		root.SetTri(i, i, 1)
	}
	return root
}

// forward and backward solve L y = v and L' y = v in place.
func forward(l *mat.TriDense, v []float64) {
	raw := l.RawTriangular()
	for i := range v {
		row := raw.Data[i*raw.Stride : i*raw.Stride+i]
		v[i] = (v[i] - floats.Dot(row, v[:i])) / raw.Data[i*raw.Stride+i]
	}
}

func backward(l *mat.TriDense, v []float64) {
	raw := l.RawTriangular()
	for i := len(v) - 1; i >= 0; i-- {
		v[i] /= raw.Data[i*raw.Stride+i]
		floats.AddScaled(v[:i], -v[i], raw.Data[i*raw.Stride:i*raw.Stride+i])
	}
}

// search is the objective along the turned axes: beta = origin + L'^-1 u.
type search struct {
	*objective
	axes   *mat.TriDense
	origin []float64

	at             []float64 // the u of what follows
	beta, gradient []float64
	value, loss    float64

	best      []float64
	bestValue float64
}

func (s *search) evaluate(u []float64) {
	if slices.Equal(s.at, u) {
		return
	}
	s.at = append(s.at[:0], u...)
	copy(s.beta, u)
	backward(s.axes, s.beta)
	floats.Add(s.beta, s.origin)
	s.value, s.loss = s.objective.at(s.beta, s.gradient)
	if s.best == nil || s.value < s.bestValue {
		s.best, s.bestValue = append(s.best[:0], u...), s.value
	}
}

// slope is the largest slope along the turned axes.
func (s *search) slope() float64 {
	g := slices.Clone(s.gradient)
	forward(s.axes, g)
	return floats.Norm(g, math.Inf(1))
}

// run returns how many iterations it took and why it ended. Whether that is the minimum is for the slope to say: the
// library calls the end of precision a failure and the iteration limit a success.
func (s *search) run(ctx context.Context) (iterations int, reason string, err error) {
	problem := optimize.Problem{
		Func: func(u []float64) float64 {
			s.evaluate(u)
			return s.value
		},
		Grad: func(gradient, u []float64) {
			s.evaluate(u)
			copy(gradient, s.gradient)
			forward(s.axes, gradient)
		},
		Status: func() (optimize.Status, error) {
			if err := ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{
		GradientThreshold: stopSlope,
		MajorIterations:   s.MaxIterations,
		Converger:         &optimize.FunctionConverge{Relative: 1e-10, Iterations: 10},
	}
	result, err := optimize.Minimize(problem, make([]float64, len(s.origin)), settings, &optimize.LBFGS{})
	if ctx.Err() != nil {
		return 0, "", ctx.Err()
	}
	if result == nil {
		return 0, "", &NotConverged{Reason: errors.Join(errors.New("the search could not begin"), err).Error()}
	}
	reason = "it ended with " + result.Status.String()
	if err != nil {
		reason += ": " + err.Error()
	}
	return result.MajorIterations, reason, nil
}

// newton takes one Newton step on all rows, unless it does not help.
func (s *search) newton() {
	step := slices.Clone(s.gradient)
	root := lowerRoot(s.hessian(s.beta, 1))
	forward(root, step)
	backward(root, step)
	beta, gradient := slices.Clone(s.beta), make([]float64, len(s.gradient))
	floats.Sub(beta, step)
	value, loss := s.objective.at(beta, gradient)
	if floats.Norm(gradient, 2) < floats.Norm(s.gradient, 2) {
		s.beta, s.gradient, s.value, s.loss = beta, gradient, value, loss
	}
}
