package training_test

import (
	"context"
	"testing"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/training"
)

func day(t testing.TB, text string) propensity.Day {
	t.Helper()
	d, err := propensity.ParseDay(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestReference trains what other programs were measured by, and asks for as much: a logistic regression of scikit-learn on columns of the
// same kind. Which columns, windows and penalties are used was settled on earlier cut-offs of the same data.
func TestReference(t *testing.T) {
	if testing.Short() {
		t.Skip("loads half a million rows")
	}
	for _, data := range []struct {
		name  string
		load  func(testing.TB, *segments.App)
		now   string
		tasks []task
	}{
		{"online_retail", loadRetail, "2011-12-10", []task{
			{90, "2011-06-01", "2011-09-01", 3317, 1864, 0.746, 0.599, 1.71},
			{30, "2011-09-01", "2011-11-01", 3974, 1341, 0.743, 0.547, 2.44},
		}},
		{"completejourney", loadJourney, "2018-01-02", []task{{14, "2017-07-01", "2017-11-01", 2344, 1105, 0.803, 0.544, 1.92}}},
	} {
		t.Run(data.name, func(t *testing.T) {
			sharedData(t, data.name+map[string]string{"completejourney": "_transactions"}[data.name]+".csv.gz")
			now, err := time.Parse(time.DateOnly, data.now)
			if err != nil {
				t.Fatal(err)
			}
			a := newApp(t, "UTC", now)
			data.load(t, a)
			for _, want := range data.tasks {
				want.check(t, a)
			}
		})
	}
}

type task struct {
	horizonDays        int
	train, test        string
	rows, positives    int
	auc, logLoss, lift float64
}

func (want task) check(t *testing.T, a *segments.App) {
	d := propensity.Pay("purchase", want.horizonDays)
	d.Eligible = `did("purchase")`
	start := time.Now()
	result, err := training.Train(context.Background(), a, d, training.Options{Version: "1", Cutoffs: training.Cutoffs{Train: []propensity.Day{day(t, want.train)}, Test: []propensity.Day{day(t, want.test)}}})
	if err != nil {
		t.Fatal(err)
	}
	r := result.Report
	t.Logf("%d days from %s: AUC %.4f %.3f, log loss %.4f %.3f, lift %.3f %.2f, Brier %.4f, calibration error %.4f; recency AUC %.3f log loss %.4f; %s, in %s", want.horizonDays, want.test,
		r.AUC, r.Intervals["auc"], r.LogLoss, r.Intervals["log_loss"], r.LiftAt10, r.Intervals["lift_at_10"], r.Brier, r.CalibrationError,
		r.Baselines["recency"].AUC, r.Baselines["recency"].LogLoss, r.Cutoffs[0].Day, time.Since(start).Round(time.Millisecond))
	if r.Rows != want.rows || r.Positives != want.positives {
		t.Errorf("%d rows and %d positives, want %d and %d", r.Rows, r.Positives, want.rows, want.positives)
	}
	if r.Intervals["auc"][1] < want.auc || r.AUC < want.auc-0.005 {
		t.Errorf("AUC %.4f, another program has %.3f", r.AUC, want.auc)
	}
	if r.Intervals["log_loss"][0] > want.logLoss || r.LogLoss > want.logLoss+0.005 {
		t.Errorf("log loss %.4f, another program has %.3f", r.LogLoss, want.logLoss)
	}
	if r.Intervals["lift_at_10"][1] < want.lift {
		t.Errorf("lift at 10 %% is %.3f, another program has %.2f", r.LiftAt10, want.lift)
	}
	if !r.Gate.Passed {
		t.Errorf("the gate holds it back: %v", r.Gate.Reasons)
	}
}
