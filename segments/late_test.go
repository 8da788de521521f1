package segments_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
)

// TestLate writes events that are late by any number of days, on time or loaded in bulk, closes and opens the app in between, and counts those that
// are late by some days at most.
func TestLate(t *testing.T) {
	const first, batches = 19_700, 60
	steps := []int32{0, 1, 2, 3, 5, 7, 14, 30, 90, segments.LateForever}
	stepOf := func(late int32) int32 {
		for _, s := range steps {
			if late <= s {
				return s
			}
		}
		return segments.LateForever
	}
	type told struct {
		cid  string
		day  int32
		late int32 // its step
	}
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		var err error
		now := time.Unix(first*86_400, 0)
		options := segments.Options{Clock: func() time.Time { return now }}
		var home *segments.Home
		var app *segments.App
		start := func() {
			if home, err = segments.OpenHome(dir, options); err != nil {
				t.Fatal(err)
			}
			if app, err = home.App(""); err != nil {
				t.Fatal(err)
			}
		}
		stop := func() {
			if err := home.Close(); err != nil {
				t.Fatal(err)
			}
		}
		start()
		var all []told
		position := uint64(0)
		for i := range batches {
			if rng.IntN(15) == 0 {
				stop()
				start()
			}
			now = now.Add(time.Duration(rng.IntN(40)) * time.Hour)
			today := int32(now.Unix() / 86_400)
			request := segments.WriteRequest{}
			if rng.IntN(5) == 0 {
				request.Load = &batch.Load{ID: fmt.Sprint("load", i), Rows: 1, Last: true}
			}
			var events []batch.Event
			for range 1 + rng.IntN(6) {
				day := today - rng.Int32N([]int32{4, 120}[rng.IntN(2)])
				e := told{cid: string(rune('a' + rng.IntN(3))), day: day}
				if request.Load == nil {
					e.late = stepOf(max(0, today-day))
				}
				all = append(all, e)
				events = append(events, batch.Event{CID: e.cid, Name: "open", TimeMillis: int64(day)*86_400_000 + 1000, OffsetMinutes: batch.NoOffset})
			}
			request.Build = func(b *batch.Builder) error {
				for i, e := range events {
					b.Event(i, e)
				}
				return nil
			}
			r, err := app.Write(context.Background(), request)
			if err != nil || len(r.Rejects) > 0 {
				t.Fatal(err, r.Rejects)
			}
			position = r.Position
		}
		v, err := app.View(context.Background(), segments.ReadOptions{AtLeastPosition: position})
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int32{0, 1, 4, 30, 100, segments.LateForever} {
			timely := v.WithoutLate(map[string]int32{"open": most, "other": 0})
			total, perDay := map[string]int{}, map[int32]map[string]int{}
			for _, e := range all {
				if e.late <= most && int64(e.day)*86_400+1 <= now.Unix() {
					total[e.cid]++
					if perDay[e.day] == nil {
						perDay[e.day] = map[string]int{}
					}
					perDay[e.day][e.cid]++
				}
			}
			for times := range 8 {
				want := uint64(0)
				for _, n := range total {
					if n > times {
						want++
					}
				}
				n, err := expr.Parse(fmt.Sprintf(`count("open") > %d`, times))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := timely.Count(context.Background(), n); err != nil || got != want {
					t.Fatalf("late by at most %d: %s holds for %d, %v; want %d", most, n, got, err, want)
				}
			}
			r := timely.BlockReader(context.Background())
			if _, err := r.GoTo(0); err != nil {
				t.Fatal(err)
			}
			for _, d := range r.Days("open", -1<<31) {
				counted := 0
				who, err := d.Who(nil)
				if err != nil {
					t.Fatal(err)
				}
				counted += len(who)
				if err := d.More(nil, func(who []uint16, weight uint32) { counted += len(who) * int(weight) }); err != nil {
					t.Fatal(err)
				}
				want := 0
				for _, n := range perDay[d.Day()] {
					want += n
				}
				if counted != want {
					t.Fatalf("late by at most %d: %d events on day %d, want %d", most, counted, d.Day(), want)
				}
			}
			r.Close()
		}
		checkLateness(t, v, func(days int32) (n int) {
			for _, e := range all {
				if int64(e.day)*86_400+1 <= now.Unix() && e.late <= days {
					n++
				}
			}
			return n
		})
		v.Close()
		stop()
	}
}

// checkLateness compares what the catalog says of lateness with how many events are late by so many days at most.
func checkLateness(t *testing.T, v *segments.View, within func(days int32) int) {
	c, err := v.Catalog(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Events) == 0 {
		return
	}
	open, sum := c.Events[0], uint64(0)
	for _, l := range open.Late {
		if sum += l.Events; int(sum) != within(l.Days) {
			t.Fatalf("%+v: %d are late by %d days at most", open.Late, within(l.Days), l.Days)
		}
	}
	if half := open.LateWithin(.5); 2*within(half) < within(segments.LateForever) || half > 0 && 2*within(half-1) >= within(segments.LateForever) {
		t.Fatalf("half are said to be late by %d days at most: %+v", half, open.Late)
	}
}
