package metrics

import (
	"errors"
	"math"
)

// leastProbability keeps the loss of a sure and wrong prediction finite; scikit-learn does the same.
const leastProbability = 1e-15

// LogLoss is the mean of -ln(probability of what happened).
func LogLoss(r Rows) (Estimate, error) { return mean(r, logLoss) }

// Brier is the mean square of probability less outcome.
func Brier(r Rows) (Estimate, error) { return mean(r, brier) }

func logLoss(p float64, label bool) float64 {
	if !label {
		p = 1 - p
	}
	return -math.Log(min(1-leastProbability, max(leastProbability, p)))
}

func brier(p float64, label bool) float64 {
	if label {
		p = 1 - p
	}
	return p * p
}

func mean(r Rows, loss func(float64, bool) float64) (Estimate, error) {
	t, err := r.check()
	if err != nil {
		return Estimate{}, err
	}
	value, influence := meanInfluence(r, t, loss)
	return estimate(value, influence, r.Group, 0, math.Inf(1)), nil
}

func meanInfluence(r Rows, t totals, loss func(float64, bool) float64) (float64, []float64) {
	influence := make([]float64, len(r.Probability))
	sum := 0.0
	for i, p := range r.Probability {
		influence[i] = loss(p, r.Label[i])
		sum += r.weight(i) * influence[i]
	}
	value := sum / t.all
	for i := range influence {
		influence[i] = r.weight(i) * (influence[i] - value) / t.all
	}
	return value, influence
}

// LogLossDifference is the log loss of r less that of other predictions of the same rows, so that below 0 r is better.
// The interval is that of the difference, row by row, and so narrower than either's.
func LogLossDifference(r Rows, other []float64) (Estimate, error) {
	o, t, err := r.against(other)
	if err != nil {
		return Estimate{}, err
	}
	a, ia := meanInfluence(r, t, logLoss)
	b, ib := meanInfluence(o, t, logLoss)
	return difference(a, b, ia, ib, r.Group), nil
}

// AUCDifference is the AUC of r less that of other predictions of the same rows, so that above 0 r is better.
func AUCDifference(r Rows, other []float64) (Estimate, error) {
	o, t, err := r.against(other)
	if err != nil {
		return Estimate{}, err
	}
	if _, err := r.checkBoth(); err != nil {
		return Estimate{}, err
	}
	a, ia := aucInfluence(r, t)
	b, ib := aucInfluence(o, t)
	return difference(a, b, ia, ib, r.Group), nil
}

// against puts other predictions in the place of those of r.
func (r Rows) against(other []float64) (Rows, totals, error) {
	t, err := r.check()
	if err != nil {
		return r, t, err
	}
	if len(other) != len(r.Probability) {
		return r, t, errors.New("metrics: the two predictions are not of the same rows")
	}
	o := r
	o.Probability = other
	_, err = o.check()
	return o, t, err
}

func difference(a, b float64, ia, ib []float64, group []uint32) Estimate {
	for i := range ia {
		ia[i] -= ib[i]
	}
	return estimate(a-b, ia, group, math.Inf(-1), math.Inf(1))
}
