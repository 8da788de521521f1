package metrics_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/models/metrics"
)

// drawn rows have many ties, and both labels.
func drawn(t *rapid.T) metrics.Rows {
	n := rapid.IntRange(2, 60).Draw(t, "rows")
	r := metrics.Rows{}
	weighted, grouped := rapid.Bool().Draw(t, "weighted"), rapid.Bool().Draw(t, "grouped")
	for i := range n {
		r.Probability = append(r.Probability, float64(rapid.IntRange(0, 8).Draw(t, "eighths"))/8)
		r.Label = append(r.Label, i > 0 && (i == 1 || rapid.Bool().Draw(t, "label")))
		if weighted {
			r.Weight = append(r.Weight, float32(rapid.IntRange(1, 3).Draw(t, "weight")))
		}
		if grouped {
			r.Group = append(r.Group, uint32(rapid.IntRange(0, 9).Draw(t, "group")))
		}
	}
	return r
}

func weight(r metrics.Rows, i int) float64 {
	if r.Weight == nil {
		return 1
	}
	return float64(r.Weight[i])
}

// shuffled is the same rows in another order.
func shuffled(r metrics.Rows, seed uint64) metrics.Rows {
	order := rand.New(rand.NewPCG(seed, 0)).Perm(len(r.Label))
	var out metrics.Rows
	for _, i := range order {
		out.Probability = append(out.Probability, r.Probability[i])
		out.Label = append(out.Label, r.Label[i])
		if r.Weight != nil {
			out.Weight = append(out.Weight, r.Weight[i])
		}
		if r.Group != nil {
			out.Group = append(out.Group, r.Group[i])
		}
	}
	return out
}

func close(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*(1+math.Abs(a))
}

func TestAUCCountsPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawn(t)
		got, err := metrics.AUC(r)
		if err != nil {
			t.Fatal(err)
		}
		won, pairs := 0.0, 0.0
		for i := range r.Label {
			for j := range r.Label {
				if !r.Label[i] || r.Label[j] {
					continue
				}
				w := weight(r, i) * weight(r, j)
				pairs += w
				switch {
				case r.Probability[i] > r.Probability[j]:
					won += w
				case r.Probability[i] == r.Probability[j]:
					won += w / 2
				}
			}
		}
		if !close(got.Value, won/pairs) {
			t.Fatalf("AUC %v, counting pairs says %v", got.Value, won/pairs)
		}
	})
}

// TestOrderDoesNotMatter also checks that every interval holds its value and is in range.
func TestOrderDoesNotMatter(t *testing.T) {
	all := map[string]struct {
		of       func(metrics.Rows) (metrics.Estimate, error)
		greatest float64
	}{
		"auc":         {metrics.AUC, 1},
		"log loss":    {metrics.LogLoss, math.Inf(1)},
		"brier":       {metrics.Brier, 1},
		"lift":        {func(r metrics.Rows) (metrics.Estimate, error) { return metrics.LiftAt(r, 0.1) }, math.Inf(1)},
		"calibration": {func(r metrics.Rows) (metrics.Estimate, error) { return metrics.CalibrationError(r, 3) }, 1},
	}
	rapid.Check(t, func(t *rapid.T) {
		r := drawn(t)
		other := shuffled(r, rapid.Uint64().Draw(t, "seed"))
		for name, m := range all {
			a, errA := m.of(r)
			b, errB := m.of(other)
			if errA != nil || errB != nil {
				t.Fatal(name, errA, errB)
			}
			if !close(a.Value, b.Value) || !close(a.StandardError, b.StandardError) {
				t.Fatalf("%s is %+v, and %+v in another order", name, a, b)
			}
			if !(a.Low <= a.Value && a.Value <= a.High) || a.Low < 0 || a.Value > m.greatest {
				t.Fatalf("%s: %+v", name, a)
			}
		}
	})
}

func TestDecilesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawn(t)
		deciles, err := metrics.Deciles(r)
		if err != nil {
			t.Fatal(err)
		}
		gain, err := metrics.Gain(r, 10)
		if err != nil {
			t.Fatal(err)
		}
		lift, err := metrics.LiftAt(r, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		rows, positives, all, positive := 0.0, 0.0, 0.0, 0.0
		for i := range r.Label {
			all += weight(r, i)
			if r.Label[i] {
				positive += weight(r, i)
			}
		}
		for k, d := range deciles {
			rows += d.Rows
			positives += d.Positives
			if !close(d.Rows, all/10) || d.Probability < d.Lowest-1e-9 || d.Probability > d.Highest+1e-9 || d.Rate < d.Low || d.Rate > d.High {
				t.Fatalf("decile %d: %+v of %v rows", k, d, all)
			}
			if !close(gain[k+1].Caught, positives/positive) {
				t.Fatalf("the gain curve catches %v and deciles up to %d hold %v", gain[k+1].Caught, k, positives/positive)
			}
		}
		if !close(rows, all) || !close(positives, positive) || !close(lift.Value, deciles[0].Lift) {
			t.Fatalf("deciles hold %v of %v rows, %v of %v positives; lift %v and %v", rows, all, positives, positive, lift.Value, deciles[0].Lift)
		}
	})
}

