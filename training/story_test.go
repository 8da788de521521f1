package training

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
	"whowhen.dev/whowhen/training/report"
)

// TestReceiptsFactsAndActive trains churn in a world of messages, of a country that matters and of a model that is active already.
func TestReceiptsFactsAndActive(t *testing.T) {
	w := newWorld(8, 2500, 110)
	r := rand.New(rand.NewPCG(8, 2))
	country := map[string]string{}
	for _, cid := range slices.Sorted(keysOf(w.rate)) {
		country[cid] = []string{"DE", "ID", "IN"}[r.IntN(3)]
		for at := r.Float64() * 10; at < 110; at += 5 + 5*r.Float64() {
			w.add(cid, "push.sent", at, 1)
			if r.Float64() < 0.2 {
				w.add(cid, "push.clicked", at+0.01, 1)
			}
		}
		if country[cid] == "IN" { // they open now and then whatever they did before
			for at := r.Float64() * 20; at < 110; at += 15 {
				w.add(cid, "open", at, 1)
			}
		}
	}
	w.sort()
	a := w.app(t, w.first+110, map[string]map[string]bool{"vip": w.did("open", w.first, 2)})
	put(t, a, func(b *batch.Builder) {
		for i, cid := range slices.Sorted(keysOf(country)) {
			b.Profile(i, batch.ProfileChange{CID: cid, TimeMillis: int64(w.first) * 86_400_000, Set: []batch.Named{{Name: "country", Value: value.Text(country[cid])}}})
		}
	})
	d := propensity.Churn("open", 14)
	d.Eligible = `did("open", within 60d)`
	d.StaticTags, d.StaticAttributes = []string{"vip"}, []string{"country"}
	first := train(t, a, d, quick())
	checkShape(t, first)
	if first.Report.WithoutReceipts == nil || first.Report.WithoutReceipts.AUC < 0.6 {
		t.Errorf("figures without receipts: %+v", first.Report.WithoutReceipts)
	}
	columns := first.Artifact.Model.Columns()
	i := slices.IndexFunc(columns, func(c models.Column) bool { return c.Name == `attr("country")` })
	if i < 0 || len(columns[i].Levels) != 3 {
		t.Fatalf("country is not among the columns with its three levels: %+v", columns)
	}
	if !slices.ContainsFunc(columns, func(c models.Column) bool { return c.Fixed && strings.Contains(c.Name, `"push.sent"`) }) {
		t.Error("how much was sent is not fixed at scoring")
	}
	if !slices.ContainsFunc(first.Report.Coefficients, func(c report.Coefficient) bool {
		return strings.Contains(c.Words, `attribute "country" is "ID" and not "IN"`) && c.Odds > 1
	}) {
		t.Errorf("the words do not say that those of ID churn more than those of IN: %+v", first.Report.Coefficients)
	}
	if first.Report.Baselines[activeModel].AUC != 0 {
		t.Error("there is an active model that nobody gave")
	}

	o := quick()
	o.Active = first.Artifact.Model
	again := train(t, a, d, o).Report
	same := again.Baselines[activeModel]
	if same.AUC != again.AUC || same.Better != 0 || !again.Gate.Passed || len(again.Gate.Reasons) != 3 {
		t.Errorf("beside itself the model is %+v, gate %+v", same, again.Gate)
	}
}

// TestGate checks that what is no better than a baseline is held back.
func TestGate(t *testing.T) {
	made := func(seed uint64, model, recency float64) *trial {
		r := rand.New(rand.NewPCG(seed, 3))
		const n = 2000
		tr := &trial{rowsOf: newRowsOf(n), predictions: map[string][]float64{}}
		for i := range n {
			p := 0.1 + 0.8*r.Float64()
			tr.label[i], tr.weight[i], tr.group[i] = r.Float64() < p, 1, uint32(i)
			for name, know := range map[string]float64{theModel: model, recencyOnly: recency, baseRate: 0, activeModel: 0.9} {
				tr.predictions[name] = append(tr.predictions[name], 0.5+know*(p-0.5))
			}
		}
		return tr
	}
	for _, test := range []struct {
		name           string
		model, recency float64
		active, passed bool
		says           string
	}{
		{"better", 1, 0.3, false, true, "better than recency alone"},
		{"the same", 0.3, 0.3, false, false, "not surely better than recency alone"},
		{"worse", 0.3, 1, false, false, "worse than recency alone"},
		{"no better than nothing", 0, 0, false, false, "not surely better than the base rate"},
		{"as good as the active model", 0.9, 0.3, true, true, "not surely better than the active model"},
		{"worse than the active model", 0.5, 0.2, true, false, "worse than the active model"},
	} {
		g, err := gate([]*trial{made(1, test.model, test.recency), made(2, test.model, test.recency)}, test.active)
		if err != nil {
			t.Fatal(err)
		}
		if g.Passed != test.passed || !strings.Contains(strings.Join(g.Reasons, "; "), test.says) {
			t.Errorf("%s: %+v", test.name, g)
		}
	}
}

