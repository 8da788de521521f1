package models_test

import (
	"cmp"
	"context"
	"math"
	"slices"
	"testing"

	"whowhen.dev/whowhen/models"
)

func TestVariedModelHasEveryKind(t *testing.T) {
	r := variedResult(t)
	kinds := map[models.Term]int{}
	for _, c := range r.Model.Coefficients() {
		kinds[c.Term]++
	}
	for _, kind := range []models.Term{models.TermIntercept, models.TermLinear, models.TermSpline, models.TermMissing, models.TermLevel, models.TermOther, models.TermProduct} {
		if kinds[kind] == 0 {
			t.Errorf("no term is %s: %v, products tried %+v", kind, kinds, r.Products)
		}
	}
	if r.Folds.Kind != models.FoldsByTime || !r.Calibrated {
		t.Errorf("folds %+v, calibrated %v", r.Folds, r.Calibrated)
	}
	seen := map[models.EffectKind]bool{}
	for _, e := range r.Effects {
		seen[e.Kind] = true
		if !(e.StandardError > 0) || math.IsNaN(e.LogOdds) {
			t.Errorf("effect %+v", e)
		}
	}
	if len(seen) != 4 {
		t.Errorf("effects are of kinds %v", seen)
	}
}

func TestExplanationsAddUp(t *testing.T) {
	m := variedResult(t).Model
	table := varied(4000)
	out := make([]float32, 4000)
	if err := m.LogOdds(table.Values, out); err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for i, want := range out {
		row := make([]float32, len(table.Columns))
		for c := range row {
			row[c] = table.Values[c][i]
		}
		moved, err := m.Explain(row)
		if err != nil {
			t.Fatal(err)
		}
		sum := m.Average()
		for _, by := range moved {
			sum += by.LogOdds
			if by.Column == 3 && by.LogOdds != 0 {
				t.Fatalf("a fixed column moved row %d by %v", i, by.LogOdds)
			}
		}
		if math.Abs(sum-float64(want)) > 1e-5 {
			t.Fatalf("row %d: the parts add up to %v, the score is %v", i, sum, want)
		}
		if !slices.IsSortedFunc(moved, func(a, b models.Moved) int { return cmp.Compare(math.Abs(b.LogOdds), math.Abs(a.LogOdds)) }) {
			t.Fatalf("row %d: not the furthest first: %v", i, moved)
		}
		mean += sum / 4000
	}
	if math.Abs(mean-m.Average()) > 0.02 {
		t.Errorf("the training rows score %v on average, the model says %v", mean, m.Average())
	}
}

func TestFixedColumnDoesNotScore(t *testing.T) {
	r := variedResult(t)
	m := r.Model
	table := varied(100)
	a, b := make([]float32, 100), make([]float32, 100)
	if err := m.LogOdds(table.Values, a); err != nil {
		t.Fatal(err)
	}
	for i := range table.Values[3] {
		table.Values[3][i] = float32(i)
	}
	if err := m.LogOdds(table.Values, b); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) {
		t.Error("scores change with a fixed column")
	}
	learned := false
	for _, e := range r.Effects {
		learned = learned || e.Column == "sent" && e.LogOdds > 4*e.StandardError
	}
	if !learned {
		t.Error("the fixed column took no part in the fit")
	}
}

func TestLogOddsRefusesOtherShapes(t *testing.T) {
	m := variedResult(t).Model
	table := varied(10)
	for name, values := range map[string][][]float32{"few columns": table.Values[1:], "no columns": nil} {
		if err := m.LogOdds(values, make([]float32, 10)); err == nil {
			t.Errorf("%s: scored", name)
		}
	}
	if err := m.LogOdds(table.Values, make([]float32, 11)); err == nil {
		t.Error("rows that are not there were scored")
	}
	if _, err := m.Explain(make([]float32, 2)); err == nil {
		t.Error("a row of two values was explained")
	}
	if m.Contribution(99, 1) != 0 || m.Contribution(-1, 1) != 0 {
		t.Error("a column that is not there adds something")
	}
}

