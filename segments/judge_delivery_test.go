package segments_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// plainWorld is a world in which nothing is random.
func plainWorld(t testing.TB, zone, now string, options segments.Options) *world {
	t.Helper()
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, rand.New(rand.NewPCG(1, 2)), zone, at, options)
}

// within ends the tests when f takes longer than any sound program would.
func within(t testing.TB, limit time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		panic(fmt.Sprintf("%s: %s did not end within %s", t.Name(), what, limit)) // closing the app would hang too
	}
}

// events returns a request that writes as many events, of CIDs named by a prefix.
func events(name, cid string, n int) segments.WriteRequest {
	return segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i := range n {
			b.Event(i, batch.Event{CID: fmt.Sprintf("%s%d", cid, i), Name: name, TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
		}
		return nil
	}}
}

func (w *world) mustWrite(r segments.WriteRequest) segments.WriteResult {
	w.t.Helper()
	result, err := w.app.Write(context.Background(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.position = max(w.position, result.Position)
	return result
}

func parsed(t testing.TB, text string) expr.Node {
	t.Helper()
	n, err := expr.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// count counts an expression as of a moment; zero is now.
func (w *world) count(text string, asOf time.Time) uint64 {
	w.t.Helper()
	v := w.view(asOf)
	defer v.Close()
	n, err := v.Count(context.Background(), parsed(w.t, text))
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func reasonOf(err error) segments.Reason {
	if e := new(segments.Error); errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// TestBatchID sends one batch again in all the states the app can be in.
func TestBatchID(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	late := w.clock.now().Add(25 * time.Hour).UnixMilli()
	request := segments.WriteRequest{BatchID: "one", Content: [32]byte{1}, Build: func(b *batch.Builder) error {
		b.Event(0, batch.Event{CID: "a", Name: "open", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
		b.Event(1, batch.Event{CID: "", Name: "open", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
		b.Profile(2, batch.ProfileChange{CID: "a", TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "age", Value: value.Num(value.Int(1))}}})
		b.Profile(3, batch.ProfileChange{CID: "b", TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "age", Value: value.Text("old")}}})
		b.Event(4, batch.Event{CID: "late", Name: "open", TimeMillis: late, OffsetMinutes: batch.NoOffset})
		return nil
	}}
	first := w.mustWrite(request)
	if first.Accepted != 2 || len(first.Rejects) != 3 || first.Repeated {
		t.Fatalf("first answer: %+v", first)
	}
	want := first
	want.Repeated = true
	other := request
	other.Content = [32]byte{2}
	again := func(when string) {
		t.Helper()
		if got := w.mustWrite(request); !sameAnswer(got, want) {
			t.Errorf("%s: answered %+v, at first %+v", when, got, want)
		}
		if _, err := w.app.Write(context.Background(), other); reasonOf(err) != segments.BatchIDReused {
			t.Errorf("%s: other content under the same id: %v", when, err)
		}
		if n := w.count(`count("open") = 1`, time.Time{}); n != 1 {
			t.Errorf("%s: %d CIDs have one event, want 1", when, n)
		}
	}
	again("at once")
	w.clock.advance(26 * time.Hour) // by now the event ahead of the clock would be taken
	again("a day later")
	w.restart(true)
	again("after a restart")
	w.mustWrite(events("close", "other", 3))
	w.restart(true)
	again("after another checkpoint")
	w.restart(false)
	again("with a new index")
	w.clock.advance(6*24*time.Hour - 2*time.Hour)
	again("after seven days")
	w.clock.advance(2 * time.Hour)
	within(t, 20*time.Second, "a batch whose id is forgotten", func() {
		if got := w.mustWrite(request); got.Repeated || got.Position == first.Position {
			t.Errorf("after more than seven days: answered %+v", got)
		}
	})
}

// TestBatchIDExpiresInIndex is the same with an id that a checkpoint has stored.
func TestBatchIDExpiresInIndex(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	request := events("open", "a", 1)
	request.BatchID = "one"
	first := w.mustWrite(request)
	w.restart(true)
	w.clock.advance(7*24*time.Hour + time.Second)
	within(t, 20*time.Second, "a batch whose id is forgotten", func() {
		if got := w.mustWrite(request); got.Repeated || got.Position == first.Position {
			t.Errorf("answered %+v", got)
		}
	})
}

// TestBatchIDSameFirstAnswer repeats a batch whose second record gives a type to what its first was rejected for.
func TestBatchIDSameFirstAnswer(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	w.mustWrite(segments.WriteRequest{Build: func(b *batch.Builder) error {
		b.Profile(0, batch.ProfileChange{CID: "a", TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "b", Value: value.Num(value.Int(1))}}})
		return nil
	}})
	request := segments.WriteRequest{BatchID: "one", Build: func(b *batch.Builder) error {
		b.Profile(0, batch.ProfileChange{CID: "a", TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "a", Value: value.Text("x")}, {Name: "b", Value: value.Text("y")}}})
		b.Profile(1, batch.ProfileChange{CID: "a", TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "a", Value: value.Num(value.Int(1))}}})
		return nil
	}}
	first := w.mustWrite(request)
	again := w.mustWrite(request)
	first.Repeated = true
	if !sameAnswer(first, again) {
		t.Errorf("answered %+v, at first %+v", again, first)
	}
}

