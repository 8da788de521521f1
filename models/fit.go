package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/models/internal/logistic"
)

// driftParts is into how many bins columns and scores are parted for Bins.
const driftParts = 10

// Fit learns a model from a table. Constant and repeated columns are dropped; shape, penalty, products and calibration
// are chosen on folds in the order of time; then the model is fitted to all rows.
//
// Errors are *TableError, *OptionError, *OneClassError, *TooFewError, *NoColumnsError, *NotConvergedError or that of
// the context. Progress, which may be nil, is told in words what was just done, from the goroutine that called Fit.
// Memory is 4 bytes for each row and transformed column, half as much again for a sample of the rows, and that of the
// folds: up to five times as much for SearchRows rows. The result depends on the table and the options alone, not on Workers.
func Fit(ctx context.Context, t Table, o Options, progress func(string)) (*Result, error) {
	if progress == nil {
		progress = func(string) {}
	}
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	r := &Result{Rows: len(t.Label), Groups: groups(&t)}
	if err := r.checkClasses(&t, o.MinClass); err != nil {
		return nil, err
	}
	rows := inTimeOrder(&t)
	columns, dropped := usable(&t, rows, &o)
	r.Dropped = dropped
	if len(columns) == 0 {
		return nil, &NoColumnsError{dropped}
	}
	var err error
	if r.Warnings, err = leaks(&t, columns, rows, &o); err != nil {
		return nil, err
	}
	plan, err := choosePlan(ctx, &t, columns, rows, &o, r, progress)
	if err != nil {
		return nil, err
	}
	if err := r.finish(ctx, &t, columns, rows, &o, plan); err != nil {
		return nil, err
	}
	progress(fmt.Sprintf("fitted to %d rows: log loss %.5f after %d iterations", r.Rows, r.LogLoss, r.Iterations))
	return r, nil
}

// plan is what was chosen on the folds.
type plan struct {
	shape       Shape
	penalty     float64
	pairs       [][2]int // products, of indexes among the columns used
	calibration Calibration
}

func (r *Result) checkClasses(t *Table, least int) error {
	for _, label := range t.Label {
		if label {
			r.Positives++
		}
	}
	negatives := r.Rows - r.Positives
	switch {
	case r.Positives == 0 || negatives == 0:
		return &OneClassError{Rows: r.Rows, Label: negatives == 0}
	case min(r.Positives, negatives) < least:
		return &TooFewError{r.Positives, negatives, least}
	}
	return nil
}

func groups(t *Table) int {
	if t.Group == nil {
		return len(t.Label)
	}
	sorted := slices.Clone(t.Group)
	slices.Sort(sorted)
	return len(slices.Compact(sorted))
}

func inTimeOrder(t *Table) []int32 {
	rows := make([]int32, len(t.Label))
	for i := range rows {
		rows[i] = int32(i)
	}
	if t.Time != nil {
		slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(t.Time[a], t.Time[b]) })
	}
	return rows
}

func choosePlan(ctx context.Context, t *Table, columns []int, rows []int32, o *Options, r *Result, progress func(string)) (plan, error) {
	p := plan{shape: o.Shape, penalty: middle(o.Penalties), calibration: Calibration{Slope: 1}}
	if p.shape == ShapeAuto {
		p.shape = ShapeLog
	}
	r.Folds.Kind = FoldsNone
	if len(o.Penalties) == 1 && o.Shape != ShapeAuto && o.Products == 0 && o.Calibrate == CalibrateNever {
		return p, nil
	}
	searched := searchRows(t, rows, o.SearchRows, o.Seed)
	kind, ordered, folds := makeFolds(t, searched, o)
	r.Folds = Folds{kind, len(folds), len(searched)}
	if kind == FoldsNone {
		return p, nil
	}
	s := newSearch(t, columns, o, ordered, len(searched), folds, progress)
	best, prepared, err := s.choose(ctx, r)
	if err != nil {
		return p, err
	}
	// One cut-off alone cannot tell a product that lasts from one that the season brought.
	if o.Products > 0 && kind == FoldsByTime && len(folds) > 1 {
		if best, p.pairs, err = s.addProducts(ctx, best, prepared, r); err != nil {
			return p, err
		}
	}
	p.shape, p.penalty = best.shape, best.penalty
	if o.Calibrate != CalibrateNever {
		p.calibration, err = s.calibrate(ctx, best.sums, r)
	}
	return p, err
}

// middle is the penalty for rows too few to choose one.
func middle(penalties []float64) float64 {
	sorted := slices.Clone(penalties)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// finish fits the chosen model to all rows.
func (r *Result) finish(ctx context.Context, t *Table, columns []int, rows []int32, o *Options, p plan) error {
	s := learn(t, columns, rows, p.shape, o)
	for _, pair := range p.pairs {
		s.addProduct(t, columns, rows, pair[0], pair[1])
	}
	s.Penalty, s.Calibration = p.penalty, p.calibration
	if err := s.checkTerms(); err != nil {
		return err
	}
	problem := logistic.Problem{Design: s.design(t, columns, rows, o.Workers), Penalty: p.penalty, Factor: s.factors(), Workers: o.Workers, MaxIterations: o.MaxIterations, Exact: true}
	problem.Label, problem.Weight = t.labels(rows)
	minimum, err := logistic.Minimise(ctx, &problem, nil)
	if err != nil {
		return notConverged(err, p.penalty)
	}
	var group []uint32
	if t.Group != nil {
		group = make([]uint32, len(rows))
		for i, row := range rows {
			group[i] = t.Group[row]
		}
	}
	v, ok := problem.Covariance(minimum, group)
	if !ok {
		return &NotConvergedError{Reason: "columns say the same as others together, or all rows are of one group, so that no standard errors exist",
			Gradient: minimum.Gradient, Iterations: minimum.Iterations, Penalty: p.penalty}
	}
	s = s.withCoefficients(minimum.Beta, termMeans(&problem), v)
	if r.Model, err = newModel(s); err != nil {
		return fmt.Errorf("models: the fitted model: %w", err)
	}
	r.Shape, r.Iterations, r.Gradient, r.LogLoss = p.shape, minimum.Iterations, minimum.Gradient, minimum.Loss
	r.Effects = s.effects(t, columns, rows, v)
	return r.bin(t, columns, o.Workers)
}

func (r *Result) bin(t *Table, columns []int, workers int) error {
	values := make([][]float32, len(columns))
	r.ColumnBins = make([]Bins, len(columns))
	logistic.Parallel(workers, len(columns), func(i int) {
		c := columns[i]
		values[i] = t.Values[c]
		if levels := len(t.Columns[c].Levels); levels > 0 {
			r.ColumnBins[i] = newLevelBins(levels, values[i], t.Weight)
		} else {
			r.ColumnBins[i] = NewBins(values[i], t.Weight, driftParts)
		}
	})
	scores := make([]float32, len(t.Label))
	if err := r.Model.LogOdds(values, scores); err != nil {
		return err
	}
	r.ScoreBins = NewBins(scores, t.Weight, driftParts)
	return nil
}
