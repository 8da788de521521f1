package segments_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// places are zones and days at which something happens to the clocks or to the calendar.
var places = []struct{ zone, now string }{
	{"UTC", "2024-03-05T10:20:30.456Z"}, // a leap day is in reach
	{"Europe/London", "2024-04-02T00:30:00Z"},
	{"Asia/Kolkata", "2024-01-10T18:29:59.999Z"},
	{"America/St_Johns", "2006-11-02T02:31:00Z"}, // clocks changed at 00:01
	{"America/St_Johns", "2011-03-20T02:31:00Z"},
	{"Australia/Lord_Howe", "2024-04-10T13:30:00Z"}, // by half an hour
	{"Pacific/Apia", "2012-01-03T10:00:00Z"},        // there was no 2011-12-30
	{"America/Sao_Paulo", "2018-11-08T03:00:00Z"},   // there was no midnight
	{"America/Havana", "2023-11-08T05:00:00Z"},      // there were two
	{"UTC", "1970-01-20T00:00:00Z"},                 // days before the first
}

// judgeSeed is the seed of the first world. Set WHOWHEN_JUDGE_SEED to the seed that a failure names to see it again, and
// WHOWHEN_JUDGE_WORLDS to how many worlds to go through.
func judgeSeed(t *testing.T) (first uint64, worlds int) {
	t.Helper()
	first, worlds = 1, 40
	if testing.Short() {
		worlds = 4
	}
	if text := os.Getenv("WHOWHEN_JUDGE_SEED"); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
		worlds = 1
	}
	if text := os.Getenv("WHOWHEN_JUDGE_WORLDS"); text != "" {
		var err error
		if worlds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return first, worlds
}

// TestJudge holds random expressions on random data against the judge, while the app is restarted and killed, its index
// damaged and thrown away, snapshots are made and old log is dropped, batches come again, rules about retention are made,
// what is no longer kept is swept, scores are staged and published, and the clock moves on.
func TestJudge(t *testing.T) {
	first, worlds := judgeSeed(t)
	for seed := first; seed < first+uint64(worlds); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w := someWorld(t, seed)
			const steps, expressions = 10, 25
			for range steps {
				w.step()
				w.compare(expressions)
			}
			if w.telling < steps*expressions/3 {
				t.Errorf("only %d of %d expressions held for some and not for all: the data says too little", w.telling, steps*expressions)
			}
		})
	}
}

// someWorld draws a world that holds no records yet.
func someWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 2))
	place := places[seed%uint64(len(places))]
	now, err := time.Parse(time.RFC3339, place.now)
	if err != nil {
		t.Fatal(err)
	}
	// Small limits make the app save, drop and read again all the time.
	options := segments.Options{
		CheckpointBytes: pick(rng, []int64{1, 64 << 10, 4 << 20}),
		CacheBytes:      pick(rng, []int64{1, 32 << 10, 0}),
		SnapshotBytes:   pick(rng, []int64{1, 64 << 10, 0}),
		LogSegmentBytes: pick(rng, []int64{4096, 0}),
	}
	w := newWorld(t, rng, place.zone, now, options)
	w.words = someWords(rng, now)
	w.cids = someCIDs(rng, 20+rng.IntN(120))
	return w
}

// step lets something happen.
func (w *world) step() {
	w.t.Helper()
	for range 1 + w.rng.IntN(4) {
		w.write(w.someRecords(1+w.rng.IntN(150)), w.rng.IntN(2) == 0)
	}
	for range w.rng.IntN(4) {
		w.score()
	}
	switch w.rng.IntN(11) {
	case 9:
		w.crash(false)
	case 10:
		w.crash(true)
	case 6:
		w.retain()
	case 7:
		w.sweep()
	case 8:
		w.retain()
		w.view(time.Time{}).Close() // the rule is applied by now, as it would be when so much time goes by
		w.clock.advance(time.Duration(w.rng.Int64N(int64(20 * 24 * time.Hour))))
		w.sweep()
	case 0:
		w.restart(true)
	case 1:
		w.restart(false)
	case 2, 3:
		w.redeliver()
	case 4:
		w.clock.advance(time.Duration(w.rng.Int64N(int64(36 * time.Hour))))
	}
}

// TestJudgeManyCIDs does so with so many CIDs that they fill more than one block of ordinals.
func TestJudgeManyCIDs(t *testing.T) {
	if testing.Short() {
		t.Skip("the judge is slow on 70,000 CIDs")
	}
	for seed := range uint64(2) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w := someWorld(t, seed)
			w.step()
			w.fill(66_000)
			for range 4 {
				// Some of those before the border of the block and behind it take part from here on.
				w.cids = append(w.cids, w.judge.CIDs()[65_500+w.rng.IntN(400)], pick(w.rng, w.judge.CIDs()))
				w.step()
				w.compare(15)
			}
		})
	}
}

// fill writes events of many CIDs, packed and by column.
func (w *world) fill(cids int) {
	w.t.Helper()
	now := w.clock.now()
	for cids > 0 {
		n := min(cids, batch.MaxRecords)
		cids -= n
		var packed []byte
		var times []int64
		amount := batch.Column{Name: "amount"}
		w.writes++
		for range n {
			var cid [batch.PackedBytes]byte
			binary.LittleEndian.PutUint64(cid[:], w.rng.Uint64())
			packed = append(packed, cid[:]...)
			times = append(times, now.UnixMilli()-w.rng.Int64N(3*86400_000))
			amount.Kinds, amount.Data = append(amount.Kinds, value.Number), append(amount.Data, w.rng.Int64N(2000))
			e := batch.Event{CID: hex.EncodeToString(cid[:]), Name: "purchase", TimeMillis: times[len(times)-1], Properties: []batch.Named{
				{Name: "amount", Value: value.Num(value.Int(amount.Data[len(amount.Data)-1]))}}}
			w.judge.Event(e, now.UnixMilli())
			w.batchOf[e.CID] = w.writes
		}
		result, err := w.app.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			return b.EventColumns(0, batch.Events{Name: "purchase", CIDs: batch.CIDs{Packed: packed}, TimesMillis: times, Props: []batch.Column{amount}})
		}})
		if err != nil || result.Accepted != n {
			w.t.Fatalf("accepted %d of %d: %v", result.Accepted, n, err)
		}
		w.position = result.Position
	}
}
