package training

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/training/report"
)

// contender is a model whose predictions are judged. One without a model predicts the same for everyone.
type contender struct {
	name     string
	model    *models.Model
	constant float64
}

// The names of contenders; those of baselines are keys of the report.
const (
	theModel        = "model"
	baseRate        = "base_rate"
	recencyOnly     = "recency"
	activeModel     = "active"
	withoutReceipts = "without_receipts"
)

// trial is what contenders predict at one test cut-off, and what came of it.
type trial struct {
	population *population
	rowsOf
	predictions map[string][]float64
	// drift counts the rows of each column, and of the log-odds, in the bins of training. With a sample they are of the rows it stands for.
	columns [][]int64
	scores  []int64
}

func (t *trial) rows(name string) metrics.Rows {
	return metrics.Rows{Probability: t.predictions[name], Label: t.label, Weight: t.weight, Group: t.group}
}

// try has contenders predict the rows of a cut-off. Columns of f are read once; a contender's are among them. Where b is given, the columns and
// the log-odds of the model are counted in its bins.
func (j *job) try(ctx context.Context, p *population, t *trial, f frame, contenders []contender, b *models.Result) error {
	var mu sync.Mutex // over the counts
	for _, c := range contenders {
		t.predictions[c.name] = make([]float64, p.kept)
	}
	return j.read(ctx, p, p.past, f, func() func(chunk) error {
		var logOdds []float32
		counts := newCounter(b)
		return func(c chunk) error {
			t.fill(c)
			logOdds = slices.Grow(logOdds[:0], len(c.ordinals))[:len(c.ordinals)]
			for _, who := range contenders {
				to := t.predictions[who.name][c.first : c.first+len(c.ordinals)]
				if who.model == nil {
					for i := range to {
						to[i] = who.constant
					}
					continue
				}
				values := f.pick(who.model, c.columns)
				if err := who.model.LogOdds(values, logOdds); err != nil {
					return err
				}
				for i, x := range logOdds {
					to[i] = shipped(x)
				}
				if who.name == theModel && b != nil {
					if err := counts.count(c, values, logOdds); err != nil {
						return err
					}
					mu.Lock()
					counts.moveTo(t)
					mu.Unlock()
				}
			}
			return nil
		}
	})
}

// pick returns the columns that a model wants, in its order; nil for one that is not there, which LogOdds refuses.
func (f frame) pick(m *models.Model, columns [][]float32) [][]float32 {
	var values [][]float32
	for _, named := range m.Columns() {
		var found []float32
		for i, c := range f.columns {
			if c.String() == named.Name {
				found = columns[i]
			}
		}
		values = append(values, found)
	}
	return values
}

// shipped is the probability that the store keeps for log-odds, which are never NaN.
func shipped(logOdds float32) float64 {
	code, _ := segments.ScoreCode(float64(logOdds))
	return segments.ScoreProbability(code)
}

// figures judges predictions.
func (j *job) figures(r metrics.Rows) (report.Figures, error) {
	f := report.Figures{Intervals: map[string][2]float64{}}
	for _, m := range []struct {
		key     string
		to      *float64
		measure func() (metrics.Estimate, error)
	}{
		{"auc", &f.AUC, func() (metrics.Estimate, error) { return metrics.AUC(r) }},
		{"log_loss", &f.LogLoss, func() (metrics.Estimate, error) { return metrics.LogLoss(r) }},
		{"brier", &f.Brier, func() (metrics.Estimate, error) { return metrics.Brier(r) }},
		{"calibration_error", &f.CalibrationError, func() (metrics.Estimate, error) { return metrics.CalibrationError(r, j.options.Seed) }},
		{"lift_at_10", &f.LiftAt10, func() (metrics.Estimate, error) { return metrics.LiftAt(r, 0.1) }},
	} {
		e, err := m.measure()
		if err != nil {
			return f, fmt.Errorf("%s: %w", m.key, err)
		}
		*m.to, f.Intervals[m.key] = e.Value, [2]float64{e.Low, e.High}
	}
	return f, nil
}

// baseline judges the predictions of a baseline, and by how much the model's are better.
func (j *job) baseline(t *trial, name string) (report.Baseline, error) {
	f, err := j.figures(t.rows(name))
	if err != nil {
		return report.Baseline{}, err
	}
	loss, err := metrics.LogLossDifference(t.rows(theModel), t.predictions[name])
	if err != nil {
		return report.Baseline{}, err
	}
	auc, err := metrics.AUCDifference(t.rows(theModel), t.predictions[name])
	if err != nil {
		return report.Baseline{}, err
	}
	return report.Baseline{Figures: f, Better: -loss.Value, BetterInterval: [2]float64{-loss.High, -loss.Low}, BetterAUC: auc.Value, AUCInterval: [2]float64{auc.Low, auc.High}}, nil
}

func means(all []report.Figures) report.Means {
	var m report.Means
	for _, f := range all {
		n := float64(len(all))
		m.AUC += f.AUC / n
		m.LogLoss += f.LogLoss / n
		m.Brier += f.Brier / n
		m.CalibrationError += f.CalibrationError / n
		m.LiftAt10 += f.LiftAt10 / n
	}
	return m
}
