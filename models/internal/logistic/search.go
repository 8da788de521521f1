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

// search is the objective at beta, seen along the turned axes: u in beta = origin + L'^-1 u.
type search struct {
	*objective
	axes *mat.TriDense

	beta, gradient []float64
	turned         []float64 // the gradient by u
	value, loss    float64
}

func newSearch(p *Problem, start []float64, axes *mat.TriDense) *search {
	s := &search{objective: newObjective(p), axes: axes, beta: slices.Clone(start), gradient: make([]float64, len(start))}
	s.see()
	return s
}

// see computes the objective at beta.
func (s *search) see() {
	s.value, s.loss = s.at(s.beta, s.gradient)
	s.turn()
}

func (s *search) turn() {
	s.turned = append(s.turned[:0], s.gradient...)
	forward(s.axes, s.turned)
}

// slope is the largest slope along the turned axes.
func (s *search) slope() float64 { return floats.Norm(s.turned, math.Inf(1)) }

// run is L-BFGS along the turned axes, from beta on. It returns how many iterations it took and why it ended. Whether that is the minimum is for the
// slope to say: the library calls the end of precision a failure and the iteration limit a success.
//
// The library's first step is of length 1 down the slope. Along axes by which the objective curves by about 1, Newton's is of the slope's own
// length: in lengths of that it is both.
func (s *search) run(ctx context.Context, limit int, enough float64) (iterations int, reason string, err error) {
	if s.slope() <= enough {
		return 0, "the slope is small enough", nil
	}
	unit, origin := floats.Norm(s.turned, 2), slices.Clone(s.beta)
	best, bestValue := origin, s.value
	at := make([]float64, len(origin)) // what beta is at
	look := func(z []float64) {
		if slices.Equal(at, z) {
			return
		}
		copy(at, z)
		floats.ScaleTo(s.beta, unit, z)
		backward(s.axes, s.beta)
		floats.Add(s.beta, origin)
		if s.see(); s.value < bestValue {
			best, bestValue = slices.Clone(s.beta), s.value
		}
	}
	problem := optimize.Problem{
		Func: func(z []float64) float64 {
			look(z)
			return s.value
		},
		Grad: func(gradient, z []float64) {
			look(z)
			floats.ScaleTo(gradient, unit, s.turned)
		},
		Status: func() (optimize.Status, error) {
			if err := ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{
		GradientThreshold: enough * unit,
		MajorIterations:   limit,
		Converger:         &optimize.FunctionConverge{Relative: 1e-10, Iterations: 10},
	}
	result, err := optimize.Minimize(problem, make([]float64, len(origin)), settings, &optimize.LBFGS{})
	if ctx.Err() != nil {
		return 0, "", ctx.Err()
	}
	if result == nil {
		return 0, "", &NotConverged{Reason: errors.Join(errors.New("the search could not begin"), err).Error()}
	}
	if !slices.Equal(s.beta, best) {
		copy(s.beta, best)
		s.see()
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
	s.turn()
	return hessian
}
