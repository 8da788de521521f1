package index

import (
	"encoding/binary"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/store"
)

// TestPiecesOfCIDs saves after every few CIDs, and looks at which pieces there are and how much was written.
func TestPiecesOfCIDs(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	open := func() *Index {
		t.Helper()
		ix, err := New(st, time.UTC, NewHot(1<<20), func(err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
		return ix
	}
	ix, known, written, position := open(), 0, 0, uint64(0)
	for round, n := range []int{1, 1, 1, 5, 100, 3, 40_000, 1, 1, 2, 0, 30_000, 7, 8, 60_000, 10_000} {
		b := &batch.Batch{ReceivedMillis: 1e12, Tags: []batch.Tags{{Name: "vip"}}}
		to := &b.Tags[0]
		for range n {
			known++
			to.CIDs.Packed = binary.BigEndian.AppendUint64(to.CIDs.Packed, 0)
			to.CIDs.Packed = binary.BigEndian.AppendUint64(to.CIDs.Packed, uint64(known))
			to.Remove = append(to.Remove, false)
		}
		position++
		if err := ix.Apply([]*batch.Batch{b}, position); err != nil {
			t.Fatal(err)
		}
		if _, err := ix.Checkpoint(func(uint64) []BatchID { return nil }, 0); err != nil {
			t.Fatal(err)
		}
		first := 0
		pieces := ix.saved.state.CIDs
		for i, p := range pieces {
			end := first + p.Count
			if full := end / dict.ChunkCIDs * dict.ChunkCIDs; full > first && (full != end || p.Count != dict.ChunkCIDs) {
				t.Fatalf("round %d: piece %d of %v crosses or is less than a full chunk", round, i, pieces)
			}
			if i > 0 && end < known && first%dict.ChunkCIDs != 0 && p.Count < 2*pieces[i+1].Count {
				t.Fatalf("round %d: piece %d of %v is less than twice as long as the next", round, i, pieces)
			}
			if p.Generation == ix.saved.generation {
				written += p.Count
			}
			first = end
		}
		if first != known {
			t.Fatalf("round %d: pieces of %d CIDs, there are %d", round, first, known)
		}
		if round%3 == 2 {
			ix = open()
		}
		if ix.CIDs.Len() != known {
			t.Fatalf("round %d: %d CIDs, want %d", round, ix.CIDs.Len(), known)
		}
	}
	if all := problems(t, open()); len(all) > 0 {
		t.Fatal(all)
	}
	if written > 3*known {
		t.Errorf("%d CIDs were written for %d", written, known)
	}
}
