package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"whowhen.dev/whowhen/models/internal/logistic"
)

// strongest is how many columns may be part of a product, attempts how many products are fitted for each one taken.
const (
	strongest = 6
	attempts  = 2
)

// addProducts adds products of two strong columns, one at a time, each only if it lowers the log loss on the folds by
// more than the standard error of the difference. Which are fitted is decided by their score statistic: the squared
// slope of the loss along the product over its variance (C. Rao, Proc. Cambridge Phil. Soc. 1948).
func (s *search) addProducts(ctx context.Context, best *choice, p *prepared, r *Result) (*choice, [][2]int, error) {
	var pairs [][2]int
	tried := map[[2]int]bool{}
	if _, err := p.fit(ctx, best.penalty); err != nil { // the path may have ended at another
		return nil, nil, notConverged(err, best.penalty)
	}
	strong := s.strong(p)
	for len(pairs) < s.options.Products {
		taken := false
		for _, pair := range s.candidates(p, strong, tried) {
			tried[pair] = true
			with := p.with(s, pair)
			c, err := s.try(ctx, with, best.penalty)
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
				best, p, pairs = c, with, append(pairs, pair)
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
func (s *search) candidates(p *prepared, strong []int, tried map[[2]int]bool) [][2]int {
	type scored struct {
		pair  [2]int
		score float64 // of all folds
	}
	var all []scored
	for i, a := range strong {
		for _, b := range strong[i+1:] {
			pair := [2]int{min(a, b), max(a, b)}
			if !tried[pair] {
				all = append(all, scored{pair: pair})
			}
		}
	}
	factors := map[int][]float32{}
	var of *base
	for _, tr := range p.folds {
		if tr.base != of {
			for _, c := range strong {
				factors[c] = tr.factors(s, c)
			}
			of = tr.base
		}
		residual, information := tr.residuals(s.options.Workers)
		logistic.Parallel(s.options.Workers, len(all), func(i int) {
			a, b := factors[all[i].pair[0]], factors[all[i].pair[1]]
			all[i].score += score(a[tr.low:tr.high], b[tr.low:tr.high], residual, information)
		})
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
	d.Predict(tr.beta, residual, workers)
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

func score(a, b []float32, residual, information []float64) float64 {
	mean, weight := 0.0, 0.0
	for r, x := range a {
		mean += information[r] * float64(x*b[r])
		weight += information[r]
	}
	mean /= math.Max(weight, 1e-300)
	slope, variance := 0.0, 0.0
	for r, x := range a {
		d := float64(x*b[r]) - mean
		slope += residual[r] * d
		variance += information[r] * d * d
	}
	if !(variance > 1e-9*weight) {
		return 0
	}
	return slope * slope / variance
}

// strong are the columns of numbers whose contribution to the test rows varies most.
func (s *search) strong(p *prepared) []int {
	tr, f := p.folds[len(p.folds)-1], s.folds[len(p.folds)-1]
	rows := s.rows[f.test[0]:f.test[1]]
	spread := make([]float64, len(s.columns))
	var able []int
	m := tr.spec.withCoefficients(tr.beta, tr.mean, nil)
	for i := range m.Columns {
		c := &m.Columns[i]
		if c.Number == nil || c.Fixed || c.NoProduct || len(c.Number.Terms) == 0 {
			continue
		}
		able = append(able, i)
		sum, square := 0.0, 0.0
		curve, values, sample := c.Number.Curve(), s.table.Values[s.columns[i]], sampleOf(len(rows))
		for _, r := range sample {
			v := curve.At(values[rows[r]])
			sum += v
			square += v * v
		}
		n := float64(len(sample))
		spread[i] = square/n - sum/n*sum/n
	}
	slices.SortStableFunc(able, func(a, b int) int { return cmp.Compare(spread[b], spread[a]) })
	return able[:min(strongest, len(able))]
}
