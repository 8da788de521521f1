package transform

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func all(rows int) []int32 {
	out := make([]int32, rows)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// column draws what clients do: many zeros, counts, amounts, missing values, now and then the extreme.
func column(t *rapid.T) []float32 {
	extreme := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e30, -1e30, math.MaxFloat32, math.SmallestNonzeroFloat32, 0}
	value := rapid.OneOf(
		rapid.Just(float32(0)),
		rapid.Map(rapid.IntRange(0, 40), func(n int) float32 { return float32(n) }),
		rapid.Float32Range(-1000, 1000),
		rapid.SampledFrom(extreme),
	)
	return rapid.SliceOfN(value, 1, 200).Draw(t, "column")
}

func shape(t *rapid.T) Shape {
	return Shape{Log: rapid.Bool().Draw(t, "log"), Spline: rapid.Bool().Draw(t, "spline")}
}

func weighed(t *rapid.T, n *Number) {
	for i := range n.Terms {
		n.Terms[i].Coefficient = rapid.Float64Range(-3, 3).Draw(t, "coefficient")
	}
	if n.Missing != nil {
		n.Missing.Coefficient = rapid.Float64Range(-3, 3).Draw(t, "missing")
	}
}

func TestNumbersAreFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := column(t)
		n := FitNumber(Source{Values: values, Rows: all(len(values))}, shape(t), rapid.IntRange(1, 20).Draw(t, "least"))
		if err := n.Check(); err != nil {
			t.Fatal(err)
		}
		weighed(t, &n)
		c := n.Curve()
		if rapid.Bool().Draw(t, "quick") {
			c.Quicken()
		}
		out := make([]float32, len(n.Terms))
		for _, x := range append(column(t), values...) {
			n.Standard(x, out)
			for i, z := range out {
				if z != z || math.IsInf(float64(z), 0) {
					t.Fatalf("term %d of %v is %v", i, x, z)
				}
			}
			slow, fast := n.Contribution(x), c.At(x)
			if math.IsNaN(slow) || math.Abs(slow) > greatest || math.Abs(slow-fast) > 1e-6*(1+math.Abs(slow)) {
				t.Fatalf("%v adds %v term by term and %v by the curve", x, slow, fast)
			}
			if f := n.Factor(x); !(math.Abs(f) <= factorLimit) {
				t.Fatalf("the factor of %v is %v", x, f)
			}
		}
	})
}

// TestQuickCurve compares a quick curve with the sum of its terms at amounts of money, in and beyond its range.
func TestQuickCurve(t *testing.T) {
	values := make([]float32, 20_000)
	for i := range values {
		values[i] = float32(math.Round(100*math.Exp(5*math.Sin(float64(i)))) / 100)
	}
	for _, shape := range []Shape{{Log: true}, {Spline: true}, {Log: true, Spline: true}} {
		n := FitNumber(Source{Values: values, Rows: all(len(values))}, shape, 50)
		for i := range n.Terms {
			n.Terms[i].Coefficient = 1 - 0.7*float64(i)
		}
		c := n.Curve()
		c.Quicken()
		for i := range 300_000 {
			x := float32(math.Exp(float64(i)/12_000 - 8))
			if slow, fast := n.Contribution(x), c.At(x); math.Abs(slow-fast) > 2e-7 {
				t.Fatalf("%+v: %v adds %v term by term and %v by the curve", shape, x, slow, fast)
			}
		}
	}
}

func TestTermsAreStandard(t *testing.T) {
	values := make([]float32, 5000)
	weights := make([]float32, len(values))
	for i := range values {
		values[i] = float32(i * i % 977)
		weights[i] = float32(1 + i%3)
		if i%10 == 0 {
			values[i] = float32(math.NaN())
		}
	}
	for _, shape := range []Shape{{}, {Log: true}, {Log: true, Spline: true}} {
		n := FitNumber(Source{values, all(len(values)), weights}, shape, 50)
		if want := 1; shape.Spline {
			want = 3
			if len(n.Terms) != want {
				t.Fatalf("%d terms of a spline, want %d", len(n.Terms), want)
			}
		}
		if n.Missing == nil {
			t.Error("500 missing rows have no term")
		}
		sum, square, weight := make([]float64, len(n.Terms)), make([]float64, len(n.Terms)), 0.0
		out := make([]float32, len(n.Terms))
		for i, x := range values {
			if x != x {
				continue
			}
			n.Standard(x, out)
			weight += float64(weights[i])
			for j, z := range out {
				sum[j] += float64(weights[i]) * float64(z)
				square[j] += float64(weights[i]) * float64(z) * float64(z)
			}
		}
		for j := range sum {
			if math.Abs(sum[j]/weight) > 1e-5 || math.Abs(square[j]/weight-1) > 1e-5 {
				t.Errorf("%+v: term %d has mean %v and mean square %v", shape, j, sum[j]/weight, square[j]/weight)
			}
		}
	}
}

