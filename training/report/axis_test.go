package report

import (
	"math"
	"slices"
	"testing"
)

func TestCrowded(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   bool
	}{
		{nil, false},
		{[]float64{0.1, 0.1}, false},
		{[]float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}, false},
		{[]float64{0.9, 0.3, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.2, 0.5}, true},
		{[]float64{0.9, 0.99, 0.999, 0.9999, 0.98}, true},
	} {
		if got := Crowded(test.values, 0, 1); got != test.want {
			t.Errorf("%v: %v", test.values, got)
		}
	}
}

// TestLogOdds holds that an axis shows what it is given, in order, with a few marks whose texts differ and say what they are.
func TestLogOdds(t *testing.T) {
	for _, test := range []struct {
		name  string
		all   []float64
		marks []string // nil where any will do
	}{
		{"rare", []float64{0, 0.0001, 0.02}, []string{"0.0001", "0.001", "0.01"}},
		{"common", []float64{0.99, 0.9999}, []string{"0.99", "0.999", "0.9999"}},
		{"usual", []float64{0.05, 0.9}, []string{"0.1", "0.5", "0.9"}},
		{"wide", []float64{1e-6, 1 - 1e-6}, nil},
		{"narrow", []float64{0.0123, 0.0125}, nil},
		{"one", []float64{0.3}, nil},
		{"none", []float64{0, 1}, nil},
		{"nothing", nil, nil},
	} {
		a := logOdds(test.all)
		var texts []string
		for i, m := range a.marks {
			if m < a.low-1e-9 || m > a.high+1e-9 || i > 0 && m <= a.marks[i-1] {
				t.Errorf("%s: marks %v of %v to %v", test.name, a.marks, a.low, a.high)
			}
			texts = append(texts, a.label(m))
		}
		if len(slices.Compact(slices.Clone(texts))) != len(texts) || len(texts) < 2 || len(texts) > 5 || test.marks != nil && !slices.Equal(texts, test.marks) {
			t.Errorf("%s: marks %q, want %q", test.name, texts, test.marks)
		}
		last := math.Inf(-1)
		for _, p := range slices.Sorted(slices.Values(append([]float64{0, 1}, test.all...))) {
			v := a.to(p)
			if v < a.low || v > a.high || v < last {
				t.Errorf("%s: %v is at %v of %v to %v", test.name, p, v, a.low, a.high)
			}
			if p > 0 && p < 1 && math.Abs(a.from(v)-p) > 1e-9 {
				t.Errorf("%s: %v comes back as %v", test.name, p, a.from(v))
			}
			last = v
		}
	}
}

func TestCounts(t *testing.T) {
	a := counts(114_000, true)
	var texts []string
	for _, m := range a.marks {
		texts = append(texts, a.label(m))
	}
	if want := []string{"0", "1", "10", "100", "1000", "10k", "100k", "1M"}; !slices.Equal(texts, want) {
		t.Errorf("marks %q, want %q", texts, want)
	}
	if plain := counts(0, false); plain.high <= plain.low {
		t.Errorf("of nobody: %+v", plain)
	}
}
