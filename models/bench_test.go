package models_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"whowhen.dev/whowhen/models"
)

// simulated is a table of counts, recencies (some missing) and amounts whose outcome is a known logistic model of
// the standardised logarithms of the first ten columns.
func simulated(rows, columns int, seed uint64) models.Table {
	random := rand.New(rand.NewPCG(seed, 1))
	t := models.Table{Label: make([]bool, rows), Group: make([]uint32, rows), Time: make([]int32, rows)}
	sums := make([]float64, rows)
	activity := make([]float64, rows)
	for r := range rows {
		activity[r] = random.NormFloat64()
		t.Group[r] = uint32(r)
		t.Time[r] = int32(r * 4 / rows * 30)
		sums[r] = -1
	}
	for c := range columns {
		values := make([]float32, rows)
		for r := range values {
			v := math.Exp(activity[r]*0.7 + random.NormFloat64())
			switch c % 4 {
			case 0, 1:
				v = math.Floor(3 * v)
			case 2:
				v = math.Floor(30 / v)
				if v > 90 {
					v = math.NaN()
				}
			case 3:
				v = math.Round(v*2000) / 100
			}
			values[r] = float32(v)
			if c < 10 && v == v {
				sums[r] += 0.15 * (math.Log1p(v) - 2)
			}
		}
		t.Columns = append(t.Columns, models.Column{Name: "column " + string(rune('a'+c/26)) + string(rune('a'+c%26))})
		t.Values = append(t.Values, values)
	}
	for r := range rows {
		t.Label[r] = random.Float64() < models.Probability(sums[r])
	}
	return t
}

// BenchmarkFit is one fit at one penalty with standard errors, of columns as they are.
func BenchmarkFit(b *testing.B) {
	table := simulated(1_000_000, 100, 1)
	table.Group = nil
	for b.Loop() {
		r, err := models.Fit(context.Background(), table, models.Options{Penalties: []float64{1}, Shape: models.ShapeLog, Calibrate: models.CalibrateNever}, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Iterations), "iterations")
		b.ReportMetric(r.LogLoss, "logloss")
	}
}

// BenchmarkFitChosen chooses shape, penalty, products and calibration, too.
func BenchmarkFitChosen(b *testing.B) {
	table := simulated(100_000, 60, 1)
	for b.Loop() {
		if _, err := models.Fit(context.Background(), table, models.DefaultOptions(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogOdds(b *testing.B) {
	for _, shape := range []models.Shape{models.ShapeLog, models.ShapeSpline} {
		b.Run(string(shape), func(b *testing.B) {
			table := simulated(1<<16, 40, 1)
			r, err := models.Fit(context.Background(), table, models.Options{Penalties: []float64{1}, Shape: shape, Calibrate: models.CalibrateNever}, nil)
			if err != nil {
				b.Fatal(err)
			}
			out := make([]float32, len(table.Label))
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Model.LogOdds(table.Values, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(out))/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data := golden(b)
	for b.Loop() {
		if _, err := models.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
