package training

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/features/propensity"
)

// TestFirstTime asks who will do for the first time what nobody eligible has done before: the recency of that is missing for everybody.
func TestFirstTime(t *testing.T) {
	w := newWorld(14, 3000, 120)
	r := rand.New(rand.NewPCG(14, 2))
	for _, cid := range slices.Sorted(keysOf(w.rate)) { // who opens rarely cancels sooner
		if at := 20 + r.ExpFloat64()*400*(w.rate[cid]+0.02); at < 120 {
			w.add(cid, "cancel", at, 1)
		}
	}
	w.sort()
	a := w.app(t, w.first+120, nil)
	d := propensity.Definition{Name: "cancels", Eligible: `did("open", within 60d) and not did("cancel")`, Target: `did("cancel")`, HorizonDays: 30}
	report := train(t, a, d, quick()).Report
	if base, recency := report.Baselines[baseRate], report.Baselines[recencyOnly]; recency.LogLoss != base.LogLoss || recency.AUC != 0.5 {
		t.Errorf("recency alone has %+v, the base rate %+v", recency, base)
	}
	if !strings.Contains(strings.Join(report.Warnings, "\n"), `the same for everybody eligible, so that the baseline of recency alone is the base rate`) {
		t.Errorf("%q", report.Warnings)
	}
	if !report.Gate.Passed || report.AUC < 0.7 {
		t.Errorf("AUC %.3f, gate %+v", report.AUC, report.Gate)
	}
}

// TestOff holds that it is said when probabilities are off on the whole at the test cut-off, and by how much.
func TestOff(t *testing.T) {
	w := newWorld(3, 3000, 120)
	r := rand.New(rand.NewPCG(3, 9))
	test := w.first + 120 - 15
	for _, cid := range slices.Sorted(keysOf(w.rate)) { // a good fortnight
		if r.Float64() < 0.2 {
			w.add(cid, "open", float64(test-w.first)+14*r.Float64(), 1)
		}
	}
	w.sort()
	for before, want := range map[propensity.Day]bool{w.first + 120: true, test: false} {
		report := train(t, w.app(t, before, nil), opens(), quick()).Report
		said := strings.Contains(strings.Join(report.Warnings, "\n"), "and the model foretold")
		if said != want {
			t.Errorf("before %s it is said that probabilities are off: %v; %q", before, said, report.Warnings)
		}
	}
}
