package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
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

// TestMarksSayWhereTheyStand holds that the text of a mark is its value, whatever the step.
func TestMarksSayWhereTheyStand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		marks, _ := ticks(rapid.Float64Range(1, 500).Draw(t, "top"), 5)
		for _, m := range marks {
			if v, err := strconv.ParseFloat(plain(m), 64); err != nil || math.Abs(v-m) > 1e-6 {
				t.Fatalf("the mark at %v says %s", m, plain(m))
			}
		}
	})
	for _, top := range []float64{1, 1.04, 1.2} {
		marks, _ := ticks(top, 5)
		var texts []string
		for _, m := range marks {
			texts = append(texts, plain(m))
		}
		if want := []string{"0", "0.25", "0.5", "0.75", "1", "1.25"}; top > 1 && !slices.Equal(texts, want) {
			t.Errorf("up to %v: %q, want %q", top, texts, want)
		}
	}
}

// TestCountsAreWhole holds that no mark stands for a part of somebody, and that each says how many it stands for.
func TestCountsAreWhole(t *testing.T) {
	for top := range 30_000 {
		a := counts(float64(top), false)
		for _, m := range a.marks {
			if m != math.Trunc(m) {
				t.Fatalf("up to %d: a mark at %v", top, m)
			}
			text, unit := strings.CutSuffix(a.label(m), "k")
			v, err := strconv.ParseFloat(text, 64)
			if unit {
				v *= 1000
			}
			if err != nil || v != m {
				t.Fatalf("up to %d: the mark at %v says %s", top, m, a.label(m))
			}
		}
		if a.high < float64(top) {
			t.Fatalf("up to %d: the axis ends at %v", top, a.high)
		}
	}
}