// TestShipped checks that figures are those of the probabilities that the store keeps.
func TestShipped(t *testing.T) {
	for logOdds, code := range map[float32]int{-16: 0, -20: 0, 16: 65535, 0: 32768, 1: 34816, 1.0002: 34816, 1.0003: 34817} {
		if want := models.Probability(float64(code)/2048 - 16); shipped(logOdds) != want {
			t.Errorf("%v: %v, want %v", logOdds, shipped(logOdds), want)
		}
	}
}

func TestThresholds(t *testing.T) {
	r := metrics.Rows{Probability: []float64{0.29, 0.3, 0.29999999, 1, 0}, Label: []bool{true, false, true, true, false}, Weight: []float32{1, 2, 1, 3, 1}}
	all := thresholds(r)
	for at, want := range map[int][2]int{0: {5, 3}, 29: {5, 2}, 30: {3, 2}, 31: {3, 0}, 100: {3, 0}} {
		if got := all[at]; got.Caught != want[0] || got.Disturbed != want[1] {
			t.Errorf("from %v on: %+v, want %v", got.Score, got, want)
		}
	}
}

// TestSampleKeepsTheRare checks the rates of a sample.
func TestSampleKeepsTheRare(t *testing.T) {
	for _, test := range []struct {
		negatives, positives, most int
		want                       [2]float64
	}{
		{500, 500, 1000, [2]float64{1, 1}},
		{9000, 1000, 5000, [2]float64{4. / 9, 1}},
		{1000, 9000, 5000, [2]float64{1, 4. / 9}},
		{6000, 4000, 2000, [2]float64{1. / 6, 0.25}},
		{5000, 5000, 2000, [2]float64{0.2, 0.2}},
	} {
		if got := (sample{}).of(test.negatives, test.positives, test.most); got.rate != test.want {
			t.Errorf("%+v: %v", test, got.rate)
		}
	}
	kept := 0
	s := sample{seed: 3, rate: [2]float64{0.25, 1}}
	for o := range uint32(100_000) {
		if s.has(o, false) {
			kept++
		}
		if !s.has(o, true) {
			t.Fatal("a positive is left out")
		}
	}
	if kept < 24_500 || kept > 25_500 {
		t.Errorf("%d of 100000 are kept, want about 25000", kept)
	}
}

// TestSeparation checks how well a column alone tells outcomes, whichever way it points and whatever missing means.
func TestSeparation(t *testing.T) {
	of := newRowsOf(6)
	for i := range of.label {
		of.label[i], of.weight[i], of.group[i] = i < 3, 1, uint32(i)
	}
	for _, test := range []struct {
		values []float32
		want   float64
	}{
		{[]float32{3, 3, 3, 1, 1, 1}, 1},
		{[]float32{1, 1, 1, 3, 3, 3}, 1},
		{[]float32{5, 5, 5, 5, 5, 5}, 0.5},
		{[]float32{missing(), missing(), missing(), 1, 2, 3}, 1},
		{[]float32{1, 2, 3, missing(), missing(), missing()}, 1},
	} {
		got, err := separation(test.values, of)
		if err != nil || got != test.want {
			t.Errorf("%v: %v, %v, want %v", test.values, got, err, test.want)
		}
	}
}

func missing() float32 {
	zero := float32(0)
	return zero / zero
}

// TestProgress checks that steps are told of in order and end where they say.
func TestProgress(t *testing.T) {
	w := newWorld(9, 700, 80)
	var steps []Progress
	o := quick()
	o.Progress = func(p Progress) { steps = append(steps, p) }
	train(t, w.app(t, w.first+80, nil), opens(), o)
	for _, s := range steps {
		if s.What == "" || s.Done > s.Of || s.Done < 0 {
			t.Errorf("%+v", s)
		}
	}
	if len(steps) < 8 {
		t.Errorf("only %d steps are told of", len(steps))
	}
}
