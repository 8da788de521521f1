package transform

import (
	"math"
	"slices"
	"sort"
)

// Source is a raw column of training rows: Values at Rows, each standing for Weight (nil: 1) rows.
type Source struct {
	Values []float32
	Rows   []int32
	Weight []float32
}

func (s Source) weight(row int32) float64 {
	if s.Weight == nil {
		return 1
	}
	return float64(s.Weight[row])
}

// Shape says how far a column of numbers may be bent.
type Shape struct{ Log, Spline bool }

// How columns are judged.
const (
	sampleRows  = 1 << 15 // quantiles are those of so many rows, evenly spread
	tail        = 0.001   // values beyond these quantiles are clamped to them
	fewDistinct = 6       // columns of so few values are not clamped
	skewed      = 1.5     // from this skewness on the logarithm is tried
	leastScale  = 1e-12   // below it, and below so much of the mean, a term is constant but for rounding
)

// knotQuantiles are where F. Harrell (Regression Modeling Strategies, table 2.3) puts four knots.
func knotQuantiles() []float64 { return []float64{0.05, 0.35, 0.65, 0.95} }

// FitNumber learns a column of numbers. Missing has a term if at least minRows rows are missing. Without terms and
// without Missing the column is constant.
func FitNumber(s Source, shape Shape, minRows int) Number {
	n := Number{Terms: []Term{}}
	low, high, missing := math.Inf(1), math.Inf(-1), 0
	for _, row := range s.Rows {
		x := float64(s.Values[row])
		if x != x {
			missing++
		} else if !math.IsInf(x, 0) {
			low, high = min(low, x), max(high, x)
		}
	}
	if missing >= minRows && missing < len(s.Rows) {
		n.Missing = &Term{Scale: 1}
	}
	if low >= high {
		if low == high {
			n.Low, n.High = low, high
		}
		return n
	}
	n.Low, n.High = low, high
	sample := s.sample()
	if shape.Log || shape.Spline {
		if l, h := quantile(sample, tail), quantile(sample, 1-tail); l < h && distinctAtLeast(sample, fewDistinct) {
			n.Low, n.High = l, h
		}
		n.Log = lessSkewed(sample, n.Low, n.High)
	}
	if shape.Spline {
		n.Knots = n.knots(sample)
	}
	n.standardise(s)
	return n
}

