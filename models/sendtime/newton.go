package sendtime

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// NotConvergedError refuses a fit that did not reach the least loss.
type NotConvergedError struct {
	Part  string  // of the model
	Slope float64 // the largest one left, of the mean loss
	Steps int
}

func (e *NotConvergedError) Error() string {
	return fmt.Sprintf("sendtime: %s did not converge after %d steps (slope left %.3g); train on more days, or with a larger penalty", e.Part, e.Steps, e.Slope)
}

// rows are what a regression is fitted to.
type rows interface {
	// terms is how many columns a row has, the constant one included.
	terms() int
	// each calls yield with the rows of a part, tile by tile, in the same order in every call. x has a row for each label.
	each(part int, yield func(tile))
}

// tile are some rows. It is good until yield returns.
type tile struct {
	x, offset []float64
	label     []bool
}

const (
	// fitParts is how many goroutines add up; it is fixed, so that sums do not depend on the machine.
	fitParts     = 2
	newtonSteps  = 60
	roughSteps   = 15   // from then on the curvature is taken from all rows
	newtonSlope  = 1e-6 // of the mean loss
	newtonSlower = 0.3  // a step that leaves more of the slope than this asks for a new curvature
	// curvatureRows is how many rows are enough to tell the curvature by: of more, every so many tiles are taken. It only shapes the steps.
	curvatureRows = 60_000
)

// share is the part of n things that a goroutine has.
func share(n, part int) (from, to int) { return n * part / fitParts, n * (part + 1) / fitParts }

// regression is the log loss of rows + beta' R beta / 2, R being a symmetric penalty. Its loss is convex in beta.
type regression struct {
	rows
	penalty *mat.SymDense
	n       float64 // rows
}

// at returns the loss and writes its gradient.
func (r *regression) at(beta, gradient []float64) (loss float64) {
	var losses, counts [fitParts]float64
	var slopes [fitParts][]float64
	parallel(fitParts, func(k int) {
		slope := make([]float64, len(beta))
		r.each(k, func(t tile) {
			counts[k] += float64(len(t.label))
			for i, label := range t.label {
				row := t.x[i*len(beta) : (i+1)*len(beta)]
				l, p := lossOf(t.offset[i]+dot(row, beta), label)
				losses[k] += l
				if label {
					p--
				}
				for j, v := range row {
					slope[j] += p * v
				}
			}
		})
		slopes[k] = slope
	})
	clear(gradient)
	r.n = 0
	for k := range fitParts {
		loss += losses[k]
		r.n += counts[k]
		for j, v := range slopes[k] {
			gradient[j] += v
		}
	}
	for i := range beta {
		for j := range beta {
			pull := r.penalty.At(i, j) * beta[j]
			gradient[i] += pull
			loss += beta[i] * pull / 2
		}
	}
	return loss
}

// curvature returns the second derivative, from some of the rows or from all.
func (r *regression) curvature(beta []float64, all bool) *mat.SymDense {
	terms := len(beta)
	stride := max(1, int(r.n)/curvatureRows)
	if all {
		stride = 1
	}
	var parts [fitParts][]float64
	var counts [fitParts]float64
	parallel(fitParts, func(k int) {
		sum := make([]float64, terms*terms)
		var scaled []float64
		number := 0
		r.each(k, func(t tile) {
			if number++; (number-1)%stride != 0 {
				return
			}
			scaled = slices.Grow(scaled[:0], len(t.x))[:len(t.x)]
			counts[k] += float64(len(t.label))
			for i := range t.label {
				row, to := t.x[i*terms:(i+1)*terms], scaled[i*terms:(i+1)*terms]
				_, p := lossOf(t.offset[i]+dot(row, beta), true)
				w := math.Sqrt(p * (1 - p))
				for j, v := range row {
					to[j] = w * v
				}
			}
			blas64.Syrk(blas.Trans, 1, blas64.General{Rows: len(t.label), Cols: terms, Stride: terms, Data: scaled}, 1,
				blas64.Symmetric{N: terms, Stride: terms, Data: sum, Uplo: blas.Upper})
		})
		parts[k] = sum
	})
	total, count := parts[0], counts[0]
	for k, s := range parts[1:] {
		count += counts[k+1]
		for i, v := range s {
			total[i] += v
		}
	}
	for i := range terms {
		for j := i; j < terms; j++ {
			total[i*terms+j] = total[i*terms+j]*r.n/count + r.penalty.At(i, j)
		}
		total[i*terms+i] += 1e-9 * r.n // where neither rows nor penalty hold a coefficient, it stays
	}
	return mat.NewSymDense(terms, total)
}

// minimise moves beta to the least loss by Newton's method. The curvature is taken anew only where the steps get slow, at first from
// some of the rows and, where that is not good enough, from all. A step that does not help is halved.
func (r *regression) minimise(ctx context.Context, part string, beta []float64) error {
	gradient, next, nextGradient := make([]float64, len(beta)), make([]float64, len(beta)), make([]float64, len(beta))
	loss := r.at(beta, gradient)
	var root mat.Cholesky
	for steps, fresh, stale, all := 0, false, true, false; ; steps++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		slope := steepest(gradient) / r.n
		if slope < newtonSlope {
			return nil
		}
		if steps == newtonSteps || math.IsNaN(slope) {
			return &NotConvergedError{part, slope, steps}
		}
		if stale {
			all = all || steps >= roughSteps
			if !root.Factorize(r.curvature(beta, all)) {
				return &NotConvergedError{part, slope, steps}
			}
			fresh, stale = true, false
		}
		var move mat.VecDense
		// A curvature that is all but flat in some direction is told of by an error, too, and still gives a way down.
		if _ = root.SolveVecTo(&move, mat.NewVecDense(len(beta), gradient)); move.Len() == 0 {
			return &NotConvergedError{part, slope, steps}
		}
		nextLoss, helped := 0.0, false
		for length := 1.0; length > 1e-4 && !helped; length /= 2 {
			for i := range next {
				next[i] = beta[i] - length*move.AtVec(i)
			}
			nextLoss = r.at(next, nextGradient)
			// At the end of precision the loss cannot tell, and the slope can.
			helped = nextLoss < loss || nextLoss <= loss*(1+1e-12) && steepest(nextGradient) < steepest(gradient)
		}
		switch {
		case helped:
			stale = steepest(nextGradient) > newtonSlower*steepest(gradient)
			fresh, loss = false, nextLoss
			copy(beta, next)
			copy(gradient, nextGradient)
		case fresh && all:
			return &NotConvergedError{part, slope, steps}
		default:
			all, stale = all || fresh, true
		}
	}
}

func steepest(gradient []float64) float64 {
	most := 0.0
	for _, g := range gradient {
		most = max(most, math.Abs(g))
	}
	return most
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// lossOf returns the log loss of a row with these log-odds, and its probability, without overflow.
func lossOf(logOdds float64, label bool) (loss, p float64) {
	e := math.Exp(-math.Abs(logOdds))
	p = 1 / (1 + e)
	if logOdds < 0 {
		p = e / (1 + e)
	}
	loss = math.Log1p(e)
	if label == (logOdds < 0) {
		loss += math.Abs(logOdds)
	}
	return loss, p
}
