package sendtime

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// table is rows in memory.
type table struct {
	x      [][]float64
	offset []float64
	label  []bool
}

func (t *table) terms() int { return len(t.x[0]) }

func (t *table) each(part int, yield func(tile)) {
	from, to := share(len(t.x), part)
	for i := from; i < to; i++ {
		yield(tile{t.x[i], t.offset[i : i+1], t.label[i : i+1]})
	}
}

func drawTable(random *rand.Rand, n, terms int) *table {
	t := &table{}
	for range n {
		x := []float64{1}
		for len(x) < terms {
			x = append(x, random.NormFloat64())
		}
		t.x, t.offset, t.label = append(t.x, x), append(t.offset, random.NormFloat64()), append(t.label, random.Float64() < probability(x[1]-0.5))
	}
	return t
}

func TestDerivatives(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	const terms, step = 5, 1e-5
	penalty := ridge(terms, 3)
	penalty.SetSym(1, 2, -1)
	r := regression{rows: drawTable(random, 300, terms), penalty: penalty}
	beta := []float64{0.3, -0.2, 0.5, 0, 1}
	gradient, up, down := make([]float64, terms), make([]float64, terms), make([]float64, terms)
	r.at(beta, gradient)
	curvature := r.curvature(beta, true)
	for j := range terms {
		moved := append([]float64(nil), beta...)
		moved[j] += step
		above := r.at(moved, up)
		moved[j] -= 2 * step
		below := r.at(moved, down)
		if numeric := (above - below) / (2 * step); math.Abs(numeric-gradient[j]) > 1e-4 {
			t.Errorf("slope %d is %v, numerically %v", j, gradient[j], numeric)
		}
		for i := range terms {
			if numeric := (up[i] - down[i]) / (2 * step); math.Abs(numeric-curvature.At(i, j)) > 1e-3 {
				t.Errorf("curvature %d, %d is %v, numerically %v", i, j, curvature.At(i, j), numeric)
			}
		}
	}
}

// TestKnownMinimum: with a constant column alone the probability is the share of labels.
func TestKnownMinimum(t *testing.T) {
	data := &table{}
	for i := range 50 {
		data.x, data.offset, data.label = append(data.x, []float64{1}), append(data.offset, 0), append(data.label, i%5 == 0)
	}
	beta := []float64{3}
	r := regression{rows: data, penalty: ridge(1, 1)}
	if err := r.minimise(context.Background(), "a constant", beta); err != nil {
		t.Fatal(err)
	}
	if math.Abs(beta[0]-math.Log(0.25)) > 1e-5 {
		t.Errorf("%v, want %v", beta[0], math.Log(0.25))
	}
}

func TestMinimumIsFlat(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	for n := range 10 {
		data := drawTable(random, 200*(n+1), 6)
		beta := make([]float64, 6)
		r := regression{rows: data, penalty: ridge(6, float64(n))}
		if err := r.minimise(context.Background(), "rows", beta); err != nil {
			t.Fatal(err)
		}
		gradient := make([]float64, 6)
		r.at(beta, gradient)
		if slope := steepest(gradient) / r.n; slope > newtonSlope {
			t.Errorf("slope %v", slope)
		}
	}
}

func TestNotConvergingIsAnError(t *testing.T) {
	data := &table{x: [][]float64{{1, 1}, {1, -1}}, offset: []float64{0, 0}, label: []bool{true, false}}
	r := regression{rows: data, penalty: mat.NewSymDense(2, nil)} // labels that a column decides alone, and nothing to hold it
	var refused *NotConvergedError
	err := r.minimise(context.Background(), "rows", []float64{0, 0})
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.minimise(ctx, "rows", []float64{0, 0}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