// TestSplineIsALineOutside looks at second differences: none before the first and after the last knot, and no jump of
// slope at any knot.
func TestSplineIsALineOutside(t *testing.T) {
	knots := []float64{1, 2, 4, 7}
	second := func(j int, x float64) float64 {
		const h = 1e-3
		return (spline(knots, j, x+h) - 2*spline(knots, j, x) + spline(knots, j, x-h)) / (h * h)
	}
	for j := range 2 {
		for _, x := range []float64{-3, 0, 0.9, 7.1, 9, 50} {
			if v := second(j, x); math.Abs(v) > 1e-4 {
				t.Errorf("term %d bends by %v at %v", j, v, x)
			}
		}
		for _, x := range knots {
			if v := second(j, x); math.Abs(v) > 1 {
				t.Errorf("term %d has a corner at %v", j, x)
			}
		}
		if spline(knots, j, 3.5) == 0 {
			t.Errorf("term %d does not bend at all", j)
		}
	}
}

func TestLevels(t *testing.T) {
	nan := float32(math.NaN())
	// Level 0: 30 rows, 1: 50, 2: 3, 3: none; other: 2; missing: 12.
	var values []float32
	for x, n := range map[float32]int{0: 30, 1: 50, 2: 3, 4: 2} {
		for range n {
			values = append(values, x)
		}
	}
	for range 12 {
		values = append(values, nan)
	}
	l := FitLevels(Source{Values: values, Rows: all(len(values))}, 4, 5)
	if got := l.TermOf; got[0] != 0 || got[1] != Reference || got[2] != Pooled || got[3] != Pooled {
		t.Errorf("terms of levels %v", got)
	}
	l.Terms[0].Coefficient, l.Other.Coefficient, l.Missing.Coefficient, l.Average = 1, 2, 3, 9
	for x, want := range map[float32]float64{0: 1, 1: 0, 2: 2, 3: 2, 4: 2, -1: 2, 1e30: 2, float32(math.Inf(-1)): 2} {
		if got := l.Contribution(x); got != want {
			t.Errorf("%v adds %v, want %v", x, got, want)
		}
	}
	if got := l.Contribution(nan); got != 3 {
		t.Errorf("missing adds %v, want 3", got)
	}
	l.Other, l.Missing = nil, nil
	if l.Contribution(7) != 9 || l.Contribution(nan) != 9 {
		t.Error("what was not learned does not weigh the average")
	}
}

func TestCheckRefuses(t *testing.T) {
	good := func() Number {
		return Number{Low: 0, High: 9, Knots: []float64{0, 1, 2}, Terms: []Term{{Scale: 1}, {Scale: 1}}}
	}
	for name, change := range map[string]func(*Number){
		"scale":       func(n *Number) { n.Terms[0].Scale = 0 },
		"coefficient": func(n *Number) { n.Terms[0].Coefficient = 1e10 },
		"not finite":  func(n *Number) { n.Terms[1].Mean = math.Inf(1) },
		"bounds":      func(n *Number) { n.Low = 10 },
		"knots":       func(n *Number) { n.Knots[1] = 0 },
		"two knots":   func(n *Number) { n.Knots = n.Knots[:2] },
		"terms":       func(n *Number) { n.Terms = n.Terms[:1] },
		"error":       func(n *Number) { n.Terms[0].StandardError = -1 },
		"missing":     func(n *Number) { n.Missing = &Term{} },
	} {
		n := good()
		if err := n.Check(); err != nil {
			t.Fatal(err)
		}
		if change(&n); n.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
