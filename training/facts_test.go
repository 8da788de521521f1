package training_test

import (
	"context"
	"testing"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
	"whowhen.dev/whowhen/training"
)

// households are what is told of a third of them.
var households = []string{"age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"}

// loadHouseholds adds what is told of households to an app, and waits until it is seen.
func loadHouseholds(t testing.TB, a *segments.App) {
	t.Helper()
	next := csvRows(t, "completejourney_demographics.csv.gz")
	result, err := a.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i := 0; ; i++ {
			row, ok := next()
			if !ok {
				return nil
			}
			p := batch.ProfileChange{CID: row[0], TimeMillis: batch.NoTime}
			for k, name := range households {
				if text := row[k+1]; text != "" {
					p.Set = append(p.Set, batch.Named{Name: name, Value: value.Text(text)})
				}
			}
			b.Profile(i, p)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.View(t.Context(), segments.ReadOptions{AtLeastPosition: result.Position})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
}

// TestStaticFacts trains who buys with and without what is told of a third of the households, declared not to change: at later cut-offs the model that
// has it is better.
func TestStaticFacts(t *testing.T) {
	if testing.Short() {
		t.Skip("loads 75,000 rows")
	}
	sharedData(t, "completejourney_demographics.csv.gz")
	a := newApp(t, "UTC", time.Date(2018, 1, 2, 0, 0, 0, 0, time.UTC))
	loadJourney(t, a)
	loadHouseholds(t, a)
	d := propensity.Pay("purchase", 14)
	d.Eligible = `did("purchase")`
	cutoffs := training.Cutoffs{Train: []propensity.Day{day(t, "2017-07-01")}}
	for _, text := range []string{"2017-08-01", "2017-09-01", "2017-10-01", "2017-11-01", "2017-12-01"} {
		cutoffs.Test = append(cutoffs.Test, day(t, text))
	}
	var auc, logLoss [2]float64
	for i, names := range [][]string{nil, households} {
		d.StaticAttributes = names
		r, err := training.Train(context.Background(), a, d, training.Options{Version: "1", Cutoffs: cutoffs})
		if err != nil {
			t.Fatal(err)
		}
		auc[i], logLoss[i] = r.Report.Mean.AUC, r.Report.Mean.LogLoss
	}
	t.Logf("without: AUC %.4f, log loss %.4f; with: %.4f, %.4f", auc[0], logLoss[0], auc[1], logLoss[1])
	if auc[1] <= auc[0] || logLoss[1] >= logLoss[0] {
		t.Errorf("facts make it worse: AUC %.4f and %.4f, log loss %.4f and %.4f", auc[0], auc[1], logLoss[0], logLoss[1])
	}
}
