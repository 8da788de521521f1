package training

import (
	"math"
	"math/rand/v2"
	"testing"

	"whowhen.dev/whowhen/models/metrics"
	"whowhen.dev/whowhen/training/report"
)

// scored makes rows whose log-odds lie around a centre, as the store keeps them.
func scored(n int, centre float64) metrics.Rows {
	r := rand.New(rand.NewPCG(17, 17))
	var rows metrics.Rows
	for range n {
		p := shipped(float32(centre + r.NormFloat64()))
		rows.Probability, rows.Label = append(rows.Probability, p), append(rows.Label, r.Float64() < p)
		rows.Weight, rows.Group = append(rows.Weight, 1), append(rows.Group, uint32(len(rows.Group)))
	}
	return rows
}

// TestByShare holds that a share is reached, that its threshold reaches just those it says, and that this is so for rare and for common targets.
func TestByShare(t *testing.T) {
	for _, centre := range []float64{-7.5, -2, 0, 6} {
		r := scored(20_000, centre)
		all := byShare(r)
		if len(all) != 19 || all[0].Share != 0.001 || all[len(all)-1].Messaged != 20_000 {
			t.Fatalf("around %v: %+v", centre, all)
		}
		for _, at := range all {
			messaged, caught := 0, 0
			for i, p := range r.Probability {
				if p >= at.Score {
					messaged++
					if r.Label[i] {
						caught++
					}
				}
			}
			if at.Messaged != messaged || at.Caught != caught || at.Disturbed != messaged-caught {
				t.Errorf("around %v: from %v on there are %d, %d of them positive: %+v", centre, at.Score, messaged, caught, at)
			}
			if got := float64(messaged) / 20_000; got < at.Share || got > at.Share*1.1+0.001 {
				t.Errorf("around %v: %v of all are messaged, wanted were %v", centre, got, at.Share)
			}
		}
	}
}

// TestByShareOfTies holds that a share that ends among equals has them all, and stands for the others that do; and that a sample counts as what it is of.
func TestByShareOfTies(t *testing.T) {
	r := metrics.Rows{Probability: []float64{0.25, 0.75, 0.25, 0.25}, Label: []bool{true, true, false, false}, Weight: []float32{1, 2, 10, 7}}
	all := byShare(r)
	if len(all) != 2 || all[0].Score != 0.3 && all[0].Score != 0.7 || all[0].Messaged != 2 || all[0].Recall != 2./3 || all[0].Share != 0.1 || all[1].Share != 1 || all[1].Messaged != 20 || all[1].Score != 0.2 && all[1].Score != 0 {
		t.Errorf("%+v", all)
	}
	if none := byShare(metrics.Rows{}); len(none) != 0 {
		t.Errorf("of nobody: %+v", none)
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct{ p, below, want float64 }{
		{0.75, 0.25, 0.7}, {0.75, 0.7, 0.75}, {0.00123456, 0.00123, 0.001234}, {0.99875, 0.9986, 0.9987}, {0.3, -1, 0}, {1, 0.999, 1}, {0.5, math.Nextafter(0.5, 0), 0.5},
	} {
		if got := cut(test.p, test.below); got != test.want {
			t.Errorf("%v above %v: %v, want %v", test.p, test.below, got, test.want)
		}
	}
}

// TestDistribution holds that bins have all rows and span them, evenly in probability or, where scores lie close together, in log-odds.
func TestDistribution(t *testing.T) {
	for centre, whole := range map[float64]bool{-8: false, 0: true, 8: false} {
		r := scored(5000, centre)
		if centre != 0 {
			r.Label[0], r.Label[1] = true, false
		}
		d, err := deciles(r)
		if err != nil {
			t.Fatal(err)
		}
		bins := distribution(r, d)
		yes, no, least := 0.0, 0.0, 0
		for i, b := range bins {
			yes, no = yes+b.Positives, no+b.Negatives
			if i > 0 && math.Abs(b.From-bins[i-1].To) > 1e-12 || b.From >= b.To {
				t.Errorf("around %v: %+v follows %+v", centre, b, bins[max(i-1, 0)])
			}
			if b.Negatives+b.Positives > 0.01 {
				least++
			}
		}
		if math.Abs(yes-1) > 1e-9 || math.Abs(no-1) > 1e-9 || least < 8 {
			t.Errorf("around %v: %v of the positives, %v of the negatives, %d bins with some", centre, yes, no, least)
		}
		if got := bins[0].From == 0 && bins[len(bins)-1].To == 1; got != whole {
			t.Errorf("around %v: from %v to %v", centre, bins[0].From, bins[len(bins)-1].To)
		}
	}
	same := metrics.Rows{Probability: []float64{0.01, 0.01}, Label: []bool{true, false}, Weight: []float32{1, 1}}
	if bins := distribution(same, []report.Decile{{Predicted: 0.01}, {Predicted: 0.01}, {Predicted: 0.01}}); !(bins[0].From < 0.01 && bins[19].To > 0.01) {
		t.Errorf("of one score: %+v", bins)
	}
}