// TestBatchIDAcrossCheckpoint lets the same batch be written, made visible and checkpointed by another
// call, while this one is between looking its id up and getting into the log.
func TestBatchIDAcrossCheckpoint(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{CheckpointBytes: 1})
	inner := events("open", "a", 1)
	inner.BatchID = "one"
	outer, once := inner, sync.Once{}
	outer.Build = func(b *batch.Builder) error {
		once.Do(func() {
			result := w.mustWrite(inner)
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
				status, err := w.app.Status()
				if err != nil {
					t.Error(err)
					return
				}
				if status.CheckpointPosition >= result.Position {
					return
				}
				if time.Now().After(deadline) {
					t.Error("no checkpoint came")
					return
				}
			}
		})
		return inner.Build(b)
	}
	within(t, 40*time.Second, "the write", func() {
		if got := w.mustWrite(outer); !got.Repeated {
			t.Errorf("answered %+v", got)
		}
	})
	if n := w.count(`count("open") = 1`, time.Time{}); n != 1 {
		t.Errorf("%d CIDs have one event, want 1: the batch was written twice", n)
	}
}

// TestBatchIDConcurrent sends the same batch from many goroutines.
func TestBatchIDConcurrent(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{CheckpointBytes: 1})
	for round := range 20 {
		request := events("open", "a", 1)
		request.BatchID = fmt.Sprint("round ", round)
		const senders = 8
		results, errs := make([]segments.WriteResult, senders), make([]error, senders)
		within(t, 60*time.Second, "writing", func() {
			var wait sync.WaitGroup
			for i := range senders {
				wait.Go(func() { results[i], errs[i] = w.app.Write(context.Background(), request) })
			}
			wait.Wait()
		})
		fresh := 0
		for i := range senders {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
			if !results[i].Repeated {
				fresh++
			}
			if results[i].Position != results[0].Position {
				t.Errorf("positions %d and %d", results[i].Position, results[0].Position)
			}
		}
		if fresh != 1 {
			t.Errorf("round %d: written %d times", round, fresh)
		}
		w.position = results[0].Position
	}
	if n := w.count(`count("open") = 20`, time.Time{}); n != 1 {
		t.Errorf("%d CIDs have 20 events, want 1", n)
	}
}

// TestManyWritersWithBatchIDs sends more batches at once than any queue holds.
func TestManyWritersWithBatchIDs(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	const writers = 6000
	within(t, 120*time.Second, "writing", func() {
		var wait sync.WaitGroup
		start := make(chan struct{})
		for i := range writers {
			wait.Go(func() {
				<-start
				request := events("open", fmt.Sprint(i, " "), 1)
				request.BatchID = fmt.Sprint(i)
				if _, err := w.app.Write(context.Background(), request); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		wait.Wait()
	})
	status, err := w.app.Status()
	if err != nil {
		t.Fatal(err)
	}
	w.position = status.DurablePosition
	if n := w.count(`did("open")`, time.Time{}); n != writers {
		t.Errorf("%d CIDs, want %d", n, writers)
	}
}

// TestLoadLedger takes rows of a load in order, each once, whatever happens between.
func TestLoadLedger(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	rows := func(first, n int, last bool) segments.WriteRequest {
		return segments.WriteRequest{
			Load: &batch.Load{ID: "file", FirstRow: uint64(first), Rows: uint64(n), Rejected: 1, Skipped: 2, Last: last},
			Build: func(b *batch.Builder) error {
				for i := first; i < first+n-4; i++ { // one rejected, two left out, one bad
					b.Event(i, batch.Event{CID: fmt.Sprint("row ", i), Name: "open", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
				}
				b.Event(first+n-1, batch.Event{Name: "open", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
				return nil
			},
		}
	}
	refused := func(when string, first int) {
		t.Helper()
		if _, err := w.app.Write(context.Background(), rows(first, 10, false)); reasonOf(err) != segments.LoadOutOfOrder {
			t.Errorf("%s: rows from %d: %v", when, first, err)
		}
	}
	state := func(when string, want segments.LoadState) {
		t.Helper()
		got := w.app.Load("file")
		if got.Position = 0; got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
		if n := w.count(`count("open") = 1`, time.Time{}); n != want.Accepted {
			t.Errorf("%s: %d CIDs, want %d", when, n, want.Accepted)
		}
	}
	state("before", segments.LoadState{})
	refused("before", 10)
	w.mustWrite(rows(0, 10, false))
	one := segments.LoadState{NextRow: 10, Accepted: 6, Rejected: 2, Skipped: 2}
	for _, when := range []string{"at once", "after a restart", "with a new index"} {
		switch when {
		case "after a restart":
			w.restart(true)
		case "with a new index":
			w.restart(false)
		}
		state(when, one)
		refused(when, 0)
		refused(when, 20)
	}
	w.mustWrite(rows(10, 10, false))
	w.mustWrite(rows(20, 10, true))
	done := segments.LoadState{NextRow: 30, Finished: true, Accepted: 18, Rejected: 6, Skipped: 6}
	for _, keep := range []bool{true, false, true} {
		state("finished", done)
		refused("finished", 30)
		refused("finished", 0)
		w.restart(keep)
	}
	state("finished", done)
}
