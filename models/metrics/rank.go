package metrics

import (
	"fmt"
	"math"
)

// AUC is the probability that a positive row has a higher probability than a negative one, ties counting half. Its
// interval is that of E. DeLong, D. DeLong and D. Clarke-Pearson (Biometrics 1988), for groups that of N. Obuchowski
// (Biometrics 1997).
func AUC(r Rows) (Estimate, error) {
	t, err := r.checkBoth()
	if err != nil {
		return Estimate{}, err
	}
	value, influence := aucInfluence(r, t)
	return estimate(value, influence, r.Group, 0, 1), nil
}

// aucInfluence computes the AUC and what each row adds to its error: of a positive row, by how much the share of
// negatives below it (ties half) exceeds the AUC; of a negative row likewise the share of positives above it.
func aucInfluence(r Rows, t totals) (float64, []float64) {
	order := r.byProbability()
	influence := make([]float64, len(order))
	negative := t.all - t.positive
	abovePositive, aboveNegative, area := 0.0, 0.0, 0.0
	for low := 0; low < len(order); {
		high, p, n := r.tie(order, low)
		for _, i := range order[low:high] {
			if r.Label[i] {
				influence[i] = (negative - aboveNegative - n/2) / negative
				area += r.weight(int(i)) * influence[i]
			} else {
				influence[i] = (abovePositive + p/2) / t.positive
			}
		}
		abovePositive += p
		aboveNegative += n
		low = high
	}
	value := area / t.positive
	for i := range influence {
		of := negative
		if r.Label[i] {
			of = t.positive
		}
		influence[i] = r.weight(i) * (influence[i] - value) / of
	}
	return value, influence
}

// tie returns the end of the run of equal probabilities from low on, and the weights of its positives and negatives.
func (r Rows) tie(order []int32, low int) (high int, positive, negative float64) {
	for high = low; high < len(order) && r.Probability[order[high]] == r.Probability[order[low]]; high++ {
		if i := int(order[high]); r.Label[i] {
			positive += r.weight(i)
		} else {
			negative += r.weight(i)
		}
	}
	return high, positive, negative
}

// LiftAt is how many times more common positives are among the given share of rows (0 to 1) with the highest
// probabilities than among all. Rows tied at the border count in part. The interval takes into account that the border
// is itself estimated.
func LiftAt(r Rows, share float64) (Estimate, error) {
	t, err := r.check()
	if err != nil {
		return Estimate{}, err
	}
	if !(share > 0 && share <= 1) {
		return Estimate{}, fmt.Errorf("metrics: the share %v is not above 0 and at most 1", share)
	}
	if t.positive == 0 {
		return Estimate{}, ErrOneClass
	}
	order := r.byProbability()
	want := share * t.all
	taken := make([]float64, len(order)) // the part of each row within the share
	border, weight, caught := 0, 0.0, 0.0
	for low := 0; low < len(order) && weight < want; {
		high, p, n := r.tie(order, low)
		part := min(1, (want-weight)/(p+n))
		for _, i := range order[low:high] {
			taken[i] = part
		}
		weight += part * (p + n)
		caught += part * p
		border = (low + high) / 2
		low = high
	}
	rate := r.rateNear(order, border)
	base := t.positive / t.all
	value := caught / t.all / (share * base)
	for i, part := range taken {
		y := 0.0
		if r.Label[i] {
			y = 1
		}
		in := (part*y - caught/t.all - rate*(part-share)) / (share * base)
		taken[i] = r.weight(i) / t.all * (in - value*(y-base)/base)
	}
	return estimate(value, taken, r.Group, 0, math.Inf(1)), nil
}

// rateNear is the share of positives among the rows about the border: 2 % of all, at least 50, and their ties.
func (r Rows) rateNear(order []int32, border int) float64 {
	reach := max(50, len(order)/100)
	low, high := max(0, border-reach), min(len(order), border+reach)
	for low > 0 && r.Probability[order[low-1]] == r.Probability[order[low]] {
		low--
	}
	for high < len(order) && r.Probability[order[high]] == r.Probability[order[high-1]] {
		high++
	}
	positive, all := 0.0, 0.0
	for _, i := range order[low:high] {
		all += r.weight(int(i))
		if r.Label[i] {
			positive += r.weight(int(i))
		}
	}
	return positive / all
}