// sample is sorted and holds finite values only.
func (s Source) sample() []float64 {
	n := min(len(s.Rows), sampleRows)
	sample := make([]float64, 0, n)
	for i := range n {
		x := float64(s.Values[s.Rows[int(int64(i)*int64(len(s.Rows))/int64(n))]])
		if x == x && !math.IsInf(x, 0) {
			sample = append(sample, x)
		}
	}
	slices.Sort(sample)
	return sample
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func distinctAtLeast(sorted []float64, n int) bool {
	for i := range sorted {
		if i == 0 || sorted[i] != sorted[i-1] {
			if n--; n == 0 {
				return true
			}
		}
	}
	return false
}

// lessSkewed says whether values are skewed and their logarithms less so.
func lessSkewed(sample []float64, low, high float64) bool {
	plain := skewness(sample, func(x float64) float64 { return min(high, max(low, x)) })
	if !(math.Abs(plain) > skewed) {
		return false
	}
	return math.Abs(skewness(sample, func(x float64) float64 { return signedLog(min(high, max(low, x))) })) < math.Abs(plain)
}

func skewness(sample []float64, of func(float64) float64) float64 {
	mean := 0.0
	for _, x := range sample {
		mean += of(x) / float64(len(sample))
	}
	square, cube := 0.0, 0.0
	for _, x := range sample {
		d := of(x) - mean
		square += d * d / float64(len(sample))
		cube += d * d * d / float64(len(sample))
	}
	if square == 0 {
		return 0
	}
	return cube / math.Pow(square, 1.5)
}

// knots are quantiles of the bent values; where many share the lowest value, of those above it, with a knot at the
// lowest. Fewer than three distinct ones, or two too close to each other, make no spline.
func (n *Number) knots(sample []float64) []float64 {
	at := func(sample []float64, knots []float64) []float64 {
		for _, q := range knotQuantiles() {
			v := n.Bend(float32(quantile(sample, q)))
			if len(knots) == 0 || v > knots[len(knots)-1] {
				knots = append(knots, v)
			}
		}
		return knots
	}
	knots := at(sample, nil)
	if len(knots) < len(knotQuantiles()) && len(sample) > 0 {
		above := sample[sort.Search(len(sample), func(i int) bool { return sample[i] > sample[0] }):]
		if len(above) > 0 {
			knots = at(above, []float64{n.Bend(float32(sample[0]))})
		}
	}
	for i := 1; i < len(knots); i++ {
		if !(knots[i]-knots[i-1] > closest*(knots[len(knots)-1]-knots[0])) {
			return nil
		}
	}
	if len(knots) < 3 {
		return nil
	}
	return knots
}

// standardise learns mean and scale of each term from the rows that are not missing.
func (n *Number) standardise(s Source) {
	terms := max(1, len(n.Knots)-1)
	mean, square := make([]float64, terms), make([]float64, terms)
	weight := 0.0
	ready := n.bends()
	for _, row := range s.Rows {
		x := s.Values[row]
		if x != x {
			continue
		}
		bent, w := ready.of(n, x), s.weight(row)
		weight += w
		for i := range terms {
			v := n.raw(i, bent)
			d := v - mean[i]
			mean[i] += d * w / weight
			square[i] += w * d * (v - mean[i])
		}
	}
	n.Terms = make([]Term, terms)
	for i := range n.Terms {
		scale := math.Sqrt(max(0, square[i]/weight))
		if !(scale > leastScale*(1+math.Abs(mean[i]))) {
			if i == 0 {
				n.Terms, n.Knots = []Term{}, nil
			} else {
				n.Terms, n.Knots = n.Terms[:1], nil
			}
			return
		}
		n.Terms[i] = Term{Mean: mean[i], Scale: scale}
	}
}

// bends are the bent values of 0, 1, 2, ...: most columns are counts or days, and a look-up takes a tenth of a logarithm.
type bends [256]float64

func (n *Number) bends() *bends {
	var b bends
	for i := range b {
		b[i] = n.Bend(float32(i))
	}
	return &b
}

func (b *bends) of(n *Number, x float32) float64 {
	if k := int32(x); uint(k) < uint(len(b)) && float32(k) == x {
		return b[k]
	}
	return n.Bend(x)
}

// FitLevels learns a column of so many levels; rarer ones than minRows are pooled.
func FitLevels(s Source, levels, minRows int) Levels {
	counts := make([]int, levels)
	missing, other := 0, 0
	for _, row := range s.Rows {
		x := s.Values[row]
		switch {
		case x != x:
			missing++
		case x >= 0 && x < float32(levels):
			counts[int(x)]++
		default:
			other++
		}
	}
	l := Levels{TermOf: make([]int, levels), Terms: []Term{}}
	most := 0
	for i, n := range counts {
		if n > counts[most] {
			most = i
		}
	}
	for i, n := range counts {
		switch {
		case i == most:
			l.TermOf[i] = Reference
		case n < minRows:
			l.TermOf[i] = Pooled
			other += n
		default:
			l.TermOf[i] = len(l.Terms)
			l.Terms = append(l.Terms, Term{Scale: 1})
		}
	}
	if other >= minRows && other < len(s.Rows) {
		l.Other = &Term{Scale: 1}
	}
	if missing >= minRows && missing < len(s.Rows) {
		l.Missing = &Term{Scale: 1}
	}
	return l
}

// Sparse are the terms of a column that are 0 or 1, in the order of their coefficients.
func (n *Number) Sparse() []*Term {
	if n.Missing == nil {
		return nil
	}
	return []*Term{n.Missing}
}

// SparseOf is which of Sparse is 1 for a value, or -1.
func (n *Number) SparseOf(x float32) int {
	if x != x && n.Missing != nil {
		return 0
	}
	return -1
}

// Sparse are the terms of a column that are 0 or 1, in the order of their coefficients.
func (l *Levels) Sparse() []*Term {
	var terms []*Term
	for i := range l.Terms {
		terms = append(terms, &l.Terms[i])
	}
	if l.Other != nil {
		terms = append(terms, l.Other)
	}
	if l.Missing != nil {
		terms = append(terms, l.Missing)
	}
	return terms
}

// SparseOf is which of Sparse is 1 for a value, or -1.
func (l *Levels) SparseOf(x float32) int {
	switch kind := l.kind(x); {
	case kind >= 0:
		return kind
	case kind == kindOther && l.Other != nil:
		return len(l.Terms)
	case kind == kindMissing && l.Missing != nil:
		if l.Other != nil {
			return len(l.Terms) + 1
		}
		return len(l.Terms)
	}
	return -1
}
