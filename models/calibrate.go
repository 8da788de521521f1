package models

import (
	"context"
	"errors"

	"whowhen.dev/whowhen/models/internal/logistic"
	"whowhen.dev/whowhen/models/metrics"
)

// calibrate fits the line to predictions of rows that the model was not fitted to (J. Platt, 1999, without his change
// of the labels). It is taken if, fitted without a fold and judged on it, it lowers the log loss by more than the
// standard error of that. One cut-off alone cannot tell what is lasting from what the season brought, so CalibrateAuto
// leaves predictions of a single one as they are. Isotonic regression is not offered: it makes steps, which would tie
// clients that a line tells apart.
func (s *search) calibrate(ctx context.Context, sums []float64, r *Result) (Calibration, error) {
	none := Calibration{Slope: 1}
	if len(s.folds) == 1 && s.options.Calibrate == CalibrateAuto {
		return none, nil
	}
	all := make([]int, len(sums))
	for i := range all {
		all[i] = i
	}
	line, ok, err := s.line(ctx, sums, all)
	if err != nil || !ok {
		return none, err
	}
	part, parts := s.parts()
	corrected := make([]float64, len(sums))
	for k := range parts {
		var fit []int
		for i := range sums {
			if part[i] != k {
				fit = append(fit, i)
			}
		}
		without, ok, err := s.line(ctx, sums, fit)
		if err != nil {
			return none, err
		}
		if !ok {
			without = none
		}
		for i, sum := range sums {
			if part[i] == k {
				corrected[i] = without.Intercept + without.Slope*sum
			}
		}
	}
	gain, err := metrics.LogLossDifference(s.predicted(sums), probabilities(corrected))
	if err != nil {
		return none, err
	}
	r.CalibrationGain, r.CalibrationGainError = gain.Value, gain.StandardError
	if s.options.Calibrate == CalibrateAuto && !(gain.Value > gain.StandardError) {
		return none, nil
	}
	r.Calibrated = true
	return line, nil
}

// parts is which fold each test row is of, or, where there is one fold only, which half of its groups.
func (s *search) parts() (part []int, parts int) {
	for k, f := range s.folds {
		for _, row := range s.rows[f.test[0]:f.test[1]] {
			if len(s.folds) == 1 {
				k = int(s.table.scatter(row, s.options.Seed^0x68616c66) & 1)
			}
			part = append(part, k)
		}
	}
	return part, max(2, len(s.folds))
}

// line is the logistic regression of the outcome on the sum. It is no use when it falls, or does not exist.
func (s *search) line(ctx context.Context, sums []float64, of []int) (Calibration, bool, error) {
	p := logistic.Problem{
		Design:  &logistic.Design{Rows: len(of), Dense: 1, X: make([]float32, len(of))},
		Label:   make([]bool, len(of)),
		Workers: s.options.Workers, MaxIterations: s.options.MaxIterations, Exact: true,
	}
	for k, i := range of {
		p.Design.X[k] = float32(max(-LogOddsLimit, min(LogOddsLimit, sums[i])))
		p.Label[k] = s.outcomes.Label[i]
		if s.outcomes.Weight != nil {
			p.Weight = append(p.Weight, s.outcomes.Weight[i])
		}
	}
	minimum, err := logistic.Minimise(ctx, &p, []float64{0, 1})
	var stuck *logistic.NotConverged
	if errors.As(err, &stuck) {
		return Calibration{}, false, nil
	}
	if err != nil {
		return Calibration{}, false, err
	}
	c := Calibration{Intercept: minimum.Beta[0], Slope: minimum.Beta[1]}
	return c, c.Slope > 0.01, nil
}