func TestPSI(t *testing.T) {
	values := make([]float32, 10_000)
	for i := range values {
		values[i] = float32(i % 1000)
		if i%10 == 3 {
			values[i] = float32(math.NaN())
		}
	}
	b := models.NewBins(values, nil, 10)
	if len(b.Edges) != 9 || len(b.Shares) != 11 || math.Abs(b.Shares[10]-0.1) > 1e-9 {
		t.Fatalf("bins %+v", b)
	}
	counts := make([]int64, 11)
	if err := b.Count(values, counts); err != nil {
		t.Fatal(err)
	}
	if psi, err := b.PSI(counts); err != nil || math.Abs(psi) > 1e-12 {
		t.Errorf("the same values drifted by %v, %v", psi, err)
	}
	shifted := make([]int64, 11)
	for i := range values {
		values[i] += 300
	}
	if err := b.Count(values, shifted); err != nil {
		t.Fatal(err)
	}
	if psi, err := b.PSI(shifted); err != nil || psi < 0.25 || math.IsInf(psi, 0) {
		t.Errorf("shifted values drifted by %v, %v", psi, err)
	}
	two := models.Bins{Edges: []float64{0}, Shares: []float64{0.5, 0.5, 0}}
	// By hand: (0.6-0.5) ln(0.6/0.5) + (0.4-0.5) ln(0.4/0.5).
	if psi, err := two.PSI([]int64{60, 40, 0}); err != nil || math.Abs(psi-0.1*math.Log(1.2)+0.1*math.Log(0.8)) > 1e-12 {
		t.Errorf("drift %v, %v", psi, err)
	}
	for name, counts := range map[string][]int64{"none": {0, 0, 0}, "negative": {1, -1, 0}, "length": {1, 1}} {
		if _, err := two.PSI(counts); err == nil {
			t.Errorf("%s: compared", name)
		}
	}
	for _, values := range [][]float32{nil, {float32(math.NaN())}, {5, 5, 5}, {float32(math.Inf(1)), 1, 2}} {
		if b := models.NewBins(values, nil, 10); len(b.Shares) != len(b.Edges)+2 {
			t.Errorf("bins of %v: %+v", values, b)
		}
	}
}

// TestFoldsKnowOnlyThePast gives the last cut-off outcomes that contradict the earlier ones: only a fold that never
// saw it can fail there.
func TestFoldsKnowOnlyThePast(t *testing.T) {
	table := varied(4000)
	o := models.Options{Penalties: []float64{1, 1000}, Shape: models.ShapeLog, Calibrate: models.CalibrateNever}
	for _, test := range []struct {
		horizon int32
		kind    models.FoldKind
		folds   int
	}{{0, models.FoldsByTime, 3}, {30, models.FoldsByTime, 3}, {31, models.FoldsByTime, 2}, {90, models.FoldsByTime, 1}, {91, models.FoldsByGroup, 5}} {
		table.HorizonDays = test.horizon
		r, err := models.Fit(context.Background(), table, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Folds.Kind != test.kind || r.Folds.Count != test.folds {
			t.Errorf("horizon %d: folds %+v, want %d by %s", test.horizon, r.Folds, test.folds, test.kind)
		}
	}
	table.Time = nil
	r, err := models.Fit(context.Background(), table, o, nil)
	if err != nil || r.Folds.Kind != models.FoldsByGroup {
		t.Errorf("one cut-off: folds %+v, %v", r.Folds, err)
	}
}

// TestCalibrationIsLearned changes the outcome after the first cut-offs, so that a model of the earlier ones is too
// sure of itself later.
func TestCalibrationIsLearned(t *testing.T) {
	table := simulated(12_000, 6, 5)
	o := models.Options{Penalties: []float64{1}, Shape: models.ShapeLog}
	plain, err := models.Fit(context.Background(), table, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if slope := plain.Model.Calibration().Slope; slope < 0.8 || slope > 1.25 {
		t.Errorf("a model that is right was corrected by much: %+v, gain %v ± %v", plain.Model.Calibration(), plain.CalibrationGain, plain.CalibrationGainError)
	}
	for i := range table.Label {
		if table.Time[i] > 0 && i%2 == 0 {
			table.Label[i] = i%4 == 0
		}
	}
	noisy, err := models.Fit(context.Background(), table, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := noisy.Model.Calibration(); !noisy.Calibrated || c.Slope >= 1 {
		t.Errorf("a model that is too sure was not corrected: %+v, gain %v ± %v", c, noisy.CalibrationGain, noisy.CalibrationGainError)
	}
}

// TestOneCutoffTeachesNothingLasting has a product and a correction to be learned, and one later cut-off to learn from.
func TestOneCutoffTeachesNothingLasting(t *testing.T) {
	table := varied(4000)
	table.HorizonDays = 90
	o := models.DefaultOptions()
	o.Shape = models.ShapeLog
	r, err := models.Fit(context.Background(), table, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Folds.Count != 1 || len(r.Products) != 0 || r.Calibrated {
		t.Errorf("folds %+v, products %+v, calibrated %v", r.Folds, r.Products, r.Calibrated)
	}
}