func TestKnownAnswers(t *testing.T) {
	r := metrics.Rows{Probability: []float64{0.9, 0.8, 0.8, 0.3, 0.1}, Label: []bool{true, false, true, false, false}}
	loss := -(math.Log(0.9) + math.Log(0.2) + math.Log(0.8) + math.Log(0.7) + math.Log(0.9)) / 5
	brier := (0.01 + 0.64 + 0.04 + 0.09 + 0.01) / 5
	for _, test := range []struct {
		name string
		got  func() (metrics.Estimate, error)
		want float64
	}{
		{"AUC", func() (metrics.Estimate, error) { return metrics.AUC(r) }, 5.5 / 6},
		{"log loss", func() (metrics.Estimate, error) { return metrics.LogLoss(r) }, loss},
		{"Brier", func() (metrics.Estimate, error) { return metrics.Brier(r) }, brier},
		{"lift at 20 %", func() (metrics.Estimate, error) { return metrics.LiftAt(r, 0.2) }, 2.5},
		{"lift at 40 %", func() (metrics.Estimate, error) { return metrics.LiftAt(r, 0.4) }, 0.75 / 0.4},
		{"lift of all", func() (metrics.Estimate, error) { return metrics.LiftAt(r, 1) }, 1},
		{"calibration error", func() (metrics.Estimate, error) { return metrics.CalibrationError(r, 1) }, (0.1 + 0.6 + 0.3 + 0.1) / 5},
	} {
		e, err := test.got()
		if err != nil || !close(e.Value, test.want) {
			t.Errorf("%s: %v, %v; want %v", test.name, e.Value, err, test.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	good := metrics.Rows{Probability: []float64{0.1, 0.9}, Label: []bool{false, true}}
	for name, r := range map[string]metrics.Rows{
		"none":         {},
		"lengths":      {Probability: good.Probability, Label: good.Label[:1]},
		"above 1":      {Probability: []float64{0.1, 1.1}, Label: good.Label},
		"NaN":          {Probability: []float64{0.1, math.NaN()}, Label: good.Label},
		"weight":       {Probability: good.Probability, Label: good.Label, Weight: []float32{1, 0}},
		"group length": {Probability: good.Probability, Label: good.Label, Group: []uint32{1}},
	} {
		if _, err := metrics.LogLoss(r); err == nil {
			t.Errorf("%s: judged", name)
		}
	}
	one := metrics.Rows{Probability: good.Probability, Label: []bool{true, true}}
	if _, err := metrics.AUC(one); !errors.Is(err, metrics.ErrOneClass) {
		t.Errorf("one class: %v", err)
	}
	if _, err := metrics.LiftAt(good, 0); err == nil {
		t.Error("a lift of nobody was judged")
	}
	if _, err := metrics.AUCDifference(good, []float64{0.5}); err == nil {
		t.Error("predictions of other rows were compared")
	}
}

// population draws clients that appear three times each, with the same features and so correlated outcomes.
func population(random *rand.Rand, clients int) (r metrics.Rows, other []float64) {
	for client := range clients {
		a, b := random.NormFloat64(), random.NormFloat64()
		own := random.NormFloat64()
		for range 3 {
			p := 1 / (1 + math.Exp(-(a + 0.5*b + own - 0.5)))
			r.Label = append(r.Label, random.Float64() < p)
			r.Probability = append(r.Probability, 1/(1+math.Exp(-(0.8*a+0.4*b-0.4))))
			other = append(other, 1/(1+math.Exp(-(0.7*a-0.3))))
			r.Group = append(r.Group, uint32(client))
		}
	}
	return r, other
}

// TestIntervalsCover compares the intervals of many small draws with the figures of a very large one.
func TestIntervalsCover(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	figures := map[string]func(metrics.Rows, []float64) (metrics.Estimate, error){
		"auc":                 func(r metrics.Rows, _ []float64) (metrics.Estimate, error) { return metrics.AUC(r) },
		"log loss":            func(r metrics.Rows, _ []float64) (metrics.Estimate, error) { return metrics.LogLoss(r) },
		"brier":               func(r metrics.Rows, _ []float64) (metrics.Estimate, error) { return metrics.Brier(r) },
		"lift":                func(r metrics.Rows, _ []float64) (metrics.Estimate, error) { return metrics.LiftAt(r, 0.1) },
		"auc difference":      metrics.AUCDifference,
		"log loss difference": metrics.LogLossDifference,
	}
	truth := map[string]float64{}
	large, otherLarge := population(random, 200_000)
	for name, figure := range figures {
		e, err := figure(large, otherLarge)
		if err != nil {
			t.Fatal(err)
		}
		truth[name] = e.Value
	}
	const draws = 500
	covered := map[string]int{}
	for range draws {
		r, other := population(random, 400)
		for name, figure := range figures {
			e, err := figure(r, other)
			if err != nil {
				t.Fatal(err)
			}
			if e.Low <= truth[name] && truth[name] <= e.High {
				covered[name]++
			}
		}
	}
	for name := range figures {
		if share := float64(covered[name]) / draws; share < 0.92 || share > 0.98 {
			t.Errorf("%s: %.3f of the 95 %% intervals hold the truth", name, share)
		}
	}
}

func TestGainCatchesAll(t *testing.T) {
	r := metrics.Rows{Probability: []float64{0.2, 0.9, 0.5, 0.5}, Label: []bool{false, true, true, false}}
	gain, err := metrics.Gain(r, 4)
	if err != nil {
		t.Fatal(err)
	}
	want := []metrics.GainPoint{{0, 0, 0.9}, {0.25, 0.5, 0.9}, {0.5, 0.75, 0.5}, {0.75, 1, 0.5}, {1, 1, 0.2}}
	if !slices.Equal(gain, want) {
		t.Errorf("gain %v, want %v", gain, want)
	}
}

func BenchmarkAUC(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	r, _ := population(random, 333_333)
	for b.Loop() {
		if _, err := metrics.AUC(r); err != nil {
			b.Fatal(err)
		}
	}
}
