package training

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// world is a made-up app whose truth is known: each CID opens at a rate of its own, day by day alike.
type world struct {
	first  propensity.Day
	days   int
	rate   map[string]float64 // opens a day
	events []batch.Event
}

// newWorld makes the events of so many CIDs over so many days, in the order of their time.
func newWorld(seed uint64, cids, days int) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{first: mustDay("2026-01-01"), days: days, rate: map[string]float64{}}
	for i := range cids {
		cid := fmt.Sprintf("cid-%05d", i)
		rate := math.Exp(r.NormFloat64()*1.3 - 3)
		w.rate[cid] = rate
		for at := r.ExpFloat64() * 3; at < float64(days); at += r.ExpFloat64() / rate {
			w.add(cid, "open", at, r.Float64()*50)
		}
	}
	w.sort()
	return w
}

func (w *world) add(cid, name string, atDay, amount float64) {
	amount = math.Round(amount * 100)
	w.events = append(w.events, batch.Event{CID: cid, Name: name, TimeMillis: (int64(w.first)*86400 + int64(atDay*86400)) * 1000, OffsetMinutes: batch.NoOffset,
		Properties: []batch.Named{{Name: "amount", Value: value.Num(value.Decimal{Coef: int64(amount), Scale: 2})}}})
}

func (w *world) sort() {
	slices.SortStableFunc(w.events, func(a, b batch.Event) int { return cmp.Compare(a.TimeMillis, b.TimeMillis) })
}

// did says who did an event on the days from a day on.
func (w *world) did(name string, from propensity.Day, days int) map[string]bool {
	did := map[string]bool{}
	for _, e := range w.events {
		if day := propensity.Day(e.TimeMillis / 86_400_000); e.Name == name && day >= from && day < from+propensity.Day(days) {
			did[e.CID] = true
		}
	}
	return did
}

// app holds the events before a day, with tags, as of a day after all of them.
func (w *world) app(t testing.TB, before propensity.Day, tags map[string]map[string]bool) *segments.App {
	t.Helper()
	now := time.Unix((int64(w.first)+int64(w.days)+1)*86400, 0)
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	a, err := home.CreateApp("", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	events := w.events
	for len(events) > 0 && events[0].TimeMillis < int64(before)*86_400_000 {
		n := 0
		for n < min(len(events), 20_000) && events[n].TimeMillis < int64(before)*86_400_000 {
			n++
		}
		chunk := events[:n]
		events = events[n:]
		put(t, a, func(b *batch.Builder) {
			for i, e := range chunk {
				b.Event(i, e)
			}
		})
	}
	put(t, a, func(b *batch.Builder) {
		i := 0
		for _, name := range slices.Sorted(keysOf(tags)) {
			for _, cid := range slices.Sorted(keysOf(tags[name])) {
				b.Tag(i, batch.TagChange{CID: cid, Tag: name, TimeMillis: int64(w.first) * 86_400_000})
				i++
			}
		}
	})
	return a
}

func keysOf[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func put(t testing.TB, a *segments.App, fill func(b *batch.Builder)) {
	t.Helper()
	r, err := a.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error { fill(b); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rejects) > 0 {
		t.Fatalf("rejected: %+v", r.Rejects[0])
	}
	v, err := a.View(context.Background(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
}

func mustDay(text string) propensity.Day {
	d, err := propensity.ParseDay(text)
	if err != nil {
		panic(err)
	}
	return d
}

// fit prepares a job and fits its model.
func fit(t *testing.T, a *segments.App, d propensity.Definition, o Options) (*job, *fitted) {
	t.Helper()
	j, err := newJob(t.Context(), a, d, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.base.Close)
	if err := j.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := j.fit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return j, m
}
