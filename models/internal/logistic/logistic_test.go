package logistic

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// random makes a problem with correlated dense columns, sparse columns and, if asked for, weights.
func random(rows, dense, sparse int, weighted bool, seed uint64) *Problem {
	r := rand.New(rand.NewPCG(seed, 2))
	p := &Problem{Design: &Design{Rows: rows, Dense: dense, Sparse: sparse, Start: []int64{0}}, Penalty: 1, Workers: 2, MaxIterations: 100}
	for range rows {
		common, sum := r.NormFloat64(), -0.5
		for j := range dense {
			x := 0.9*common + 0.4*r.NormFloat64()
			p.Design.X = append(p.Design.X, float32(x))
			sum += x * float64(j%3-1)
		}
		for j := range sparse {
			if r.IntN(4) == 0 {
				p.Design.Index = append(p.Design.Index, int32(j))
				sum += 0.3
			}
		}
		p.Design.Start = append(p.Design.Start, int64(len(p.Design.Index)))
		p.Label = append(p.Label, r.Float64() < 1/(1+math.Exp(-sum)))
		if weighted {
			p.Weight = append(p.Weight, float32(1+r.IntN(3)))
		}
	}
	return p
}

// spiky has columns in which few rows stand out, as counts do, and weights that differ much.
func spiky(seed uint64, rows, columns int) *Problem {
	r := rand.New(rand.NewPCG(seed, 9))
	p := &Problem{Design: &Design{Rows: rows, Dense: columns}, Workers: 2, MaxIterations: 300}
	for range rows {
		sum := -1.0
		for j := range columns {
			x := 0.02 * r.NormFloat64()
			if r.IntN(3000) == 0 {
				x = 50 * (1 + r.Float64())
			}
			p.Design.X = append(p.Design.X, float32(x))
			sum += x * float64(j%3-1)
		}
		p.Label = append(p.Label, r.Float64() < 1/(1+math.Exp(-sum)))
		p.Weight = append(p.Weight, float32(math.Exp(2*r.NormFloat64())))
	}
	p.Design.Start = make([]int64, rows+1)
	return p
}

// TestSpikes holds that searches end where the curvature of the first guess says little of that at the minimum.
func TestSpikes(t *testing.T) {
	for seed := range uint64(6) {
		p := spiky(seed, 12_000, 24)
		for _, penalty := range []float64{0.1, 1, 10} {
			p.Penalty = penalty
			if m, err := Minimise(t.Context(), p, nil); err != nil {
				t.Errorf("seed %d, penalty %v: %v", seed, penalty, err)
			} else if m.Gradient > 1e-6 {
				t.Errorf("seed %d, penalty %v: a slope of %v is left", seed, penalty, m.Gradient)
			}
		}
	}
}

func TestGradientIsTheDerivative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := random(rapid.IntRange(1, 50).Draw(t, "rows"), rapid.IntRange(0, 4).Draw(t, "dense"), rapid.IntRange(0, 3).Draw(t, "sparse"),
			rapid.Bool().Draw(t, "weighted"), rapid.Uint64().Draw(t, "seed"))
		p.Penalty = rapid.Float64Range(0, 10).Draw(t, "penalty")
		terms := p.Design.Terms()
		if rapid.Bool().Draw(t, "factors") {
			p.Factor = rapid.SliceOfN(rapid.Float64Range(0, 40), terms, terms).Draw(t, "factor")
		}
		beta := make([]float64, terms)
		for j := range beta {
			beta[j] = rapid.Float64Range(-2, 2).Draw(t, "beta")
		}
		o := newObjective(p)
		gradient, scratch := make([]float64, terms), make([]float64, terms)
		o.at(beta, gradient)
		hessian := p.hessian(beta)
		const h = 1e-5
		for j := range beta {
			moved := slices.Clone(beta)
			moved[j] += h
			up, _ := o.at(moved, scratch)
			slopeUp := slices.Clone(scratch)
			moved[j] -= 2 * h
			down, _ := o.at(moved, scratch)
			if want := (up - down) / (2 * h); math.Abs(gradient[j]-want) > 1e-7*(1+math.Abs(want)) {
				t.Fatalf("slope %d is %v, differences say %v", j, gradient[j], want)
			}
			for k := range beta {
				if want := (slopeUp[k] - scratch[k]) / (2 * h); math.Abs(hessian.At(j, k)-want) > 1e-6*(1+math.Abs(want)) {
					t.Fatalf("second derivative %d, %d is %v, differences say %v", j, k, hessian.At(j, k), want)
				}
			}
		}
	})
}

