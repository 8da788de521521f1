package segments_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/judge"
)

// clock is a clock that only a test moves.
type clock struct{ millis atomic.Int64 }

func newClock(t time.Time) *clock {
	c := &clock{}
	c.millis.Store(t.UnixMilli())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.millis.Load()) }
func (c *clock) advance(d time.Duration) { c.millis.Add(d.Milliseconds()) }

// world is an app and the judge of it, told of the same records.
type world struct {
	t       testing.TB
	rng     *rand.Rand
	clock   *clock
	dir     string
	options segments.Options
	zone    *time.Location
	words   words
	cids    []string

	home     *segments.Home
	app      *segments.App
	judge    *judge.Judge
	samples  map[expr.Sample]map[string]bool
	scores   map[string]*scoring
	position uint64
	writes   int
	batchOf  map[string]int // the write that brought a CID
	sent     []sent
	telling  int // expressions that held for some and not for all
}

// sent is a batch that went out with a batch_id.
type sent struct {
	request segments.WriteRequest
	result  segments.WriteResult
	at      time.Time
}

func newWorld(t testing.TB, rng *rand.Rand, zone string, start time.Time, options segments.Options) *world {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, rng: rng, clock: newClock(start), dir: t.TempDir(), options: options, zone: location,
		samples: map[expr.Sample]map[string]bool{}, scores: map[string]*scoring{}, batchOf: map[string]int{}}
	w.options.Clock, w.options.ClockPatience = w.clock.now, -1
	w.judge = judge.New(location, w.sampled)
	if w.home, err = segments.OpenHome(w.dir, w.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.home.Close() })
	if w.app, err = w.home.CreateApp("", zone); err != nil {
		t.Fatal(err)
	}
	return w
}

// sampled says whether a CID is in a sample. It asks the app once, as of now: from then on that is how it is, as of
// any moment and after any restart.
func (w *world) sampled(n expr.Sample, cid string) bool {
	w.t.Helper()
	known := w.samples[n]
	if in, found := known[cid]; found {
		return in
	}
	if known == nil {
		known = map[string]bool{}
		w.samples[n] = known
	}
	var cids []string
	now := w.judge.At(time.Time{}, w.clock.now())
	for _, other := range w.judge.CIDs() {
		if _, found := known[other]; !found && now.Known(other) {
			cids = append(cids, other)
		}
	}
	v := w.view(time.Time{})
	defer v.Close()
	in, err := v.Contains(context.Background(), n, cids)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, other := range cids {
		known[other] = in[i]
	}
	return known[cid]
}

func (w *world) view(asOf time.Time) *segments.View {
	w.t.Helper()
	v, err := w.app.View(context.Background(), segments.ReadOptions{AsOf: asOf, AtLeastPosition: w.position})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// restart closes and opens the directory, without its index when that is to be built again.
func (w *world) restart(keepIndex bool) {
	w.t.Helper()
	before := w.everyone()
	if err := w.home.Close(); err != nil {
		w.t.Fatal(err)
	}
	if !keepIndex {
		if err := os.RemoveAll(filepath.Join(w.dir, "apps", "default", "index")); err != nil {
			w.t.Fatal(err)
		}
	}
	w.reopen()
	if after := w.everyone(); !slices.Equal(before, after) {
		w.t.Fatalf("the order of CIDs is another after a restart: %d before, %d after", len(before), len(after))
	}
}

func (w *world) reopen() {
	w.t.Helper()
	var err error
	if w.home, err = segments.OpenHome(w.dir, w.options); err != nil {
		w.t.Fatal(err)
	}
	if w.app, err = w.home.App(""); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) everyone() []string {
	w.t.Helper()
	v := w.view(time.Time{})
	defer v.Close()
	return selected(w.t, v, expr.Everyone{})
}

func selected(t testing.TB, v *segments.View, n expr.Node) (cids []string) {
	t.Helper()
	selection, err := v.Select(context.Background(), n, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = selection.Each(func(some *batch.CIDs) error {
		for i := range some.Len() {
			cids = append(cids, some.At(i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return cids
}

// write sends records to the app, by row or by column, and to the judge.
func (w *world) write(records []record, columns bool) {
	w.t.Helper()
	request := segments.WriteRequest{Build: func(b *batch.Builder) error {
		if columns {
			return buildColumns(b, records)
		}
		buildRows(b, records)
		return nil
	}}
	if w.rng.IntN(3) == 0 {
		var id [8]byte
		binary.LittleEndian.PutUint64(id[:], w.rng.Uint64())
		request.BatchID = string([]byte("batch-")) + time.Duration(w.rng.Uint32()).String()
		request.Content = sha256.Sum256(id[:])
	}
	received := w.clock.now()
	result, err := w.app.Write(context.Background(), request)
	if err != nil {
		w.t.Fatal(err)
	}
	w.position = result.Position
	w.writes++
	var rejected []int
	for i, r := range records {
		if !r.tell(w.judge, received.UnixMilli()) {
			rejected = append(rejected, i)
			continue
		}
		if _, found := w.batchOf[r.cid()]; !found {
			w.batchOf[r.cid()] = w.writes
		}
	}
	var got []int
	for _, r := range result.Rejects {
		got = append(got, r.Index)
	}
	if !slices.Equal(got, rejected) || result.Accepted != len(records)-len(rejected) {
		w.t.Fatalf("rejected %v and accepted %d of %d, want rejects %v: %+v", got, result.Accepted, len(records), rejected, result.Rejects)
	}
	if request.BatchID != "" {
		w.sent = append(w.sent, sent{request, result, received})
	}
}

// redeliver sends a batch again that went out before.
func (w *world) redeliver() {
	w.t.Helper()
	w.sent = slices.DeleteFunc(w.sent, func(s sent) bool { return w.clock.now().Sub(s.at) > 7*24*time.Hour })
	if len(w.sent) == 0 {
		return
	}
	s := w.sent[w.rng.IntN(len(w.sent))]
	again, err := w.app.Write(context.Background(), s.request)
	if err != nil {
		w.t.Fatal(err)
	}
	want := s.result
	want.Repeated = true
	if !sameAnswer(again, want) {
		w.t.Fatalf("a batch that came again is answered %+v, at first %+v", again, want)
	}
}

func sameAnswer(a, b segments.WriteResult) bool {
	return a.Position == b.Position && a.Accepted == b.Accepted && a.Repeated == b.Repeated && slices.Equal(a.Rejects, b.Rejects)
}
