package training_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/training"
)

//go:embed testdata/reference_later.txt
var referenceLater string

// laterTask is what a model is trained for.
type laterTask struct {
	data        string
	horizonDays int
	train       string
}

// laterFigures are means over the test cut-offs of a task.
type laterFigures struct{ auc, logLoss float64 }

// laterReference is what another program reached: by task, its test cut-offs with rows and positives, and the means of each of its ways.
type laterReference struct {
	tests     map[laterTask][]string
	outcomes  map[laterTask]map[string][2]int
	contender map[laterTask]map[string]laterFigures
}

func readLater(t *testing.T) laterReference {
	r := laterReference{map[laterTask][]string{}, map[laterTask]map[string][2]int{}, map[laterTask]map[string]laterFigures{}}
	n := map[laterTask]map[string]float64{}
	for line := range strings.Lines(referenceLater) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var task laterTask
		var test, columns, cutoffs, c string
		var rows, positives int
		var auc, logLoss float64
		if _, err := fmt.Sscan(line, &task.data, &task.horizonDays, &task.train, &test, &rows, &positives, &columns, &cutoffs, &c, &auc, &logLoss); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if r.outcomes[task] == nil {
			r.outcomes[task], r.contender[task], n[task] = map[string][2]int{}, map[string]laterFigures{}, map[string]float64{}
		}
		if _, known := r.outcomes[task][test]; !known {
			r.tests[task] = append(r.tests[task], test)
		}
		r.outcomes[task][test] = [2]int{rows, positives}
		way := fmt.Sprintf("%s columns, %s cut-off, C %s", columns, cutoffs, c)
		f := r.contender[task][way]
		r.contender[task][way] = laterFigures{f.auc + auc, f.logLoss + logLoss}
		n[task][way]++
	}
	for task, ways := range r.contender {
		for way, f := range ways {
			if n[task][way] != float64(len(r.tests[task])) {
				t.Fatalf("%v, %s: %v of %d cut-offs", task, way, n[task][way], len(r.tests[task]))
			}
			ways[way] = laterFigures{f.auc / n[task][way], f.logLoss / n[task][way]}
		}
	}
	return r
}

// TestLaterCutoffs trains a model once and judges it at several later cut-offs, since at a single one luck has a say. Its mean log loss is to be
// below that of every way in which scikit-learn's logistic regression was fitted to plain columns, which testdata/reference_later.py tells, and its
// mean AUC within 0.0006 of theirs.
func TestLaterCutoffs(t *testing.T) {
	if testing.Short() {
		t.Skip("loads half a million rows")
	}
	reference := readLater(t)
	for _, data := range []struct {
		name, file, now string
		load            func(testing.TB, *segments.App)
	}{
		{"online_retail", "online_retail.csv.gz", "2011-12-10", loadRetail},
		{"completejourney", "completejourney_transactions.csv.gz", "2018-01-02", loadJourney},
	} {
		t.Run(data.name, func(t *testing.T) {
			sharedData(t, data.file)
			now, err := time.Parse(time.DateOnly, data.now)
			if err != nil {
				t.Fatal(err)
			}
			a := newApp(t, "UTC", now)
			data.load(t, a)
			for task, tests := range reference.tests {
				if task.data == data.name {
					t.Run(fmt.Sprintf("%d days", task.horizonDays), func(t *testing.T) {
						task.check(t, a, tests, reference.outcomes[task], reference.contender[task])
					})
				}
			}
		})
	}
}

func (task laterTask) check(t *testing.T, a *segments.App, tests []string, outcomes map[string][2]int, contenders map[string]laterFigures) {
	d := propensity.Pay("purchase", task.horizonDays)
	d.Eligible = `did("purchase")`
	cutoffs := training.Cutoffs{Train: []propensity.Day{day(t, task.train)}}
	for _, test := range tests {
		cutoffs.Test = append(cutoffs.Test, day(t, test))
	}
	result, err := training.Train(t.Context(), a, d, training.Options{Version: "1", Cutoffs: cutoffs})
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, c := range result.Report.Cutoffs {
		if c.Figures == nil {
			continue
		}
		judged++
		t.Logf("%s: AUC %.4f, log loss %.4f", c.Day, c.Figures.AUC, c.Figures.LogLoss)
		if want := outcomes[c.Day]; want != [2]int{c.Rows, c.Positives} {
			t.Errorf("%s: %d rows and %d positives, the other program has %v", c.Day, c.Rows, c.Positives, want)
		}
	}
	if judged != len(tests) {
		t.Fatalf("judged at %d cut-offs of %d", judged, len(tests))
	}
	got := result.Report.Mean
	t.Logf("mean: AUC %.4f, log loss %.4f", got.AUC, got.LogLoss)
	const slack = 0.0006 // of AUC: the best of all ways is known afterwards only
	for way, want := range contenders {
		t.Logf("%s: AUC %.4f, log loss %.4f", way, want.auc, want.logLoss)
		if got.AUC < want.auc-slack {
			t.Errorf("mean AUC %.4f, another program has %.4f with %s", got.AUC, want.auc, way)
		}
		if got.LogLoss >= want.logLoss {
			t.Errorf("mean log loss %.4f, another program has %.4f with %s", got.LogLoss, want.logLoss, way)
		}
	}
}
