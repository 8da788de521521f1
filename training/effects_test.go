package training

import (
	"math/rand/v2"
	"strings"
	"testing"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
)

// TestOpposedIsSaid has a column that is mostly the noise of another: the model subtracts it, though those who have more of it do more.
func TestOpposedIsSaid(t *testing.T) {
	const rows = 20_000
	r := rand.New(rand.NewPCG(3, 8))
	f := frame{}
	for _, text := range []string{`count("clear")`, `count("blurred")`, `count("noise")`, `count("nothing")`} {
		c, err := features.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		f.columns = append(f.columns, c)
	}
	table := models.Table{Columns: f.named(), Values: make([][]float32, 4)}
	for range rows {
		does, noise := r.NormFloat64(), r.NormFloat64()
		// Apart, clear and blurred go up with what people do; given blurred, more of the noise means that they do less.
		for c, v := range []float64{does + 0.3*r.NormFloat64(), does + noise, 0.5*does + noise, r.NormFloat64()} {
			table.Values[c] = append(table.Values[c], float32(v))
		}
		table.Label = append(table.Label, r.Float64() < models.Probability(2*does))
	}
	m, err := models.Fit(t.Context(), table, models.Options{Shape: models.ShapeLinear, Penalties: []float64{1}, Calibrate: models.CalibrateNever}, nil)
	if err != nil {
		t.Fatal(err)
	}
	markOpposed(m.Model, m.Effects, table.Values, table.Label)
	opposed := 0
	for _, c := range coefficients(m.Model, m.Effects, f, table.Values, table.Label) {
		says := strings.Contains(c.Words, "taken alone it goes the other way")
		if noise := strings.Contains(c.Column, "noise"); says != noise || noise != (c.Odds < 0.9) {
			t.Errorf("%s: %s, odds x %.2f", c.Column, c.Words, c.Odds)
		}
		if says {
			opposed++
		}
	}
	if opposed != 1 {
		t.Errorf("%d columns are opposed", opposed)
	}
}
