package training

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features/propensity"
)

func days(text string) []propensity.Day {
	var all []propensity.Day
	for _, one := range strings.Fields(text) {
		all = append(all, mustDay(one))
	}
	return all
}

func TestChoose(t *testing.T) {
	known := span{first: mustDay("2026-01-01"), last: mustDay("2026-06-30")}
	for _, test := range []struct {
		name                string
		wanted              Cutoffs
		whole               bool
		horizon             int
		wantTrain, wantTest string
		says                string
	}{
		{"chosen", Cutoffs{}, false, 30, "2026-03-04 2026-04-01 2026-05-01", "2026-05-31", ""},
		{"the last day is over", Cutoffs{}, true, 30, "2026-03-05 2026-04-02 2026-05-02", "2026-06-01", ""},
		{"one alone", Cutoffs{Pool: 1}, false, 14, "2026-06-02", "2026-06-16", ""},
		{"three", Cutoffs{Pool: 3}, false, 14, "2026-05-05 2026-05-19 2026-06-02", "2026-06-16", ""},
		{"test given", Cutoffs{Test: days("2026-06-01 2026-05-01"), Pool: 1}, false, 30, "2026-04-01", "2026-05-01 2026-06-01", ""},
		{"both given", Cutoffs{Train: days("2026-03-01"), Test: days("2026-05-01"), Pool: 1}, false, 30, "2026-03-01", "2026-05-01", ""},
		{"exactly these", Cutoffs{Train: days("2026-04-01 2026-03-01"), Test: days("2026-05-01")}, false, 30, "2026-03-01 2026-04-01", "2026-05-01", ""},
		{"overlapping horizons", Cutoffs{Train: days("2026-03-15 2026-04-01"), Test: days("2026-05-01")}, false, 30, "", "", "count twice"},
		{"too near the test", Cutoffs{Train: days("2026-04-15"), Test: days("2026-05-01")}, false, 30, "", "", "judged by"},
		{"after the data", Cutoffs{Test: days("2026-06-15")}, false, 30, "", "", "the data ends with 2026-06-30"},
		{"before the data", Cutoffs{Train: days("2025-12-01"), Test: days("2026-05-01")}, false, 30, "", "", "nothing is known before"},
		{"twice", Cutoffs{Test: days("2026-05-01 2026-05-01")}, false, 30, "", "", "twice"},
		{"too little", Cutoffs{}, false, 90, "", "", "181 days, and a horizon of 90 days needs 209"},
		{"pool", Cutoffs{Pool: -1}, false, 30, "", "", "pooled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			known := known
			known.whole = test.whole
			got, err := test.wanted.choose(known, test.horizon)
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Fatalf("got %v, %v, want %q", got, err, test.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(days(test.wantTrain), got.Train); diff != "" {
				t.Errorf("train %v %s", got.Train, diff)
			}
			if diff := cmp.Diff(days(test.wantTest), got.Test); diff != "" {
				t.Errorf("test %v %s", got.Test, diff)
			}
		})
	}
}

// TestChooseKeepsApart checks what makes a judgement honest, of whatever is chosen.
func TestChooseKeepsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known := span{first: propensity.Day(rapid.IntRange(1, 30_000).Draw(t, "first")), whole: rapid.Bool().Draw(t, "whole")}
		known.last = known.first + propensity.Day(rapid.IntRange(0, 2000).Draw(t, "span"))
		horizon := rapid.IntRange(1, 400).Draw(t, "horizon")
		h := propensity.Day(horizon)
		got, err := Cutoffs{Pool: rapid.IntRange(0, 20).Draw(t, "pool")}.choose(known, horizon)
		if err != nil {
			return
		}
		newest := got.Train[len(got.Train)-1]
		if newest+h > got.Test[0] || got.Test[len(got.Test)-1]+h > known.last+1 || got.Train[0] <= known.first {
			t.Fatalf("%v of %v to %v with a horizon of %d", got, known.first, known.last, horizon)
		}
		for i, d := range got.Train[:len(got.Train)-1] {
			if d+h > newest || d >= got.Train[i+1] {
				t.Fatalf("trains on %v with a horizon of %d", got.Train, horizon)
			}
		}
	})
}