func TestMinimumHasNoSlope(t *testing.T) {
	for _, rows := range []int{300, 4_001, 30_003} {
		for _, exact := range []bool{false, true} {
			p := random(rows, 12, 5, rows == 300, uint64(rows))
			p.Exact = exact
			m, err := Minimise(context.Background(), p, nil)
			if err != nil {
				t.Fatal(err)
			}
			gradient := make([]float64, p.Design.Terms())
			_, loss := newObjective(p).at(m.Beta, gradient)
			within := 1e-6
			if exact {
				within = 1e-12
			}
			for j, g := range gradient {
				if math.Abs(g) > within {
					t.Errorf("%d rows: slope %d is %g", rows, j, g)
				}
			}
			if loss != m.Loss {
				t.Errorf("%d rows: the loss is %v and was said to be %v", rows, loss, m.Loss)
			}
		}
	}
}

// TestFactorIsAScale holds a penalty with factors against the same columns, each divided by the root of its factor, and one penalty for all.
func TestFactorIsAScale(t *testing.T) {
	for _, rows := range []int{2_000, 30_003} { // the larger one is approached by samples
		p := random(rows, 6, 2, true, 5)
		p.Exact, p.Penalty = true, 30
		p.Factor = []float64{1, 0.1, 1, 30, 3, 0.5, 100, 1, 1}
		got, err := Minimise(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		scaled := random(rows, 6, 2, true, 5)
		scaled.Exact, scaled.Penalty = true, 30
		for i := range scaled.Design.X {
			scaled.Design.X[i] = float32(float64(scaled.Design.X[i]) / math.Sqrt(p.Factor[1+i%6]))
		}
		want, err := Minimise(t.Context(), scaled, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := p.Covariance(got, nil)
		b, also := scaled.Covariance(want, nil)
		if !ok || !also {
			t.Fatal("no standard errors")
		}
		for j := range got.Beta {
			root := math.Sqrt(p.Factor[j])
			if root*math.Abs(got.Beta[j]-want.Beta[j]/root) > 1e-6 {
				t.Errorf("%d rows: coefficient %d is %v, of the scaled columns %v", rows, j, got.Beta[j], want.Beta[j]/root)
			}
			if se := math.Sqrt(b.At(j, j)) / root; math.Abs(math.Sqrt(a.At(j, j))-se) > 1e-5*se {
				t.Errorf("%d rows: the standard error of coefficient %d is %v, of the scaled columns %v", rows, j, math.Sqrt(a.At(j, j)), se)
			}
		}
	}
}

func TestStartDoesNotMatter(t *testing.T) {
	p := random(2_000, 6, 2, true, 4)
	p.Exact = true
	a, err := Minimise(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	start := make([]float64, p.Design.Terms())
	for j := range start {
		start[j] = float64(j) - 4
	}
	b, err := Minimise(context.Background(), p, start)
	if err != nil {
		t.Fatal(err)
	}
	for j := range a.Beta {
		if math.Abs(a.Beta[j]-b.Beta[j]) > 1e-8 {
			t.Errorf("coefficient %d is %v from zero and %v from elsewhere", j, a.Beta[j], b.Beta[j])
		}
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	var first []float64
	for _, workers := range []int{1, 2, 7} {
		p := random(20_000, 5, 3, false, 9)
		p.Workers = workers
		m, err := Minimise(context.Background(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := p.Covariance(m, nil)
		if !ok {
			t.Fatal("no covariance")
		}
		all := append(slices.Clone(m.Beta), v.RawSymmetric().Data...)
		if first == nil {
			first = all
		} else if !slices.Equal(first, all) {
			t.Errorf("%d workers give another result than one", workers)
		}
	}
}

func TestWeightsAreRepeatedRows(t *testing.T) {
	p := random(500, 3, 2, true, 11)
	p.Exact = true
	repeated := &Problem{Design: &Design{Dense: 3, Sparse: 2, Start: []int64{0}}, Penalty: p.Penalty, Workers: 1, MaxIterations: 100, Exact: true}
	for r := range p.Design.Rows {
		for range int(p.Weight[r]) {
			d := repeated.Design
			d.Rows++
			d.X = append(d.X, p.Design.dense(r)...)
			d.Index = append(d.Index, p.Design.sparse(r)...)
			d.Start = append(d.Start, int64(len(d.Index)))
			repeated.Label = append(repeated.Label, p.Label[r])
		}
	}
	a, errA := Minimise(context.Background(), p, nil)
	b, errB := Minimise(context.Background(), repeated, nil)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for j := range a.Beta {
		if math.Abs(a.Beta[j]-b.Beta[j]) > 1e-9 {
			t.Errorf("coefficient %d is %v weighted and %v repeated", j, a.Beta[j], b.Beta[j])
		}
	}
}

// TestGroupsAreAddedUp compares the covariance with that of a slow sum over dense matrices.
func TestGroupsAreAddedUp(t *testing.T) {
	p := random(900, 2, 2, true, 13)
	group := make([]uint32, 900)
	for i := range group {
		group[i] = uint32(i * 7 % 40)
	}
	m, err := Minimise(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := p.Covariance(m, group)
	if !ok {
		t.Fatal("no covariance")
	}
	terms := p.Design.Terms()
	scores := mat.NewDense(40, terms, nil)
	for r := range 900 {
		_, probability := lossAndProbability(p.Design.one(r, m.Beta), true)
		x := make([]float64, terms)
		p.Design.spreadOne(r, p.weight(r)/p.Total()*(outcome(p.Label[r])-probability), x)
		for j, v := range x {
			scores.Set(int(group[r]), j, scores.At(int(group[r]), j)+v)
		}
	}
	var meat, inverse, half, want mat.Dense
	meat.Mul(scores.T(), scores)
	if err := inverse.Inverse(p.hessian(m.Beta)); err != nil {
		t.Fatal(err)
	}
	half.Mul(&inverse, &meat)
	want.Mul(&half, &inverse)
	want.Scale(40.0/39, &want)
	if !mat.EqualApprox(got, &want, 1e-10) {
		t.Errorf("covariance\n%v\nwant\n%v", mat.Formatted(got), mat.Formatted(&want))
	}
}

func TestNotConverging(t *testing.T) {
	separated := random(400, 2, 0, false, 1)
	separated.Penalty = 0
	for r := range separated.Label {
		separated.Label[r] = separated.Design.dense(r)[0] > 0
	}
	stopped := random(30_000, 8, 2, false, 1)
	stopped.MaxIterations = 1
	for name, p := range map[string]*Problem{"separated": separated, "stopped": stopped} {
		_, err := Minimise(context.Background(), p, nil)
		var stuck *NotConverged
		if !errors.As(err, &stuck) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Minimise(ctx, separated, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	// Two columns that are the same have a minimum without a penalty, but no standard errors.
	same := random(400, 2, 0, false, 1)
	same.Penalty = 0
	for r := range same.Label {
		same.Design.X[2*r] = same.Design.X[2*r+1]
	}
	m, err := Minimise(context.Background(), same, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := same.Covariance(m, nil); ok {
		t.Error("equal columns have standard errors")
	}
}

func TestLossOfExtremes(t *testing.T) {
	for _, s := range []float64{0, 1, -1, 30, -30, 800, -800, 1e300, -1e300} {
		for _, label := range []bool{true, false} {
			loss, p := lossAndProbability(s, label)
			if math.IsNaN(loss) || math.IsInf(loss, 0) || loss < 0 || !(p >= 0 && p <= 1) {
				t.Errorf("sum %v, label %v: loss %v, probability %v", s, label, loss, p)
			}
		}
	}
}

func TestPartAndWith(t *testing.T) {
	p := random(300, 3, 4, false, 21)
	column := make([]float32, 300)
	for r := range column {
		column[r] = float32(r)
	}
	d := p.Design.With(column).Part(100, 250)
	beta := []float64{0.5, 1, -2, 3, 0.25, 1, 2, 3, 4}
	got := make([]float64, d.Rows)
	d.Predict(beta, got, 2)
	for r, s := range got {
		want := p.Design.one(100+r, slices.Delete(slices.Clone(beta), 4, 5)) + 0.25*float64(100+r)
		if math.Abs(s-want) > 1e-12 {
			t.Fatalf("row %d is %v, want %v", r, s, want)
		}
	}
}

func TestWidenedIsTheCurvature(t *testing.T) {
	p := random(3_000, 4, 3, true, 23)
	beta := []float64{0.2, 1, -1, 0.5, 0.3, 0.1, 0.2, -0.4}
	column := make([]float32, p.Design.Rows)
	for r := range column {
		column[r] = float32(r%7) - 3
	}
	wide := *p
	wide.Design = p.Design.With(column)
	with := slices.Insert(slices.Clone(beta), 5, 0)
	got, want := wide.Widened(p.Curvature(beta), with), wide.Curvature(with)
	if !mat.EqualApprox(got, want, 1e-6) {
		t.Errorf("widened\n%v\nanew\n%v", mat.Formatted(got), mat.Formatted(want))
	}
}

// differ is the greatest difference between two matrices, beside the greatest element of the second.
func differ(a, b *mat.SymDense) float64 {
	difference, greatest := 0.0, 0.0
	for i, x := range b.RawSymmetric().Data {
		difference, greatest = max(difference, math.Abs(a.RawSymmetric().Data[i]-x)), max(greatest, math.Abs(x))
	}
	return difference / greatest
}

func TestRough(t *testing.T) {
	for _, rows := range []int{10, 700, 30_001} {
		p := random(rows, 9, 4, rows == 700, uint64(rows))
		beta := make([]float64, p.Design.Terms())
		for j := range beta {
			beta[j] = 0.2 * float64(j%4)
		}
		if d := differ(p.curvature(beta, 1, true), p.curvature(beta, 1, false)); d > 1e-7 {
			t.Errorf("%d rows: rough is off by %g", rows, d)
		}
		group := make([]uint32, rows)
		for i := range group {
			group[i] = uint32(i % 13)
		}
		c := crossProduct{design: p.Design, stride: 1, scale: func(row int) float64 { return 1 / float64(1+row%5) }}
		c.order, c.ends = byGroup(group)
		fine := c.sum(2)
		c.rough = true
		if d := differ(c.sum(2), fine); d > 1e-7 {
			t.Errorf("%d rows in groups: rough is off by %g", rows, d)
		}
	}
}

// TestBadAxes searches along axes that know nothing of the problem, from far away: it takes longer and ends at the same
// minimum.
func TestBadAxes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := random(rapid.IntRange(30, 300).Draw(t, "rows"), 4, 2, rapid.Bool().Draw(t, "weighted"), rapid.Uint64().Draw(t, "seed"))
		p.Exact = true
		want, err := Minimise(context.Background(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		terms := p.Design.Terms()
		start, axes := make([]float64, terms), mat.NewTriDense(terms, mat.Lower, nil)
		for j := range start {
			start[j] = rapid.Float64Range(-20, 20).Draw(t, "start")
			axes.SetTri(j, j, rapid.Float64Range(0.05, 2).Draw(t, "axis"))
		}
		s := newSearch(p, start, axes)
		before := s.value
		if _, reason, err := s.run(context.Background(), 1000, 1e-6); err != nil || s.slope() > acceptSlope {
			t.Fatalf("it ended since %s, with the slope %g, error %v", reason, s.slope(), err)
		}
		if s.value > before {
			t.Errorf("the objective rose from %v to %v", before, s.value)
		}
		for j, b := range s.beta {
			if math.Abs(b-want.Beta[j]) > 1e-2 {
				t.Errorf("coefficient %d is %v, want %v", j, b, want.Beta[j])
			}
		}
	})
}

// TestFewEvaluations bounds what a warm start costs: with the curvature at hand the first step is Newton's.
func TestFewEvaluations(t *testing.T) {
	p := random(30_000, 20, 5, false, 3)
	m, err := Minimise(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Penalty *= 30
	p.Slope = 3e-5
	again, err := MinimiseFrom(context.Background(), p, m.Beta, p.Curvature(m.Beta))
	if err != nil {
		t.Fatal(err)
	}
	if m.Iterations > 8 || again.Iterations > 3 {
		t.Errorf("%d iterations, and %d from nearby", m.Iterations, again.Iterations)
	}
}
