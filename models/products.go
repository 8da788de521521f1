package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// strongest is how many columns may be part of a product, attempts how many products are fitted for each one taken.
const (
	strongest = 6
	attempts  = 2
)

// addProducts adds products of two strong columns, one at a time, each only if it lowers the log loss on the folds by
// more than the standard error of the difference. Which are fitted is decided by their score statistic: the squared
// slope of the loss along the product over its variance.
func (s *search) addProducts(ctx context.Context, best *choice, folds []*trained, r *Result) (*choice, [][2]int, error) {
	var pairs [][2]int
	tried := map[[2]int]bool{}
	for len(pairs) < s.options.Products {
		taken := false
		for _, pair := range s.candidates(folds, tried) {
			tried[pair] = true
			with := append(slices.Clone(pairs), pair)
			for k, tr := range folds {
				tr.transform(s, s.folds[k], with)
			}
			c, err := s.try(ctx, folds, best.shape, best.penalty)
			var stuck *NotConvergedError
			if errors.As(err, &stuck) {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			gain, err := s.gain(c, best)
			if err != nil {
				return nil, nil, err
			}
			taken = gain.Value > gain.StandardError
			a, b := s.table.Columns[s.columns[pair[0]]].Name, s.table.Columns[s.columns[pair[1]]].Name
			r.Products = append(r.Products, ProductTrial{a, b, gain.Value, gain.StandardError, taken})
			s.progress(fmt.Sprintf("product of %s and %s: log loss lower by %.5f ± %.5f, taken: %v", a, b, gain.Value, gain.StandardError, taken))
			if taken {
				best, pairs = c, with
				break
			}
		}
		if !taken {
			break
		}
	}
	return best, pairs, nil
}

// candidates are the most promising products that were not tried yet, the best first.
func (s *search) candidates(folds []*trained, tried map[[2]int]bool) [][2]int {
	strong := s.strong(folds)
	type scored struct {
		pair  [2]int
		score float64
	}
	var all []scored
	for i, a := range strong {
		for _, b := range strong[i+1:] {
			pair := [2]int{min(a, b), max(a, b)}
			if !tried[pair] {
				all = append(all, scored{pair, 0})
			}
		}
	}
	for k, tr := range folds {
		residual, information := tr.residuals(s.options.Workers)
		for i := range all {
			all[i].score += s.score(tr, s.folds[k].train, all[i].pair, residual, information)
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var out [][2]int
	for _, c := range all[:min(attempts, len(all))] {
		out = append(out, c.pair)
	}
	return out
}

// residuals are label - probability and probability x (1 - probability) of the training rows, times their weights.
func (tr *trained) residuals(workers int) (residual, information []float64) {
	d := tr.problem.Design
	residual, information = make([]float64, d.Rows), make([]float64, d.Rows)
	d.Predict(tr.fitted(), residual, workers)
	for r, sum := range residual {
		w := 1.0
		if tr.problem.Weight != nil {
			w = float64(tr.problem.Weight[r])
		}
		p := Probability(sum)
		residual[r] = -w * p
		if tr.problem.Label[r] {
			residual[r] += w
		}
		information[r] = w * p * (1 - p)
	}
	return residual, information
}

func (s *search) score(tr *trained, rows []int32, pair [2]int, residual, information []float64) float64 {
	a, b := tr.spec.Columns[pair[0]].Number, tr.spec.Columns[pair[1]].Number
	va, vb := s.table.Values[s.columns[pair[0]]], s.table.Values[s.columns[pair[1]]]
	mean, weight := 0.0, 0.0
	values := make([]float64, len(rows))
	for r, row := range rows {
		values[r] = a.Factor(va[row]) * b.Factor(vb[row])
		mean += information[r] * values[r]
		weight += information[r]
	}
	mean /= math.Max(weight, 1e-300)
	slope, variance := 0.0, 0.0
	for r, v := range values {
		slope += residual[r] * (v - mean)
		variance += information[r] * (v - mean) * (v - mean)
	}
	if !(variance > 1e-9*weight) {
		return 0
	}
	return slope * slope / variance
}

// strong are the columns of numbers whose contribution to the test rows varies most.
func (s *search) strong(folds []*trained) []int {
	tr := folds[len(folds)-1]
	spread := make([]float64, len(s.columns))
	var able []int
	m := tr.spec.withCoefficients(tr.fitted(), tr.mean, nil)
	for i := range m.Columns {
		c := &m.Columns[i]
		if c.Number == nil || c.Fixed || len(c.Number.Terms) == 0 {
			continue
		}
		able = append(able, i)
		sum, square := 0.0, 0.0
		for _, r := range sampleOf(len(tr.test[i])) {
			v := c.Number.Contribution(tr.test[i][r])
			sum += v
			square += v * v
		}
		n := float64(min(len(tr.test[i]), sampleRows))
		spread[i] = square/n - sum/n*sum/n
	}
	slices.SortStableFunc(able, func(a, b int) int { return cmp.Compare(spread[b], spread[a]) })
	return able[:min(strongest, len(able))]
}

func (tr *trained) fitted() []float64 {
	if tr.beta != nil {
		return tr.beta
	}
	return make([]float64, tr.problem.Design.Terms())
}
