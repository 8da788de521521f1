package index

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/batch"
)

// TestBatchIDs stores ids with many checkpoints and finds exactly those, until they are forgotten or something of
// them is lost.
func TestBatchIDs(t *testing.T) {
	ix := someIndex(t)
	random := rand.New(rand.NewPCG(1, 2))
	known := map[[16]byte]BatchID{}
	key := func(n int) (k [16]byte) {
		sum := sha256.Sum256(fmt.Append(nil, n))
		copy(k[:], sum[:])
		return k
	}
	check := func(when string) {
		t.Helper()
		for n := range 6000 {
			got, found, err := ix.FindBatchID(key(n))
			if err != nil {
				t.Fatal(err)
			}
			if want, is := known[key(n)]; found != is || got != want {
				t.Fatalf("%s: id %d: %+v %v, want %+v %v", when, n, got, found, want, is)
			}
		}
		ix.verifyBatchIDs(func(problem string) { t.Errorf("%s: %s", when, problem) })
	}
	const rounds = 60
	next := 0
	for round := range rounds {
		position := uint64(round + 2)
		if err := ix.Apply([]*batch.Batch{{ReceivedMillis: int64(round)}}, position); err != nil {
			t.Fatal(err)
		}
		var fresh []BatchID
		for range random.IntN(200) {
			b := BatchID{Key: key(next), Position: position, ReceivedMillis: int64(round)}
			b.Content[3] = byte(next)
			fresh, known[b.Key] = append(fresh, b), b
			next++
		}
		if round%20 == 19 { // one comes again after it was forgotten
			b := BatchID{Key: key(0), Position: position, ReceivedMillis: int64(round)}
			fresh, known[b.Key] = append(fresh, b), b
		}
		if _, err := ix.Checkpoint(func(uint64) []BatchID { return fresh }, 0); err != nil {
			t.Fatal(err)
		}
		if round%15 == 0 {
			check(fmt.Sprint("round ", round))
		}
	}
	check("at the end")
	runs := ix.saved.state.BatchIDs
	if len(runs) > 15 {
		t.Errorf("%d runs for %d ids", len(runs), len(known))
	}
	for _, r := range runs {
		if r.Count > batchBlobIDs && r.Bits == 0 {
			t.Errorf("a run of %d ids is in one blob", r.Count)
		}
	}

	again, err := New(ix.store, time.UTC, NewHot(1<<20), func(err error) error { return err })
	if err != nil {
		t.Fatal(err)
	}
	ix = again
	check("opened again")

	lost := runs[0].key(runs[0].part(key(1)))
	if err := ix.store.Delete([][]byte{lost}); err != nil {
		t.Fatal(err)
	}
	if _, found, err := ix.FindBatchID(key(1)); err == nil {
		t.Errorf("an id whose blob is lost is found: %v, without an error", found)
	}
	if _, err := New(ix.store, time.UTC, NewHot(1<<20), func(err error) error { return err }); err == nil {
		t.Error("an index whose batch ids are lost in part is opened")
	}
}

func TestBatchIDsAreForgotten(t *testing.T) {
	ix := someIndex(t)
	checkpoint := func(position uint64, forgetBefore int64, ids ...BatchID) {
		t.Helper()
		if err := ix.Apply([]*batch.Batch{{ReceivedMillis: 1}}, position); err != nil {
			t.Fatal(err)
		}
		if _, err := ix.Checkpoint(func(uint64) []BatchID { return ids }, forgetBefore); err != nil {
			t.Fatal(err)
		}
	}
	id := func(n byte, received int64) BatchID {
		return BatchID{Key: [16]byte{n}, Position: 2, ReceivedMillis: received}
	}
	checkpoint(2, 0, id(1, 100), id(2, 200), id(3, 300), id(4, 400))
	checkpoint(3, 250, id(5, 500), id(6, 600), id(7, 700)) // merges, and forgets the first two
	for n, want := range map[byte]bool{1: false, 2: false, 3: true, 4: true, 5: true, 6: true} {
		if _, found, err := ix.FindBatchID([16]byte{n}); err != nil || found != want {
			t.Errorf("id %d: %v, %v", n, found, err)
		}
	}
	checkpoint(4, math.MaxInt64)
	if n := len(ix.saved.state.BatchIDs); n != 0 {
		t.Errorf("%d runs are left of what is forgotten", n)
	}
}
