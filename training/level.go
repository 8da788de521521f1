package training

import (
	"context"
	"math"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
)

// mostShift bounds by how much the level of a cut-off is moved, in log-odds.
const mostShift = 1

// levelVariance is how much the level of a cut-off is thought to vary beyond what its columns tell, as the variance of its log-odds: by a tenth of
// the odds, mostly. It is a constant, since the few cut-offs of one training cannot tell it. In trainings on 14 days (commits before 2012, a shop's first
// half year, 2,400 households' first half year, with 40 to 2,400 rows a cut-off) the variance beyond chance was 0.018, 0.008 and 0.002. Their mean log
// loss at later days of the same time was 0.4258 with 0.01, 0.4262 with 0.05, and 0.4271 with the newest cut-off believed all.
const levelVariance = 0.01

// levelRows are enough to find levels by.
const levelRows = 200_000

// level brings the outcomes of older cut-offs to the level of the newest one. Seasons and growth move how many do at all, whoever they are; that
// of the newest cut-off is the one nearest to the time the model is for, and the others are there for who does rather than who.
//
// A plain model of all rows is fitted, and for each cut-off k the shift s_k of the log-odds found with which it predicts as many positives as there
// are. Positives weigh exp(d/2) times as much, and negatives exp(-d/2), which moves the log-odds of a logistic model by d and leaves its slopes
// (R. Prentice and R. Pyke, Biometrika 1979), with
//
//	d = f (s_n - s_k),    f = T / (T + 1/I),    I = (sum w p (1 - p))^2 / sum w^2 p (1 - p)
//
// where n is the newest cut-off, p what the model gives to its rows of weight w, so that 1/I is the variance of s_n, and T is levelVariance. So where
// all cut-offs have about as many rows, the level ends up at f s_n + (1 - f) mean(s): the best guess at that of n when levels vary by T around a common
// one. With some hundred rows s_n is chance mostly, and the mean of all cut-offs says more.
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
	relevel(t, logOdds, cutoffs, levelVariance)
	return nil
}

// relevel weighs the rows of a table by what a plain model says of them.
func relevel(t models.Table, logOdds []float32, cutoffs []propensity.Day, levelVariance float64) {
	newest, variance := shift(t, logOdds, cutoffs[len(cutoffs)-1])
	trust := 1 / (1 + variance/levelVariance)
	for _, day := range cutoffs[:len(cutoffs)-1] {
		older, _ := shift(t, logOdds, day)
		d := trust * min(max(newest-older, -mostShift), mostShift)
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
}

// thin returns about most rows of a table, of each cut-off the same share: all of the rarer outcome as far as half the room goes, and of the others
// every so many, which stand for those left out.
func thin(t models.Table, most int) models.Table {
	if len(t.Label) <= most {
		return t
	}
	var count, step, seen [2]int // of negatives and of positives
	for _, y := range t.Label {
		count[index(y)]++
	}
	for y := range step {
		room := max(most/2, most-count[1-y])
		step[y] = max(1, (count[y]+room-1)/room)
	}
	some := models.Table{Columns: t.Columns, Values: make([][]float32, len(t.Values)), HorizonDays: t.HorizonDays}
	for row, y := range t.Label {
		of := index(y)
		if seen[of]++; (seen[of]-1)%step[of] != 0 {
			continue
		}
		for c := range t.Values {
			some.Values[c] = append(some.Values[c], t.Values[c][row])
		}
		some.Label, some.Weight = append(some.Label, y), append(some.Weight, t.Weight[row]*float32(step[of]))
		some.Group, some.Time = append(some.Group, t.Group[row]), append(some.Time, t.Time[row])
	}
	return some
}

// shift is what is to be added to the log-odds of a cut-off's rows for them to predict as many positives as there are, by Newton's method, at most
// mostShift in either direction; and the variance that it has by chance, which is infinite where there are no rows.
func shift(t models.Table, logOdds []float32, cutoff propensity.Day) (d, variance float64) {
	variance = math.Inf(1)
	for range 30 {
		surplus, slope, chance := 0.0, 0.0, 0.0
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
			chance += w * w * p * (1 - p)
		}
		if slope == 0 {
			return d, variance
		}
		variance = chance / (slope * slope)
		step := surplus / slope
		d = min(max(d-step, -mostShift), mostShift)
		if math.Abs(step) < 1e-9 {
			break
		}
	}
	return d, variance
}
