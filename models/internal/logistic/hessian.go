package logistic

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// crossProduct is the sum over units of v v', where v is the sum over the unit's rows of scale x columns. Without
// units each row is one. Row k of the sum is row order[k], or k without an order; unit u ends before ends[u]. Of every
// so many rows, one is taken (stride 1: all; only without units).
type crossProduct struct {
	design *Design
	scale  func(row int) float64
	order  []int32
	ends   []int
	stride int
}

// tileUnits is how many units are summed by one call of the matrix library.
const tileUnits = 256

func (c crossProduct) sum(workers int) *mat.SymDense {
	terms := c.design.Terms()
	units := (c.design.Rows + c.stride - 1) / c.stride
	if c.ends != nil {
		units = len(c.ends)
	}
	// The number of parts depends on the terms alone, so that the sum does not depend on the workers, and bounds
	// memory at 256 MB or two matrices.
	parts := max(2, min(16, (1<<25)/(terms*terms)))
	sums := make([][]float64, parts)
	Parallel(workers, parts, func(k int) {
		low, high := units*k/parts, units*(k+1)/parts
		if low == high {
			return
		}
		sums[k] = make([]float64, terms*terms)
		tile := make([]float64, min(tileUnits, high-low)*terms)
		for ; low < high; low += tileUnits {
			n := min(tileUnits, high-low)
			clear(tile)
			for u := range n {
				c.unit(low+u, tile[u*terms:(u+1)*terms])
			}
			blas64.Syrk(blas.Trans, 1,
				blas64.General{Rows: n, Cols: terms, Stride: terms, Data: tile}, 1,
				blas64.Symmetric{N: terms, Stride: terms, Data: sums[k], Uplo: blas.Upper})
		}
	})
	total := make([]float64, terms*terms)
	for _, s := range sums {
		for i, v := range s {
			total[i] += v
		}
	}
	return mat.NewSymDense(terms, total)
}

// unit adds up the rows of a unit.
func (c crossProduct) unit(u int, v []float64) {
	if c.ends == nil {
		row := u * c.stride
		c.design.spreadOne(row, c.scale(row), v)
		return
	}
	low := 0
	if u > 0 {
		low = c.ends[u-1]
	}
	for k := low; k < c.ends[u]; k++ {
		row := int(c.order[k])
		c.design.spreadOne(row, c.scale(row), v)
	}
}

// curvatureRows is how many rows for each term a Curvature is made of: so many that the search along its axes takes few
// iterations, since each costs as much as several rows for each term.
const curvatureRows = 100

// Curvature is the second derivative of the mean loss, the penalty apart, as some of the rows, evenly spread, have it.
func (p *Problem) Curvature(beta []float64) *mat.SymDense {
	return p.curvature(beta, p.curvatureStride())
}

func (p *Problem) curvatureStride() int {
	return max(1, p.Design.Rows/max(5000, curvatureRows*p.Design.Terms()))
}

// curvature is that of one row of every stride.
func (p *Problem) curvature(beta []float64, stride int) *mat.SymDense {
	d := p.Design
	total := 0.0
	for row := 0; row < d.Rows; row += stride {
		total += p.weight(row)
	}
	return crossProduct{design: d, stride: stride, scale: func(row int) float64 {
		_, probability := lossAndProbability(d.one(row, beta), true)
		return math.Sqrt(p.weight(row) / total * probability * (1 - probability))
	}}.sum(p.Workers)
}

// withRidge is a curvature and what the penalty adds to it.
func (p *Problem) withRidge(curvature *mat.SymDense) *mat.SymDense {
	h := copyOf(curvature)
	ridge := p.Penalty / p.Total()
	for j := 1; j < h.SymmetricDim(); j++ {
		h.SetSym(j, j, h.At(j, j)+ridge)
	}
	return h
}

// hessian is the second derivative of the objective.
func (p *Problem) hessian(beta []float64) *mat.SymDense { return p.withRidge(p.curvature(beta, 1)) }

// breadRows is how many rows for each term the second derivative of a Covariance is made of: an average over so many
// differs from that over more by less than what M is known to.
const breadRows = 2000

// Covariance of the coefficients at the minimum: A^-1 M A^-1 G/(G-1), where A is the second derivative of the objective
// and M the sum over the G groups of s s', with s the sum over the group's rows of w (label - probability) x / W
// (P. Huber, Berkeley Symposium 1967; clustered as in K.-Y. Liang and S. Zeger, Biometrika 1986). Group nil means that
// each row is one. It is the spread of the penalised estimate about its own mean: what the penalty takes away from a
// coefficient is not in it. The answer is false when A is singular: without a penalty, columns say the same.
func (p *Problem) Covariance(at *Minimum, group []uint32) (*mat.SymDense, bool) {
	d, beta := p.Design, at.Beta
	total := p.Total()
	meat := crossProduct{design: d, stride: 1, scale: func(row int) float64 {
		_, probability := lossAndProbability(d.one(row, beta), true)
		return p.weight(row) / total * (outcome(p.Label[row]) - probability)
	}}
	groups := d.Rows
	if group != nil {
		meat.order, meat.ends = byGroup(group)
		groups = len(meat.ends)
	}
	if groups < 2 {
		return nil, false
	}
	m := meat.sum(p.Workers)
	hessian := at.hessian
	if hessian == nil {
		stride := max(1, d.Rows/(breadRows*d.Terms()))
		hessian = p.withRidge(p.curvature(beta, stride))
	}
	var chol mat.Cholesky
	if !chol.Factorize(hessian) || chol.Cond() > 1e14 {
		return nil, false
	}
	var left, both mat.Dense
	if err := chol.SolveTo(&left, m); err != nil {
		return nil, false
	}
	if err := chol.SolveTo(&both, left.T()); err != nil {
		return nil, false
	}
	terms := d.Terms()
	v := mat.NewSymDense(terms, nil)
	correction := float64(groups) / float64(groups-1)
	for i := range terms {
		for j := i; j < terms; j++ {
			v.SetSym(i, j, correction*(both.At(i, j)+both.At(j, i))/2)
		}
	}
	return v, true
}

// byGroup sorts rows by group and says where each group ends.
func byGroup(group []uint32) (order []int32, ends []int) {
	order = make([]int32, len(group))
	for i := range order {
		order[i] = int32(i)
	}
	sort.SliceStable(order, func(a, b int) bool { return group[order[a]] < group[order[b]] })
	for k := 1; k <= len(order); k++ {
		if k == len(order) || group[order[k]] != group[order[k-1]] {
			ends = append(ends, k)
		}
	}
	return order, ends
}
