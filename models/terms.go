package models

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"whowhen.dev/whowhen/models/internal/logistic"
	"whowhen.dev/whowhen/models/internal/transform"
)

// layout says which coefficients belong to which column. Coefficient 0 is the intercept; then come the dense terms of
// each column, those of the products, and the sparse terms of each column.
type layout struct {
	dense, sparse []int // the first of each column, counted from 0 among its kind
	product       int   // the first dense one of the products
	denseTerms    int
	sparseTerms   int
}

func (s *spec) layout() layout {
	var l layout
	for i := range s.Columns {
		c := &s.Columns[i]
		l.dense = append(l.dense, l.denseTerms)
		l.sparse = append(l.sparse, l.sparseTerms)
		if c.Number != nil {
			l.denseTerms += len(c.Number.Terms)
		}
		l.sparseTerms += len(c.sparse())
	}
	l.product = l.denseTerms
	l.denseTerms += len(s.Products)
	return l
}

// checkTerms refuses a fit whose second derivative would not fit into memory.
func (s *spec) checkTerms() error {
	l := s.layout()
	if terms := 1 + l.denseTerms + l.sparseTerms; terms > maxTerms {
		return &TableError{Problem: fmt.Sprintf("the columns make %d terms; at most %d can be fitted. Use fewer columns or levels", terms, maxTerms)}
	}
	return nil
}

func (c *inUse) sparse() []*transform.Term {
	if c.Number != nil {
		return c.Number.Sparse()
	}
	return c.Level.Sparse()
}

func (c *inUse) sparseOf(x float32) int {
	if c.Number != nil {
		return c.Number.SparseOf(x)
	}
	return c.Level.SparseOf(x)
}

// learn fits the transforms of a table's columns to some of its rows.
func learn(t *Table, columns []int, rows []int32, shape Shape, o *Options) spec {
	s := spec{Columns: make([]inUse, len(columns)), Products: []product{}, Calibration: Calibration{Slope: 1}, BendFactor: o.BendFactor}
	bend := transform.Shape{Log: shape == ShapeLog, Spline: shape == ShapeSpline}
	logistic.Parallel(o.Workers, len(columns), func(i int) {
		c := columns[i]
		source := transform.Source{Values: t.Values[c], Rows: rows, Weight: t.Weight}
		s.Columns[i].Column = t.Columns[c]
		if levels := t.Columns[c].Levels; levels != nil {
			l := transform.FitLevels(source, len(levels), o.MinLevelRows)
			s.Columns[i].Level = &l
			return
		}
		n := transform.FitNumber(source, bend, o.MinLevelRows)
		s.Columns[i].Number = &n
	})
	s.dropSharedMissing(t, columns, rows)
	return s
}

// dropSharedMissing leaves one missing indicator where several columns are missing in the same rows: "never did" makes
// recency, gap and rate missing at once.
func (s *spec) dropSharedMissing(t *Table, columns []int, rows []int32) {
	seen := map[uint64]bool{}
	for i := range s.Columns {
		n := s.Columns[i].Number
		if n == nil || n.Missing == nil {
			continue
		}
		h := uint64(14695981039346656037)
		for k, row := range rows {
			if x := t.Values[columns[i]][row]; x != x {
				h = mix(h ^ uint64(k))
			}
		}
		if seen[h] {
			n.Missing = nil
		}
		seen[h] = true
	}
}

// mix scatters the bits of a number (the finaliser of SplitMix64: G. Steele et al., OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// addProduct adds the product of two columns, with its mean and scale over the rows.
func (s *spec) addProduct(t *Table, columns []int, rows []int32, a, b int) {
	mean, square, weight := 0.0, 0.0, 0.0
	for _, row := range rows {
		v := s.Columns[a].Number.Factor(t.Values[columns[a]][row]) * s.Columns[b].Number.Factor(t.Values[columns[b]][row])
		w := t.weight(row)
		weight += w
		d := v - mean
		mean += d * w / weight
		square += w * d * (v - mean)
	}
	scale := math.Sqrt(max(0, square/weight))
	if !(scale > 1e-6) {
		scale = 1 // constant here: it weighs nothing
	}
	s.Products = append(s.Products, product{A: a, B: b, Term: transform.Term{Mean: mean, Scale: scale}})
}

func (t *Table) weight(row int32) float64 {
	if t.Weight == nil {
		return 1
	}
	return float64(t.Weight[row])
}

