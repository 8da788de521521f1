package models_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"whowhen.dev/whowhen/models"
)

// TestPenaltyFactors holds, for each coefficient, that at the minimum the slope of the losses is what its own penalty pulls with:
// sum (p - y) x + penalty factor b = 0, with x standardised.
func TestPenaltyFactors(t *testing.T) {
	table := simulated(3000, 6, 5)
	table.Time = nil
	factors := []float64{0, 0.1, 1, 5, 40, 0.01}
	for i, f := range factors {
		table.Columns[i].PenaltyFactor = f
		for row, x := range table.Values[i] {
			if x != x {
				table.Values[i][row] = 0
			}
		}
	}
	const penalty = 50
	r, err := models.Fit(context.Background(), table, models.Options{Shape: models.ShapeLinear, Penalties: []float64{penalty}, Calibrate: models.CalibrateNever}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Model.Columns()); n != len(factors) {
		t.Fatalf("%d columns of %d are in use", n, len(factors))
	}
	logOdds := make([]float32, len(table.Label))
	if err := r.Model.LogOdds(table.Values, logOdds); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Model.Coefficients() {
		if c.Column < 0 {
			continue
		}
		mean, square := 0.0, 0.0
		for _, x := range table.Values[c.Column] {
			mean += float64(x) / float64(len(logOdds))
		}
		for _, x := range table.Values[c.Column] {
			square += (float64(x) - mean) * (float64(x) - mean) / float64(len(logOdds))
		}
		slope := 0.0
		for row, l := range logOdds {
			surplus := models.Probability(float64(l))
			if table.Label[row] {
				surplus--
			}
			slope += surplus * (float64(table.Values[c.Column][row]) - mean) / math.Sqrt(square)
		}
		factor := factors[c.Column]
		if factor == 0 {
			factor = 1
		}
		if pull := penalty * factor * c.Value; !(math.Abs(slope+pull) <= 1e-2) || pull == 0 {
			t.Errorf("column %d, factor %v: the losses pull with %v, the penalty with %v", c.Column, factors[c.Column], -slope, pull)
		}
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
