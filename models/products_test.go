package models_test

import (
	"testing"

	"whowhen.dev/whowhen/models"
)

// TestNoProduct keeps columns out of products that would be in one otherwise.
func TestNoProduct(t *testing.T) {
	table := varied(8000)
	o := models.DefaultOptions()
	o.Shape, o.Penalties = models.ShapeLog, []float64{10}
	for _, out := range [][]int{nil, {0}, {4}, {0, 1}} {
		table := table
		table.Columns = append([]models.Column(nil), table.Columns...)
		for _, c := range out {
			table.Columns[c].NoProduct = true
		}
		r, err := models.Fit(t.Context(), table, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		taken := 0
		for _, p := range r.Products {
			if p.Taken {
				taken++
			}
			for _, c := range out {
				if name := table.Columns[c].Name; p.A == name || p.B == name {
					t.Errorf("without %v: %s x %s was tried", out, p.A, p.B)
				}
			}
		}
		if len(out) == 0 && taken == 0 || len(out) == 2 && len(r.Products) > 0 {
			t.Errorf("without %v: %+v", out, r.Products)
		}
	}
}
