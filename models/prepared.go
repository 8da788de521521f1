package models

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/mat"

	"whowhen.dev/whowhen/models/internal/logistic"
	"whowhen.dev/whowhen/models/internal/transform"
)

// searchSlope ends the fits of the folds: what is left to gain is below a millionth of the loss, and choices that near
// to each other are as good as each other.
const searchSlope = 3e-5

// manyIterations of a fit say that the curvature it was given is no longer near enough.
const manyIterations = 10

// prepared is one shape, its transforms learned and the rows of the folds transformed.
type prepared struct {
	shape Shape
	folds []*trained
}

// base is rows transformed, and what the folds that are parts of them have in common. Folds by time each have one of
// their own, learned from what was known then, as the shipped model is. Folds by group share one: learning sees no
// labels, so that all it tells of the test rows is where quantiles are.
type base struct {
	spec      spec
	rows      []int32
	learned   []int32 // what the transforms were learned from, without repeats
	design    *logistic.Design
	factor    []float64 // of the penalty, by term
	fixed     []int     // places of the terms of columns fixed at scoring
	near      []float64
	curvature *mat.SymDense // near there; nil when it is to be computed
}

// trained is one fold.
type trained struct {
	*base
	low, high int // what it trains on, of the base's rows
	problem   logistic.Problem
	mean      []float64
	test      *logistic.Design
	beta      []float64 // where the last fit ended: the next starts there
}

// prepare learns and transforms the rows.
func (s *search) prepare(shape Shape) (*prepared, error) {
	p := &prepared{shape: shape}
	if s.distinct < len(s.rows) {
		b, err := s.base(shape, s.rows, s.rows[:s.distinct])
		if err != nil {
			return nil, err
		}
		for _, f := range s.folds {
			p.folds = append(p.folds, s.fold(b, f))
		}
		return p, nil
	}
	for _, f := range s.folds {
		train, test := s.rows[f.train[0]:f.train[1]], s.rows[f.test[0]:f.test[1]]
		b, err := s.base(shape, slices.Concat(train, test), train)
		if err != nil {
			return nil, err
		}
		p.folds = append(p.folds, s.fold(b, fold{[2]int{0, len(train)}, [2]int{len(train), len(b.rows)}}))
	}
	return p, nil
}

func (s *search) base(shape Shape, rows, learned []int32) (*base, error) {
	b := &base{spec: learn(s.table, s.columns, learned, shape, s.options), rows: rows, learned: learned}
	if err := b.spec.checkTerms(); err != nil {
		return nil, err
	}
	b.design, b.factor = b.spec.design(s.table, s.columns, rows, s.options.Workers), b.spec.factors()
	b.spec.each(func(place, column int, _ *transform.Term) {
		if column >= 0 && b.spec.Columns[column].Fixed {
			b.fixed = append(b.fixed, place)
		}
	})
	return b, nil
}

func (s *search) fold(b *base, f fold) *trained {
	tr := &trained{base: b, low: f.train[0], high: f.train[1], test: b.design.Part(f.test[0], f.test[1])}
	tr.problem = logistic.Problem{Design: b.design.Part(tr.low, tr.high), Factor: b.factor,
		Workers: s.options.Workers, MaxIterations: s.options.MaxIterations, Slope: searchSlope}
	tr.problem.Label, tr.problem.Weight = s.table.labels(b.rows[tr.low:tr.high])
	tr.mean = termMeans(&tr.problem)
	return tr
}

// fit fits every fold and returns the sums of the test rows, one fold after the other.
func (p *prepared) fit(ctx context.Context, penalty float64) ([]float64, error) {
	var sums []float64
	for _, tr := range p.folds {
		tr.problem.Penalty = penalty
		if tr.beta == nil && tr.near == nil {
			var err error
			if tr.near, err = logistic.Near(ctx, &tr.problem); err != nil {
				return nil, err
			}
		}
		if tr.beta == nil {
			tr.beta = tr.near
		}
		if tr.curvature == nil {
			tr.curvature = tr.problem.Curvature(tr.beta)
		}
		minimum, err := logistic.MinimiseFrom(ctx, &tr.problem, tr.beta, tr.curvature)
		if err != nil {
			return nil, err
		}
		tr.beta = minimum.Beta
		if minimum.Iterations > manyIterations {
			tr.curvature = nil
		}
		sums = append(sums, tr.predict()...)
	}
	return sums, nil
}

// predict is the sums of the test rows, in which columns that are fixed have their average.
func (tr *trained) predict() []float64 {
	beta := slices.Clone(tr.beta)
	for _, place := range tr.fixed {
		beta[0] += beta[place] * tr.mean[place]
		beta[place] = 0
	}
	sums := make([]float64, tr.test.Rows)
	tr.test.Predict(beta, sums, tr.problem.Workers)
	return sums
}

// with is a copy with the product of two columns, whose fits begin where those of p ended.
func (p *prepared) with(s *search, pair [2]int) *prepared {
	with := &prepared{shape: p.shape}
	made := map[*base]*base{}
	for k, tr := range p.folds {
		b := made[tr.base]
		if b == nil {
			b = tr.base.with(s, pair)
			made[tr.base] = b
		}
		f := fold{[2]int{tr.low, tr.high}, s.folds[k].test}
		if s.distinct == len(s.rows) {
			f.test = [2]int{tr.high, len(b.rows)}
		}
		next := s.fold(b, f)
		next.beta = slices.Insert(slices.Clone(tr.beta), 1+tr.design.Dense, 0)
		if next.curvature == nil && tr.curvature != nil {
			next.curvature = next.problem.Widened(tr.curvature, next.beta)
		}
		with.folds = append(with.folds, next)
	}
	return with
}

func (b *base) with(s *search, pair [2]int) *base {
	with := &base{spec: b.spec.clone(), rows: b.rows, learned: b.learned}
	with.spec.addProduct(s.table, s.columns, b.learned, pair[0], pair[1])
	of := with.spec.Products[len(with.spec.Products)-1].Term
	column, other := b.factors(s, pair[0]), b.factors(s, pair[1])
	for r := range column {
		column[r] = float32((float64(column[r])*float64(other[r]) - of.Mean) / of.Scale)
	}
	with.design, with.factor = b.design.With(column), with.spec.factors()
	for _, place := range b.fixed {
		if place > b.design.Dense {
			place++ // the product comes before the sparse terms
		}
		with.fixed = append(with.fixed, place)
	}
	return with
}

// factors are the values of a column, for each of the rows, as they enter a product.
func (b *base) factors(s *search, column int) []float32 {
	n, values := b.spec.Columns[column].Number, s.table.Values[s.columns[column]]
	out := make([]float32, len(b.rows))
	logistic.Parallel(s.options.Workers, (len(out)+scoreTile-1)/scoreTile, func(k int) {
		for r := k * scoreTile; r < min((k+1)*scoreTile, len(out)); r++ {
			out[r] = float32(n.Factor(values[b.rows[r]]))
		}
	})
	return out
}
