package training

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
)

// clickers is a world in which who clicked in the last two weeks buys in the next, and nothing else tells who does: there is much to learn with
// receipts, and without them nothing but chance.
func clickers(cids, days int) *world {
	r := rand.New(rand.NewPCG(21, 4))
	w := &world{first: mustDay("2026-01-01"), days: days, rate: map[string]float64{}}
	for i := range cids {
		cid := fmt.Sprintf("cid-%05d", i)
		w.add(cid, "seen", r.Float64(), 1)
		keen := false // in the two weeks before
		for from := 0.0; from < float64(days); from += 14 {
			if chance := r.Float64(); keen && chance < 0.9 || chance < 0.1 {
				w.add(cid, "buy", from+r.Float64()*14, 1)
			}
			keen = r.IntN(2) == 0
			for at := r.Float64() * 4; at < 14; at += 4 {
				w.add(cid, "push.sent", from+at, 1)
				if keen || r.Float64() < 0.05 {
					w.add(cid, "push.clicked", from+at+0.01, 1)
				}
			}
			for _, noise := range []string{"a", "b", "c", "d"} {
				for range r.IntN(3) {
					w.add(cid, noise, from+r.Float64()*14, r.Float64()*9)
				}
			}
		}
	}
	w.sort()
	return w
}

// TestWithoutReceiptsChoosesForItself holds that the model without receipts has the penalty and the shape that the folds choose for it, and
// that it does better so than with those of the model with them.
func TestWithoutReceiptsChoosesForItself(t *testing.T) {
	w := clickers(400, 99)
	a := w.app(t, w.first+99, nil)
	d := propensity.Definition{Name: "buys", Eligible: `did("seen")`, Target: `did("buy")`, HorizonDays: 14}
	o := quick()
	o.Fit = &models.Options{Calibrate: models.CalibrateNever}
	j, m := fit(t, a, d, o)
	if len(m.bare.Trials) < 3 {
		t.Fatalf("tried were %+v", m.bare.Trials)
	}
	best := slices.MinFunc(m.bare.Trials, func(a, b models.Trial) int {
		if a.LogLoss < b.LogLoss {
			return -1
		}
		return 1
	})
	if m.bare.Shape != best.Shape || m.bare.Model.Penalty() < best.Penalty {
		t.Errorf("%s, penalty %v was chosen of %+v", m.bare.Shape, m.bare.Model.Penalty(), m.bare.Trials)
	}
	if m.bare.Model.Penalty() <= m.Model.Penalty() {
		t.Errorf("without receipts the penalty is %v, with them %v", m.bare.Model.Penalty(), m.Model.Penalty())
	}
	// As with the other's choice.
	own, err := bareLoss(t.Context(), j, m)
	if err != nil {
		t.Fatal(err)
	}
	with := *j.options.Fit
	with.Shape, with.Penalties = m.Shape, []float64{m.Model.Penalty()}
	j.options.Fit = &with
	if m, err = j.fit(t.Context()); err != nil {
		t.Fatal(err)
	}
	borrowed, err := bareLoss(t.Context(), j, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("log loss without receipts: %.4f, %.4f with the penalty of the other", own, borrowed)
	if own > borrowed-0.003 {
		t.Errorf("log loss %.4f without receipts, %.4f with the penalty of the model with them", own, borrowed)
	}
}

// bareLoss is the log loss of the model without receipts at the test cut-off.
func bareLoss(ctx context.Context, j *job, m *fitted) (float64, error) {
	trials, err := j.judge(ctx, m)
	if err != nil {
		return 0, err
	}
	f, err := j.figures(trials[len(trials)-1].rows(withoutReceipts))
	return f.LogLoss, err
}
