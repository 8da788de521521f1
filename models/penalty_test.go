package models_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/models"
)

// TestPenaltyFactors holds, for each coefficient, that at the minimum the slope of the losses is what its own penalty pulls with:
// sum (p - y) x + penalty factor b = 0, with x standardised, or 0 and 1 for missing numbers and levels.
func TestPenaltyFactors(t *testing.T) {
	table := varied(4000)
	factors := []float64{0, 0.1, 5, 40, 0.01}
	for i, f := range factors {
		table.Columns[i].PenaltyFactor, table.Columns[i].Fixed = f, false
	}
	const penalty = 20
	r, err := models.Fit(context.Background(), table, models.Options{Shape: models.ShapeLinear, Penalties: []float64{penalty}, Calibrate: models.CalibrateNever, MinLevelRows: 20}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sums := make([]float64, len(table.Label))
	for _, c := range r.Model.Coefficients() {
		for row, x := range termOf(table, c) {
			sums[row] += x * c.Value
		}
	}
	seen := map[models.Term]int{}
	for _, c := range r.Model.Coefficients() {
		if c.Column < 0 {
			continue
		}
		seen[c.Term]++
		slope := 0.0
		for row, x := range termOf(table, c) {
			surplus := models.Probability(sums[row])
			if table.Label[row] {
				surplus--
			}
			slope += surplus * x
		}
		factor := cmp.Or(factors[c.Column], 1)
		if pull := penalty * factor * c.Value; !(math.Abs(slope+pull) <= 1e-3) || pull == 0 {
			t.Errorf("column %d, %s, factor %v: the losses pull with %v, the penalty with %v", c.Column, c.Term, factor, -slope, pull)
		}
	}
	if len(r.Model.Columns()) != len(factors) || seen[models.TermLinear] != 4 || seen[models.TermMissing] == 0 || seen[models.TermLevel] == 0 || seen[models.TermOther] == 0 {
		t.Errorf("%d columns have the terms %v", len(r.Model.Columns()), seen)
	}
}

// termOf computes what a coefficient of a model of lines weighs, for each row.
func termOf(table models.Table, c models.Coefficient) []float64 {
	if c.Column < 0 {
		return slices.Repeat([]float64{1}, len(table.Label))
	}
	values, out := table.Values[c.Column], make([]float64, len(table.Label))
	mean, square, n := 0.0, 0.0, 0.0
	for row, x := range values {
		is := false
		switch v := float64(x); c.Term {
		case models.TermLinear:
			if out[row] = v; v == v {
				n++
				d := v - mean
				mean += d / n
				square += d * (v - mean)
			}
		case models.TermMissing:
			is = v != v
		case models.TermLevel:
			is = v == float64(slices.Index(table.Columns[c.Column].Levels, c.Level))
		case models.TermOther:
			is = v >= float64(len(table.Columns[c.Column].Levels))
		}
		if is {
			out[row] = 1
		}
	}
	if c.Term == models.TermLinear {
		for row, v := range out {
			if out[row] = 0; v == v {
				out[row] = (v - mean) / math.Sqrt(square/n)
			}
		}
	}
	return out
}

// TestFoldsHaveFactors holds that folds are fitted with the factors, too: ten times the factor at a tenth of the penalty is the same.
func TestFoldsHaveFactors(t *testing.T) {
	trials := func(factor float64, penalties ...float64) []models.Trial {
		table := simulated(3000, 6, 5)
		for i := range table.Columns {
			table.Columns[i].PenaltyFactor = factor
		}
		r, err := models.Fit(context.Background(), table, models.Options{Shape: models.ShapeLog, Penalties: penalties}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r.Trials
	}
	got, want := trials(10, 1, 1000), trials(1, 10, 10_000)
	if len(got) != 2 || len(want) != 2 || math.Abs(got[0].LogLoss-got[1].LogLoss) < 1e-3 {
		t.Fatalf("tried were %+v and %+v", got, want)
	}
	for i := range got {
		if math.Abs(got[i].LogLoss-want[i].LogLoss) > 1e-5 {
			t.Errorf("penalty %v with the factor 10 has %v, penalty %v has %v", got[i].Penalty, got[i].LogLoss, want[i].Penalty, want[i].LogLoss)
		}
	}
}

// TestArtifactHasFactors holds that an artifact says what it was fitted with, and that a factor that cannot be is refused.
func TestArtifactHasFactors(t *testing.T) {
	table := varied(4000)
	table.Columns[1].PenaltyFactor = 0.125
	r, err := models.Fit(context.Background(), table, models.Options{Shape: models.ShapeSpline, Penalties: []float64{3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := artifactOf(r).Encode()
	if err != nil {
		t.Fatal(err)
	}
	a, err := models.Decode(data)
	if err != nil || a.Model.Columns()[1].PenaltyFactor != 0.125 || a.Model.Columns()[0].PenaltyFactor != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	var file struct{ Content json.RawMessage }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"bend_factor", "penalty_factor"} {
		was := regexp.MustCompile(`"` + key + `":\s*[0-9.]+`)
		if found := was.FindAllString(string(file.Content), -1); len(found) != 1 {
			t.Errorf("the artifact says %q", found)
		}
		for _, wrong := range []string{"-30", "2000000"} {
			if _, err := models.Decode(seal(was.ReplaceAllString(string(file.Content), `"`+key+`":`+wrong))); err == nil || !strings.Contains(err.Error(), "penalty factor") {
				t.Errorf("%s %s: %v", key, wrong, err)
			}
		}
	}
	if o := models.DefaultOptions(); o.BendFactor != 30 {
		t.Errorf("bends have %v times the penalty by default, docs say 30", o.BendFactor)
	}
}

// TestBendFactor holds that a curve whose bends cost much is the line that it would be without them.
func TestBendFactor(t *testing.T) {
	table := simulated(3000, 6, 5)
	logOdds := func(o models.Options) []float32 {
		o.Penalties, o.Calibrate = []float64{30}, models.CalibrateNever
		r, err := models.Fit(context.Background(), table, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]float32, len(table.Label))
		if err := r.Model.LogOdds(table.Values, out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	apart := func(a, b []float32) float64 {
		most := 0.0
		for i := range a {
			most = max(most, math.Abs(float64(a[i]-b[i])))
		}
		return most
	}
	line := logOdds(models.Options{Shape: models.ShapeLog})
	free, some, stiff := apart(line, logOdds(models.Options{Shape: models.ShapeSpline, BendFactor: 1})),
		apart(line, logOdds(models.Options{Shape: models.ShapeSpline})), apart(line, logOdds(models.Options{Shape: models.ShapeSpline, BendFactor: 1e6}))
	if !(stiff < 1e-3 && stiff < some && some < free) {
		t.Errorf("the curves are %v from the line with bends as free as it, %v by default and %v with stiff ones", free, some, stiff)
	}
}

func TestFactorsAreChecked(t *testing.T) {
	table := simulated(500, 2, 5)
	var option *models.OptionError
	for _, f := range []float64{-1, math.NaN(), math.Inf(1), 2e6} {
		if _, err := models.Fit(context.Background(), table, models.Options{BendFactor: f}, nil); !errors.As(err, &option) || option.Option != "BendFactor" {
			t.Errorf("the factor %v of bends: %v", f, err)
		}
		table.Columns[1].PenaltyFactor = f
		var wrong *models.TableError
		if _, err := models.Fit(context.Background(), table, models.Options{}, nil); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "penalty factor") {
			t.Errorf("the factor %v of a column: %v", f, err)
		}
		table.Columns[1].PenaltyFactor = 0
	}
}
