package models

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/models/internal/logistic"
	"whowhen.dev/whowhen/models/metrics"
)

// search chooses shape, penalty and products by how well the folds' test rows are predicted.
type search struct {
	table    *Table
	columns  []int
	options  *Options
	folds    []fold
	progress func(string)
	outcomes metrics.Rows // of the test rows of all folds, one fold after the other; Probability is not set
}

// trained is one fold, its transforms learned and its rows transformed.
type trained struct {
	spec    spec
	problem logistic.Problem
	mean    []float64
	test    [][]float32 // the raw values of the test rows
	beta    []float64   // where the last fit ended: the next starts there
}

// choice is a shape and penalty and the sums it predicts for the test rows of all folds.
type choice struct {
	shape   Shape
	penalty float64
	sums    []float64
	loss    metrics.Estimate
}

func newSearch(t *Table, columns []int, o *Options, folds []fold, progress func(string)) *search {
	s := &search{table: t, columns: columns, options: o, folds: folds, progress: progress}
	for _, f := range folds {
		for _, row := range f.test {
			s.outcomes.Label = append(s.outcomes.Label, t.Label[row])
			if t.Weight != nil {
				s.outcomes.Weight = append(s.outcomes.Weight, t.Weight[row])
			}
			if t.Group != nil {
				s.outcomes.Group = append(s.outcomes.Group, t.Group[row])
			}
		}
	}
	return s
}

// prepare learns and transforms the training rows of every fold.
func (s *search) prepare(shape Shape) ([]*trained, error) {
	out := make([]*trained, len(s.folds))
	for k, f := range s.folds {
		out[k] = &trained{spec: learn(s.table, s.columns, f.train, shape, s.options)}
		if err := out[k].spec.checkTerms(); err != nil {
			return nil, err
		}
		out[k].transform(s, f, nil)
		out[k].test = make([][]float32, len(s.columns))
		for i, c := range s.columns {
			values := make([]float32, len(f.test))
			for r, row := range f.test {
				values[r] = s.table.Values[c][row]
			}
			out[k].test[i] = values
		}
	}
	return out, nil
}

func (tr *trained) transform(s *search, f fold, pairs [][2]int) {
	tr.spec.Products = []product{}
	for _, pair := range pairs {
		tr.spec.addProduct(s.table, s.columns, f.train, pair[0], pair[1])
	}
	tr.problem = logistic.Problem{
		Design:  tr.spec.design(s.table, s.columns, f.train, s.options.Workers),
		Workers: s.options.Workers, MaxIterations: s.options.MaxIterations,
	}
	tr.problem.Label, tr.problem.Weight = s.table.labels(f.train)
	tr.mean = termMeans(&tr.problem)
	tr.beta = nil
}

func (t *Table) labels(rows []int32) (label []bool, weight []float32) {
	label = make([]bool, len(rows))
	for r, row := range rows {
		label[r] = t.Label[row]
	}
	if t.Weight != nil {
		weight = make([]float32, len(rows))
		for r, row := range rows {
			weight[r] = t.Weight[row]
		}
	}
	return label, weight
}

// try fits every fold with a penalty and predicts its test rows as the shipped model would.
func (s *search) try(ctx context.Context, folds []*trained, shape Shape, penalty float64) (*choice, error) {
	c := &choice{shape: shape, penalty: penalty}
	for _, tr := range folds {
		tr.problem.Penalty = penalty
		minimum, err := logistic.Minimise(ctx, &tr.problem, tr.beta)
		if err != nil {
			return nil, notConverged(err, penalty)
		}
		tr.beta = minimum.Beta
		m, err := newModel(tr.spec.withCoefficients(minimum.Beta, tr.mean, nil))
		if err != nil {
			return nil, fmt.Errorf("models: a fold's model: %w", err)
		}
		sums := make([]float64, len(tr.test[0]))
		m.sums(tr.test, 0, sums)
		c.sums = append(c.sums, sums...)
	}
	var err error
	c.loss, err = metrics.LogLoss(s.predicted(c.sums))
	return c, err
}

func (s *search) predicted(sums []float64) metrics.Rows {
	rows := s.outcomes
	rows.Probability = probabilities(sums)
	return rows
}

func probabilities(sums []float64) []float64 {
	out := make([]float64, len(sums))
	for i, sum := range sums {
		out[i] = Probability(max(-LogOddsLimit, min(LogOddsLimit, sum)))
	}
	return out
}

// notConverged gives an error of the fit its place in this package.
func notConverged(err error, penalty float64) error {
	var n *logistic.NotConverged
	if errors.As(err, &n) {
		return &NotConvergedError{Reason: n.Reason, Gradient: n.Gradient, Iterations: n.Iterations, Penalty: penalty}
	}
	return err
}

// path tries the penalties from the largest down, since each fit starts where the last ended and the largest is the
// quickest. It stops when three in a row were no better.
func (s *search) path(ctx context.Context, folds []*trained, shape Shape, trials *[]Trial) (*choice, error) {
	penalties := slices.Clone(s.options.Penalties)
	slices.Sort(penalties)
	slices.Reverse(penalties)
	var best *choice
	worse := 0
	for _, penalty := range slices.Compact(penalties) {
		c, err := s.try(ctx, folds, shape, penalty)
		var stuck *NotConvergedError
		if best != nil && errors.As(err, &stuck) {
			break // a smaller penalty will not converge either, and the larger ones did
		}
		if err != nil {
			return nil, err
		}
		*trials = append(*trials, Trial{shape, penalty, c.loss.Value, c.loss.StandardError})
		s.progress(fmt.Sprintf("%s columns, penalty %g: log loss %.5f on %d folds", shape, penalty, c.loss.Value, len(folds)))
		if best == nil || c.loss.Value < best.loss.Value {
			best, worse = c, 0
		} else if worse++; worse == 3 {
			break
		}
	}
	return best, nil
}

// choose takes the shape and penalty with the least log loss.
func (s *search) choose(ctx context.Context, r *Result) (*choice, []*trained, error) {
	shapes := []Shape{s.options.Shape}
	if s.options.Shape == ShapeAuto {
		shapes = []Shape{ShapeLog, ShapeSpline}
	}
	var best *choice
	var folds []*trained
	for _, shape := range shapes {
		prepared, err := s.prepare(shape)
		if err != nil {
			return nil, nil, err
		}
		c, err := s.path(ctx, prepared, shape, &r.Trials)
		if err != nil {
			return nil, nil, err
		}
		if best == nil || c.loss.Value < best.loss.Value {
			best, folds = c, prepared
		}
	}
	return best, folds, nil
}

// gain is by how much a choice lowers the log loss of another.
func (s *search) gain(c, than *choice) (metrics.Estimate, error) {
	return metrics.LogLossDifference(s.predicted(than.sums), probabilities(c.sums))
}
