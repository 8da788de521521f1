// Package logistic minimises the penalised mean loss of a logistic regression and says how sure its coefficients are.
package logistic

import (
	"math"
	"sync"
	"sync/atomic"
)

// Design holds the transformed columns of all rows. Column 0 is the intercept and is not stored; then come Dense
// columns, then Sparse ones, which are 0 or 1. It takes 4 bytes for each dense value, 4 for each sparse 1 and 8 a row.
type Design struct {
	Rows, Dense, Sparse int
	// X is row-major, Rows x Dense.
	X []float32
	// The sparse columns that are 1 in row r are Index[Start[r]:Start[r+1]], counted from 0.
	Start []int64
	Index []int32
}

// Terms is the number of coefficients.
func (d *Design) Terms() int { return 1 + d.Dense + d.Sparse }

// Part is the rows from low on and below high, of the same memory.
func (d *Design) Part(low, high int) *Design {
	part := *d
	part.Rows, part.X = high-low, d.X[low*d.Dense:high*d.Dense]
	part.Start = d.Start[low : high+1]
	return &part
}

// With is a copy that has one more dense column, the last.
func (d *Design) With(column []float32) *Design {
	with := *d
	with.Dense++
	with.X = make([]float32, d.Rows*with.Dense)
	for r, x := range column {
		copy(with.X[r*with.Dense:], d.dense(r))
		with.X[(r+1)*with.Dense-1] = x
	}
	return &with
}

func (d *Design) dense(row int) []float32 { return d.X[row*d.Dense : (row+1)*d.Dense] }

func (d *Design) sparse(row int) []int32 {
	if d.Sparse == 0 {
		return nil
	}
	return d.Index[d.Start[row]:d.Start[row+1]]
}

// four returns the weighted sums of four rows: with the weights loaded once for four rows, one core reads the design
// about as fast as memory gives it.
func (d *Design) four(row int, beta []float64) (s [4]float64) {
	n := d.Dense
	x := d.X[row*n : (row+4)*n]
	x0, x1, x2, x3 := x[:n], x[n:2*n], x[2*n:3*n], x[3*n:4*n]
	var s0, s1, s2, s3 float64
	for j, b := range beta[1 : 1+n] {
		s0 += b * float64(x0[j])
		s1 += b * float64(x1[j])
		s2 += b * float64(x2[j])
		s3 += b * float64(x3[j])
	}
	s = [4]float64{s0, s1, s2, s3}
	for k := range s {
		s[k] += d.rest(row+k, beta)
	}
	return s
}

// rest is what the intercept and the sparse columns add.
func (d *Design) rest(row int, beta []float64) float64 {
	s := beta[0]
	for _, j := range d.sparse(row) {
		s += beta[1+d.Dense+int(j)]
	}
	return s
}

func (d *Design) one(row int, beta []float64) float64 {
	s := d.rest(row, beta)
	for j, x := range d.dense(row) {
		s += beta[1+j] * float64(x)
	}
	return s
}

// spread adds residuals x columns of four rows to the gradient.
func (d *Design) spread(row int, r [4]float64, gradient []float64) {
	n := d.Dense
	x := d.X[row*n : (row+4)*n]
	x0, x1, x2, x3 := x[:n], x[n:2*n], x[2*n:3*n], x[3*n:4*n]
	g := gradient[1 : 1+n]
	for j := range g {
		g[j] += r[0]*float64(x0[j]) + r[1]*float64(x1[j]) + r[2]*float64(x2[j]) + r[3]*float64(x3[j])
	}
	for k, v := range r {
		d.spreadRest(row+k, v, gradient)
	}
}

func (d *Design) spreadRest(row int, r float64, gradient []float64) {
	gradient[0] += r
	for _, j := range d.sparse(row) {
		gradient[1+d.Dense+int(j)] += r
	}
}

func (d *Design) spreadOne(row int, r float64, gradient []float64) {
	for j, x := range d.dense(row) {
		gradient[1+j] += r * float64(x)
	}
	d.spreadRest(row, r, gradient)
}

// Predict writes the weighted sums of all rows.
func (d *Design) Predict(beta, out []float64, workers int) {
	d.inChunks(workers, func(_, low, high int) {
		row := low
		for ; row+4 <= high; row += 4 {
			s := d.four(row, beta)
			copy(out[row:], s[:])
		}
		for ; row < high; row++ {
			out[row] = d.one(row, beta)
		}
	})
}

// sums are the weighted sums of one row of every stride.
func (d *Design) sums(beta []float64, stride, workers int) func(row int) float64 {
	if stride > 1 {
		return func(row int) float64 { return d.one(row, beta) }
	}
	out := make([]float64, d.Rows)
	d.Predict(beta, out, workers)
	return func(row int) float64 { return out[row] }
}

// chunkRows is a function of the rows alone, so that sums, added up chunk by chunk, do not depend on the workers.
func (d *Design) chunkRows() int { return max(4096, (d.Rows+1023)/1024) }

func (d *Design) chunks() int { return (d.Rows + d.chunkRows() - 1) / d.chunkRows() }

func (d *Design) inChunks(workers int, do func(chunk, low, high int)) {
	size := d.chunkRows()
	Parallel(workers, d.chunks(), func(k int) { do(k, k*size, min((k+1)*size, d.Rows)) })
}

// Parallel calls do with 0 to n-1, on so many goroutines.
func Parallel(workers, n int, do func(i int)) {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wait.Wait()
}

// lossAndProbability of a row with the sum s, without overflow.
func lossAndProbability(s float64, label bool) (loss, probability float64) {
	e := math.Exp(-math.Abs(s))
	probability = 1 / (1 + e)
	if s < 0 {
		probability = e / (1 + e)
	}
	loss = math.Log1p(e)
	if label == (s < 0) {
		loss += math.Abs(s)
	}
	return loss, probability
}
