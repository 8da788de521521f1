package training

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// TestLateRecords writes a world day by day, as it happens, with a few records that come ten days after their day, and checks that these
// have no part in what was known at a cut-off.
func TestLateRecords(t *testing.T) {
	w := newWorld(10, 1200, 90)
	var now atomic.Int64
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return time.Unix(now.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	now.Store(int64(w.first) * 86400)
	a, err := home.CreateApp("", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	const lateDay, lateCount = 40, 15
	held := map[string]bool{}
	var late []batch.Event
	events := w.events
	for d := range propensity.Day(91) {
		now.Store((int64(w.first+d) + 1) * 86400)
		put(t, a, func(b *batch.Builder) {
			for i := 0; len(events) > 0 && events[0].TimeMillis < int64(w.first+d+1)*86_400_000; i++ {
				e := events[0]
				events = events[1:]
				if d == lateDay && len(late) < lateCount && !held[e.CID] {
					late, held[e.CID] = append(late, e), true
					continue
				}
				b.Event(i, e)
			}
			if d == lateDay+10 {
				for i, e := range late {
					b.Event(1_000_000+i, e)
				}
			}
		})
	}
	o := quick()
	o.Cutoffs = Cutoffs{Train: []propensity.Day{w.first + 60}, Test: []propensity.Day{w.first + 75}, Pool: 1}
	r := train(t, a, opens(), o).Report
	if !slices.ContainsFunc(r.LeftOut, func(s string) bool { return strings.Contains(s, "15 records") && strings.Contains(s, `"open"`) }) {
		t.Errorf("late records are not said to be left out: %q", r.LeftOut)
	}
	known := 0
	for cid := range w.did("open", w.first, 60) {
		only := slices.ContainsFunc(late, func(e batch.Event) bool { return e.CID == cid }) && len(eventsOf(w, cid, w.first+60)) == 1
		if !only {
			known++
		}
	}
	if r.Cutoffs[0].Rows != known {
		t.Errorf("%d are eligible, want %d: those who did it, the late records apart", r.Cutoffs[0].Rows, known)
	}
}

func eventsOf(w *world, cid string, before propensity.Day) (all []batch.Event) {
	for _, e := range w.events {
		if e.CID == cid && e.TimeMillis < int64(before)*86_400_000 {
			all = append(all, e)
		}
	}
	return all
}