// design transforms rows of a table.
func (s *spec) design(t *Table, columns []int, rows []int32, workers int) *logistic.Design {
	l := s.layout()
	d := &logistic.Design{Rows: len(rows), Dense: l.denseTerms, Sparse: l.sparseTerms,
		X: make([]float32, len(rows)*l.denseTerms), Start: make([]int64, len(rows)+1)}
	ready := make([]standards, len(s.Columns))
	for i := range s.Columns {
		if n := s.Columns[i].Number; n != nil {
			ready[i] = newStandards(n)
		}
	}
	const block = 8192
	blocks := (len(rows) + block - 1) / block
	index := make([][]int32, blocks)
	logistic.Parallel(workers, blocks, func(k int) {
		low, high := k*block, min((k+1)*block, len(rows))
		for r := low; r < high; r++ {
			row, x := rows[r], d.X[r*d.Dense:(r+1)*d.Dense]
			for i := range s.Columns {
				c, v := &s.Columns[i], t.Values[columns[i]][row]
				if c.Number != nil {
					ready[i].put(c.Number, v, x[l.dense[i]:])
				}
				if j := c.sparseOf(v); j >= 0 {
					index[k] = append(index[k], int32(l.sparse[i]+j))
				}
			}
			for i := range s.Products {
				p := &s.Products[i]
				v := s.Columns[p.A].Number.Factor(t.Values[columns[p.A]][row]) * s.Columns[p.B].Number.Factor(t.Values[columns[p.B]][row])
				x[l.product+i] = float32((v - p.Term.Mean) / p.Term.Scale)
			}
			d.Start[r+1] = int64(len(index[k]))
		}
	})
	for k := range index {
		before := int64(len(d.Index))
		for r := k * block; r < min((k+1)*block, len(rows)); r++ {
			d.Start[r+1] += before
		}
		d.Index = append(d.Index, index[k]...)
	}
	return d
}

// standards are the standardised terms of 0, 1, 2, ..., for columns of counts and days.
type standards struct{ table []float32 }

const standardsSize = 256

func newStandards(n *transform.Number) standards {
	terms := len(n.Terms)
	s := standards{make([]float32, standardsSize*terms)}
	for i := range standardsSize {
		n.Standard(float32(i), s.table[i*terms:(i+1)*terms])
	}
	return s
}

func (s standards) put(n *transform.Number, x float32, out []float32) {
	terms := len(n.Terms)
	if k := int32(x); uint(k) < standardsSize && float32(k) == x {
		copy(out[:terms], s.table[int(k)*terms:])
		return
	}
	n.Standard(x, out[:terms])
}

// each visits every coefficient but the intercept, with its place in the layout and its column (-1: a product).
func (s *spec) each(visit func(place, column int, term *transform.Term)) {
	l := s.layout()
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Number != nil {
			for j := range c.Number.Terms {
				visit(1+l.dense[i]+j, i, &c.Number.Terms[j])
			}
		}
		for j, term := range c.sparse() {
			visit(1+l.denseTerms+l.sparse[i]+j, i, term)
		}
	}
	for i := range s.Products {
		visit(1+l.product+i, -1, &s.Products[i].Term)
	}
}

// withCoefficients puts the coefficients into the terms of a deep copy, and what columns add on average.
func (s *spec) withCoefficients(beta, mean []float64, v *mat.SymDense) spec {
	out := s.clone()
	se := func(place int) float64 {
		if v == nil {
			return 0
		}
		return math.Sqrt(max(0, v.At(place, place)))
	}
	out.Intercept = coefficient{beta[0], se(0)}
	out.each(func(place, column int, term *transform.Term) {
		term.Coefficient, term.StandardError = beta[place], se(place)
		if column >= 0 {
			out.Columns[column].Average += beta[place] * mean[place]
		}
	})
	l := out.layout()
	for i := range out.Products {
		out.Products[i].Average = beta[1+l.product+i] * mean[1+l.product+i]
	}
	for i := range out.Columns {
		if c := &out.Columns[i]; c.Level != nil {
			c.Level.Average = c.Average
		}
	}
	return out
}

func (s *spec) clone() spec {
	out := *s
	out.Columns = append([]inUse{}, s.Columns...)
	out.Products = append([]product{}, s.Products...)
	for i := range out.Columns {
		c := &out.Columns[i]
		if c.Number != nil {
			n := *c.Number
			n.Terms = append([]transform.Term{}, n.Terms...)
			n.Missing = copyOf(n.Missing)
			c.Number = &n
			continue
		}
		l := *c.Level
		l.Terms = append([]transform.Term{}, l.Terms...)
		l.Other, l.Missing = copyOf(l.Other), copyOf(l.Missing)
		c.Level = &l
	}
	return out
}

func copyOf(t *transform.Term) *transform.Term {
	if t == nil {
		return nil
	}
	c := *t
	return &c
}

// termMeans are the weighted means of the terms over the rows, the intercept's being 1.
func termMeans(p *logistic.Problem) []float64 {
	d := p.Design
	mean := make([]float64, d.Terms())
	total := 0.0
	for r := range d.Rows {
		w := 1.0
		if p.Weight != nil {
			w = float64(p.Weight[r])
		}
		total += w
		for j, x := range d.X[r*d.Dense : (r+1)*d.Dense] {
			mean[1+j] += w * float64(x)
		}
		for _, j := range d.Index[d.Start[r]:d.Start[r+1]] {
			mean[1+d.Dense+int(j)] += w
		}
	}
	mean[0] = total
	for j := range mean {
		mean[j] /= total
	}
	return mean
}
