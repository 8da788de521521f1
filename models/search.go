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
	rows     []int32 // the folds are ranges of these
	distinct int     // so many rows are distinct, the first ones
	folds    []fold
	progress func(string)
	outcomes metrics.Rows // of the test rows of all folds, one fold after the other; Probability is not set
}

// choice is a shape and penalty and the sums it predicts for the test rows of all folds.
type choice struct {
	shape   Shape
	penalty float64
	sums    []float64
	loss    metrics.Estimate
}

func newSearch(t *Table, columns []int, o *Options, rows []int32, distinct int, folds []fold, progress func(string)) *search {
	s := &search{table: t, columns: columns, options: o, rows: rows, distinct: distinct, folds: folds, progress: progress}
	for _, f := range folds {
		test := rows[f.test[0]:f.test[1]]
		label, weight := t.labels(test)
		s.outcomes.Label, s.outcomes.Weight = append(s.outcomes.Label, label...), append(s.outcomes.Weight, weight...)
		if t.Group != nil {
			for _, row := range test {
				s.outcomes.Group = append(s.outcomes.Group, t.Group[row])
			}
		}
	}
	return s
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
func (s *search) try(ctx context.Context, p *prepared, penalty float64) (*choice, error) {
	c := &choice{shape: p.shape, penalty: penalty}
	var err error
	if c.sums, err = p.fit(ctx, penalty); err != nil {
		return nil, notConverged(err, penalty)
	}
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

// flat is the part of a standard error that a penalty must gain for the next smaller one to be looked at without doubt.
const flat = 0.02

// cautious is the part of a standard error that Cautious lets a penalty cost.
const cautious = 0.25

// path tries penalties from the largest to the smallest, each fit beginning where the last ended, until two in a row
// have hardly gained.
func (s *search) path(ctx context.Context, p *prepared, trials *[]Trial) (*choice, error) {
	penalties := slices.Clone(s.options.Penalties)
	slices.Sort(penalties)
	slices.Reverse(penalties)
	var best *choice
	var tried []*choice
	idle := 0
	for _, penalty := range slices.Compact(penalties) {
		c, err := s.try(ctx, p, penalty)
		var stuck *NotConvergedError
		if best != nil && errors.As(err, &stuck) {
			break // a smaller penalty will not converge either, and the larger ones did
		}
		if err != nil {
			return nil, err
		}
		tried = append(tried, c)
		*trials = append(*trials, Trial{p.shape, penalty, c.loss.Value, c.loss.StandardError})
		s.progress(fmt.Sprintf("%s columns, penalty %g: log loss %.5f on %d folds", p.shape, penalty, c.loss.Value, len(s.folds)))
		if best == nil || c.loss.Value < best.loss.Value-flat*c.loss.StandardError {
			idle = 0
		} else {
			idle++
		}
		if best == nil || c.loss.Value < best.loss.Value {
			best = c
		}
		if idle == 2 {
			break
		}
	}
	if s.options.Cautious && s.distinct < len(s.rows) {
		// The largest penalties were tried first.
		best = tried[slices.IndexFunc(tried, func(c *choice) bool { return c.loss.Value <= best.loss.Value+cautious*best.loss.StandardError })]
	}
	return best, nil
}

// choose takes the shape and penalty with the least log loss.
func (s *search) choose(ctx context.Context, r *Result) (*choice, *prepared, error) {
	shapes := []Shape{s.options.Shape}
	if s.options.Shape == ShapeAuto {
		shapes = []Shape{ShapeLog, ShapeSpline}
	}
	var best *choice
	var of *prepared
	for _, shape := range shapes {
		p, err := s.prepare(shape)
		if err != nil {
			return nil, nil, err
		}
		c, err := s.path(ctx, p, &r.Trials)
		if err != nil {
			return nil, nil, err
		}
		if best == nil || c.loss.Value < best.loss.Value {
			best, of = c, p
		}
	}
	return best, of, nil
}

// gain is by how much a choice lowers the log loss of another.
func (s *search) gain(c, than *choice) (metrics.Estimate, error) {
	return metrics.LogLossDifference(s.predicted(than.sums), probabilities(c.sums))
}
