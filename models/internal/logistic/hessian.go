package logistic

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
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
	// rough takes half the time: v is rounded to 32 bits, and so are the sums over a tile.
	rough bool
}

// tileUnits is how many units are summed by one call of the matrix library, and tileWidth how far terms lie apart in a
// tile: not a power of two, which the cache would have in few places.
const (
	tileUnits = 256
	tileWidth = tileUnits + 16
)

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
		switch {
		case low == high:
		case c.rough:
			sums[k] = c.roughPart(low, high)
		default:
			sums[k] = c.part(low, high)
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

// part is the upper half of the sum over some units.
func (c crossProduct) part(low, high int) []float64 {
	terms := c.design.Terms()
	sum, tile := make([]float64, terms*terms), make([]float64, terms*tileWidth)
	for ; low < high; low += tileUnits {
		n := min(tileUnits, high-low)
		fill(c, low, n, tile)
		blas64.Syrk(blas.NoTrans, 1,
			blas64.General{Rows: terms, Cols: n, Stride: tileWidth, Data: tile}, 1,
			blas64.Symmetric{N: terms, Stride: terms, Data: sum, Uplo: blas.Upper})
	}
	return sum
}

func (c crossProduct) roughPart(low, high int) []float64 {
	terms := c.design.Terms()
	sum, of, tile := make([]float64, terms*terms), make([]float32, terms*terms), make([]float32, terms*tileWidth)
	for ; low < high; low += tileUnits {
		n := min(tileUnits, high-low)
		fill(c, low, n, tile)
		blas32.Syrk(blas.NoTrans, 1,
			blas32.General{Rows: terms, Cols: n, Stride: tileWidth, Data: tile}, 0,
			blas32.Symmetric{N: terms, Stride: terms, Data: of, Uplo: blas.Upper})
		for i := range terms {
			row := sum[i*terms : (i+1)*terms]
			for j := i; j < terms; j++ {
				row[j] += float64(of[i*terms+j])
			}
		}
	}
	return sum
}

// fill writes n units as columns of a tile.
func fill[F float32 | float64](c crossProduct, low, n int, tile []F) {
	d := c.design
	first := 1 + d.Dense // of the sparse terms
	if c.ends != nil {
		v := make([]float64, d.Terms())
		for u := range n {
			clear(v)
			c.unit(low+u, v)
			for j, x := range v {
				tile[j*tileWidth+u] = F(x)
			}
		}
		return
	}
	clear(tile[first*tileWidth:])
	for u := range n {
		row := (low + u) * c.stride
		scale := c.scale(row)
		tile[u] = F(scale)
		for j, x := range d.dense(row) {
			tile[(1+j)*tileWidth+u] = F(scale * float64(x))
		}
		for _, j := range d.sparse(row) {
			tile[(first+int(j))*tileWidth+u] += F(scale)
		}
	}
}

// unit adds up the rows of a unit.
func (c crossProduct) unit(u int, v []float64) {
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
const curvatureRows = 500

// Curvature is the second derivative of the mean loss, the penalty apart, as some of the rows, evenly spread, have it,
// but for 32-bit rounding.
func (p *Problem) Curvature(beta []float64) *mat.SymDense {
	return p.curvature(beta, p.curvatureStride(), true)
}

func (p *Problem) curvatureStride() int {
	return max(1, p.Design.Rows/max(5000, curvatureRows*p.Design.Terms()))
}

// curvature is that of one row of every stride.
func (p *Problem) curvature(beta []float64, stride int, rough bool) *mat.SymDense {
	d := p.Design
	total := 0.0
	for row := 0; row < d.Rows; row += stride {
		total += p.weight(row)
	}
	sum := d.sums(beta, stride, p.Workers)
	return crossProduct{design: d, stride: stride, rough: rough, scale: func(row int) float64 {
		_, probability := lossAndProbability(sum(row), true)
		return math.Sqrt(p.weight(row) / total * probability * (1 - probability))
	}}.sum(p.Workers)
}

// Widened is the Curvature at beta of a problem whose last dense column is new, made of one that lacked it: only what
// the new column has to do with the others is computed.
func (p *Problem) Widened(curvature *mat.SymDense, beta []float64) *mat.SymDense {
	d, place := p.Design, p.Design.Dense
	stride := p.curvatureStride()
	sum := d.sums(beta, stride, p.Workers)
	cross, total := make([]float64, d.Terms()), 0.0
	for row := 0; row < d.Rows; row += stride {
		_, probability := lossAndProbability(sum(row), true)
		w := p.weight(row)
		total += w
		d.spreadOne(row, w*probability*(1-probability)*float64(d.dense(row)[d.Dense-1]), cross)
	}
	wide := mat.NewSymDense(d.Terms(), nil)
	for i := range cross {
		wide.SetSym(i, place, cross[i]/total)
		for j := i; j < len(cross) && i != place; j++ {
			if j != place {
				wide.SetSym(i, j, curvature.At(without(i, place), without(j, place)))
			}
		}
	}
	return wide
}

// without is the place of a term before there was one at place.
func without(i, place int) int {
	if i > place {
		return i - 1
	}
	return i
}

// withRidge is a curvature and what the penalty adds to it.
func (p *Problem) withRidge(curvature *mat.SymDense) *mat.SymDense {
	h := copyOf(curvature)
	total := p.Total()
	for j := 1; j < h.SymmetricDim(); j++ {
		h.SetSym(j, j, h.At(j, j)+p.penalty(j)/total)
	}
	return h
}

// hessian is the second derivative of the objective.
func (p *Problem) hessian(beta []float64) *mat.SymDense {
	return p.withRidge(p.curvature(beta, 1, false))
}

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
	rough := p.large()
	sum := d.sums(beta, 1, p.Workers)
	meat := crossProduct{design: d, stride: 1, rough: rough, scale: func(row int) float64 {
		_, probability := lossAndProbability(sum(row), true)
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
		hessian = p.withRidge(p.curvature(beta, stride, rough))
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
