package segments_test

import (
	"context"

	"whowhen.dev/whowhen/segments/batch"
)

// retain makes a rule about how long something is kept, or takes one away.
func (w *world) retain() {
	w.t.Helper()
	rule := batch.Retention{KeepDays: pick(w.rng, []int32{0, 0, 3, 10, 30, 200})}
	if rule.Tag = w.rng.IntN(2) == 0; rule.Tag {
		rule.Name = pick(w.rng, w.words.tags)
	} else {
		rule.Name = pick(w.rng, w.words.events).name
	}
	now := w.clock.now()
	position, err := w.app.SetRetention(context.Background(), false, rule)
	if err != nil {
		w.t.Fatal(err)
	}
	w.position = position
	w.judge.Retain(rule, now.UnixMilli())
}

func (w *world) sweep() {
	w.t.Helper()
	if err := w.app.Sweep(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}
