package logistic

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

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
func (s *search) run(ctx context.Context, limit int, enough float64) (iterations int, reason string, err error) {
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
		GradientThreshold: enough,
		MajorIterations:   limit,
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

// newton takes Newton steps on all rows, with the second derivative where it begins, until they do not help, and
// returns that. It begins so near that each step makes the slope many times smaller.
func (s *search) newton() *mat.SymDense {
	hessian := s.hessian(s.beta)
	root := lowerRoot(hessian)
	for range newtonSteps {
		step, gradient, beta := slices.Clone(s.gradient), make([]float64, len(s.gradient)), slices.Clone(s.beta)
		forward(root, step)
		backward(root, step)
		floats.Sub(beta, step)
		value, loss := s.objective.at(beta, gradient)
		if !(floats.Norm(gradient, 2) < floats.Norm(s.gradient, 2)) {
			break
		}
		s.beta, s.gradient, s.value, s.loss = beta, gradient, value, loss
		if floats.Norm(gradient, math.Inf(1)) < roundingSlope {
			break
		}
	}
	return hessian
}
