package segments_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// TestStreamDeliveredTwice delivers a stream of events with ids again: shuffled, cut otherwise, by row and by column, with
// restarts and rebuilds between, and to an app that got it in order and once. No count changes.
func TestStreamDeliveredTwice(t *testing.T) {
	start := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 9))
		var stream []record
		for n := range 600 {
			stream = append(stream, record{event: &batch.Event{
				CID: fmt.Sprint("cid ", rng.IntN(40)), Name: "open", ID: fmt.Sprint("id ", n%500), // ids come again with others and at other times
				TimeMillis: start.Add(-time.Duration(rng.IntN(20*24)) * time.Hour).UnixMilli(), OffsetMinutes: batch.NoOffset,
				Properties: []batch.Named{{Name: "n", Value: value.Num(value.Int(int64(n % 7)))}},
			}})
		}
		deliver := func(w *world, records []record) {
			for len(records) > 0 {
				n := min(len(records), 1+rng.IntN(90))
				w.write(records[:n], rng.IntN(2) == 0)
				records = records[n:]
			}
		}
		// Of two with one identity the first holds: let the stream have only one of each.
		seen := map[string]bool{}
		stream = slices.DeleteFunc(stream, func(r record) bool {
			key := fmt.Sprint(r.event.CID, r.event.ID, r.event.TimeMillis)
			defer func() { seen[key] = true }()
			return seen[key]
		})
		once := newWorld(t, rng, "UTC", start, segments.Options{})
		deliver(once, stream)
		twice := newWorld(t, rng, "UTC", start, segments.Options{CheckpointBytes: 1, SnapshotBytes: 1, LogSegmentBytes: 4096})
		for delivery := range 3 {
			shuffled := slices.Clone(stream)
			rng.Shuffle(len(shuffled), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
			half := len(shuffled) / 2
			deliver(twice, shuffled[:half])
			twice.restart(delivery%2 == 0)
			deliver(twice, shuffled[half:])
			twice.crash(delivery == 2)
		}
		for _, text := range []string{`count("open") = 1`, `count("open", within 10d) >= 5`, `days("open") >= 8`, `sum("open.n") > 30`, `count("open" where n = 3) >= 2`, `did("open", within 36h)`} {
			if a, b := once.count(text, time.Time{}), twice.count(text, time.Time{}); a != b {
				t.Errorf("seed %d: %s holds for %d, and %d after two more deliveries", seed, text, a, b)
			}
		}
		for n := range 40 { // to the event
			if a, b := once.count(fmt.Sprintf(`count("open") = %d`, n), time.Time{}), twice.count(fmt.Sprintf(`count("open") = %d`, n), time.Time{}); a != b {
				t.Errorf("seed %d: %d have %d events, and %d after two more deliveries", seed, a, n, b)
			}
		}
	}
}
