package training

import (
	"context"
	"math"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
)

// mostShift bounds by how much the level of a cut-off is moved, in log-odds.
const mostShift = 1

// levelRows are enough to find levels by.
const levelRows = 200_000

// level brings the outcomes of older cut-offs to the level of the newest one. Seasons and growth move how many do at all, whoever they are; that
// of the newest cut-off is the one nearest to the time the model is for, and the others are there for who does rather than who.
//
// A plain model of all rows is fitted, and for each cut-off the shift of the log-odds found with which it predicts as many positives as there are.
// Positives weigh exp(d/2) times as much, and negatives exp(-d/2), where d is by how much the shift of the newest cut-off exceeds that of
// theirs: which moves the log-odds of a logistic model by d and leaves its slopes (R. Prentice and R. Pyke, Biometrika 1979).
func (j *job) level(ctx context.Context, t models.Table, f frame, cutoffs []propensity.Day) error {
	if len(cutoffs) < 2 {
		return nil
	}
	plain := models.Options{Shape: models.ShapeLog, Penalties: []float64{100}, Calibrate: models.CalibrateNever, MinClass: j.options.Fit.MinClass}
	r, err := j.fitTable(ctx, "finding the level of each cut-off", thin(t, levelRows), plain)
	if err != nil {
		return err
	}
	logOdds := make([]float32, len(t.Label))
	values := f.pick(r.Model, t.Values)
	if err := r.Model.LogOdds(values, logOdds); err != nil {
		return err
	}
	newest := shift(t, logOdds, cutoffs[len(cutoffs)-1])
	for _, day := range cutoffs[:len(cutoffs)-1] {
		d := min(max(newest-shift(t, logOdds, day), -mostShift), mostShift)
		up, down := float32(math.Exp(d/2)), float32(math.Exp(-d/2))
		for i, at := range t.Time {
			switch {
			case at != int32(day):
			case t.Label[i]:
				t.Weight[i] *= up
			default:
				t.Weight[i] *= down
			}
		}
	}
	return nil
}

// thin returns about most rows of a table, evenly spread, so of every cut-off the same share.
func thin(t models.Table, most int) models.Table {
	step := (len(t.Label) + most - 1) / most
	if step <= 1 {
		return t
	}
	some := t
	some.Values = make([][]float32, len(t.Values))
	for i := range t.Values {
		some.Values[i] = every(t.Values[i], step)
	}
	some.Label, some.Weight, some.Group, some.Time = every(t.Label, step), every(t.Weight, step), every(t.Group, step), every(t.Time, step)
	return some
}

func every[T any](all []T, step int) []T {
	some := make([]T, 0, len(all)/step+1)
	for i := 0; i < len(all); i += step {
		some = append(some, all[i])
	}
	return some
}

// shift is what is to be added to the log-odds of a cut-off's rows for them to predict as many positives as there are, by Newton's method;
// at most mostShift in either direction.
func shift(t models.Table, logOdds []float32, cutoff propensity.Day) float64 {
	d := 0.0
	for range 30 {
		surplus, slope := 0.0, 0.0
		for i, at := range t.Time {
			if at != int32(cutoff) {
				continue
			}
			w, p := float64(t.Weight[i]), models.Probability(float64(logOdds[i])+d)
			surplus += w * p
			if t.Label[i] {
				surplus -= w
			}
			slope += w * p * (1 - p)
		}
		if slope == 0 {
			return d
		}
		step := surplus / slope
		d = min(max(d-step, -mostShift), mostShift)
		if math.Abs(step) < 1e-9 {
			break
		}
	}
	return d
}
