// Package metrics judges probabilities by what came of them: how well they rank (AUC, lift, gain), how much they tell
// (log loss, Brier score) and whether they mean what they say (calibration error), each with a 95 % interval.
//
// Intervals rest on influence functions: a figure's error is, to first order, a mean over rows of how far each moved
// it. Rows of one group are added up before they are squared, so that a client that appears at several cut-offs counts
// as one observation; the variance is G/(G-1) x the sum over the G groups of the squares (K.-Y. Liang and S. Zeger,
// Longitudinal data analysis using generalized linear models, Biometrika 1986). Ties are shared evenly: no figure
// depends on the order of the rows. All figures take O(n log n).
package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Rows are predictions and what came of them. All slices have the length of Probability; Weight nil means one each,
// Group nil that every row stands alone. A metric reads them and changes nothing.
type Rows struct {
	Probability []float64
	Label       []bool
	Weight      []float32
	Group       []uint32
}

// Estimate is a figure with its standard error and 95 % interval.
type Estimate struct {
	Value         float64 `json:"value"`
	StandardError float64 `json:"standard_error"`
	Low           float64 `json:"low"`
	High          float64 `json:"high"`
}

// ErrOneClass says that all rows have the same label, so that there is nothing to rank.
var ErrOneClass = errors.New("metrics: all rows have the same label, so there is nothing to rank")

// z95 is the 97.5 % quantile of the normal distribution.
const z95 = 1.959963984540054

// totals are sums of weights.
type totals struct{ all, positive float64 }

func (r Rows) weight(i int) float64 {
	if r.Weight == nil {
		return 1
	}
	return float64(r.Weight[i])
}

func (r Rows) check() (totals, error) {
	n := len(r.Probability)
	if n == 0 {
		return totals{}, errors.New("metrics: there are no rows to judge")
	}
	if len(r.Label) != n || r.Weight != nil && len(r.Weight) != n || r.Group != nil && len(r.Group) != n {
		return totals{}, fmt.Errorf("metrics: %d probabilities, %d labels, %d weights and %d groups are not of the same rows", n, len(r.Label), len(r.Weight), len(r.Group))
	}
	var t totals
	for i, p := range r.Probability {
		if !(p >= 0 && p <= 1) {
			return totals{}, fmt.Errorf("metrics: the probability of row %d is %v", i, p)
		}
		w := r.weight(i)
		if !(w > 0) || math.IsInf(w, 0) {
			return totals{}, fmt.Errorf("metrics: the weight of row %d is %v; weights are above 0", i, w)
		}
		t.all += w
		if r.Label[i] {
			t.positive += w
		}
	}
	return t, nil
}

// checkBoth also refuses one class.
func (r Rows) checkBoth() (totals, error) {
	t, err := r.check()
	if err == nil && (t.positive == 0 || !slices.Contains(r.Label, false)) {
		err = ErrOneClass
	}
	return t, err
}

// byProbability are the rows from the highest probability to the lowest; equal ones stay in order.
func (r Rows) byProbability() []int32 {
	type row struct {
		bits  uint64 // of a number that is not negative, these are in its order
		index int32
	}
	rows := make([]row, len(r.Probability))
	for i, p := range r.Probability {
		rows[i] = row{math.Float64bits(p + 0), int32(i)} // + 0 makes 0 of -0
	}
	slices.SortFunc(rows, func(a, b row) int {
		if a.bits != b.bits {
			return cmp.Compare(b.bits, a.bits)
		}
		return cmp.Compare(a.index, b.index)
	})
	order := make([]int32, len(rows))
	for i, r := range rows {
		order[i] = r.index
	}
	return order
}

// clustered is the variance of a figure whose rows have the given influence, weights and division by their total included.
func clustered(influence []float64, group []uint32) float64 {
	sums := influence
	if group != nil {
		of := make(map[uint32]int32, len(group))
		sums = nil
		for i, v := range influence {
			k, ok := of[group[i]]
			if !ok {
				k = int32(len(sums))
				of[group[i]] = k
				sums = append(sums, 0)
			}
			sums[k] += v
		}
	}
	g := float64(len(sums))
	if g < 2 {
		return math.Inf(1)
	}
	squares := 0.0
	for _, v := range sums {
		squares += v * v
	}
	return squares * g / (g - 1)
}

// estimate is a figure within [least, greatest] from its influence.
func estimate(value float64, influence []float64, group []uint32, least, greatest float64) Estimate {
	se := math.Sqrt(clustered(influence, group))
	if math.IsInf(se, 1) {
		// One group says nothing about the spread between groups.
		return Estimate{Value: value, StandardError: math.MaxFloat64, Low: max(least, -math.MaxFloat64), High: min(greatest, math.MaxFloat64)}
	}
	return Estimate{Value: value, StandardError: se, Low: max(least, value-z95*se), High: min(greatest, value+z95*se)}
}
