package index

import (
	"bytes"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/value"
)

// someIndex returns an index with one of everything, saved once.
func someIndex(t testing.TB) *Index {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ix, err := New(st, time.UTC, NewHot(1<<20), func(err error) error { return err })
	if err != nil {
		t.Fatal(err)
	}
	b := batch.NewBuilder(time.Unix(1_700_000_000, 0))
	for i, cid := range []string{"a", "b", "a", "a"} {
		b.Event(i, batch.Event{CID: cid, Name: "open", TimeMillis: int64(i/2) * 86400_000, OffsetMinutes: 60, ID: "", Properties: []batch.Named{{Name: "p", Value: value.Text("x")}}})
		b.Tag(i, batch.TagChange{CID: cid, Tag: "vip", TimeMillis: batch.NoTime, ExpiresMillis: int64(i) * 1000})
		b.Profile(i, batch.ProfileChange{CID: cid, TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "age", Value: value.Num(value.Int(int64(i)))}}})
	}
	done, rejects := b.Finish()
	if len(rejects) > 0 {
		t.Fatalf("%+v", rejects)
	}
	done.ScoreChunks = []batch.ScoreChunk{
		{Name: "pay", Generation: 1, Ordinals: 2, Present: []uint64{3}, Codes: []uint16{7, 65535}},
		{Name: "churn", Generation: 1, Ordinals: 1, Present: []uint64{1}, Codes: []uint16{0}},
	}
	done.ScorePublishes = []batch.ScorePublish{{Name: "pay", Generation: 1, Version: "v1", AsOfMillis: 5, Definition: "abc"}}
	if err := ix.Apply([]*batch.Batch{done}, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := ix.Checkpoint(func(uint64) []BatchID { return nil }, 0); err != nil {
		t.Fatal(err)
	}
	return ix
}

// TestCatalog writes the list of a shard's fragments and reads it back.
func TestCatalog(t *testing.T) {
	ix := someIndex(t)
	v, release := ix.Pin()
	defer release()
	once := v.shards[0].appendCatalog(nil, 1)
	s, err := decodeCatalog(once, 0, ix.cache)
	if err != nil {
		t.Fatal(err)
	}
	if twice := s.appendCatalog(nil, 2); !bytes.Equal(once, twice) {
		t.Fatalf("written as %x, then as %x", once, twice)
	}
	days := s.events[0]
	if len(days) != 2 || days[0].Events() != 2 || days[1].HighMillis != 86400_000 {
		t.Fatalf("days %+v", days)
	}
	for n := range once {
		if cut, err := decodeCatalog(once[:n], 0, ix.cache); err == nil && bytes.Equal(cut.appendCatalog(nil, 1), once) {
			t.Fatalf("%d of %d bytes make the whole catalog", n, len(once))
		}
	}
}

// FuzzDecodeCatalog reads anything without a panic, and writes what it can read so that it reads the same again.
func FuzzDecodeCatalog(f *testing.F) {
	ix := someIndex(f)
	v, release := ix.Pin()
	defer release()
	f.Add(v.shards[0].appendCatalog(nil, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeCatalog(data, 0, ix.cache)
		if err != nil {
			return
		}
		once := s.appendCatalog(nil, 1)
		again, err := decodeCatalog(once, 0, ix.cache)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if twice := again.appendCatalog(nil, 1); !bytes.Equal(once, twice) {
			t.Fatalf("written as %x, then as %x", once, twice)
		}
	})
}

// TestPinnedVersionOutlivesCheckpoints reads a version after others have replaced all that it is made of.
func TestPinnedVersionOutlivesCheckpoints(t *testing.T) {
	ix := someIndex(t)
	ix.cache.hot.budgetBytes = 1 // everything leaves memory
	old, release := ix.Pin()
	tag, _ := ix.Schema.Tag("vip")
	for position := uint64(2); position < 6; position++ {
		b := batch.NewBuilder(time.Unix(1_700_000_000, 0))
		b.Tag(0, batch.TagChange{CID: string(rune('a' + position)), Tag: "vip", TimeMillis: batch.NoTime})
		b.Event(1, batch.Event{CID: "a", Name: "open", TimeMillis: 5, OffsetMinutes: batch.NoOffset})
		done, _ := b.Finish()
		if err := ix.Apply([]*batch.Batch{done}, position); err != nil {
			t.Fatal(err)
		}
		if _, err := ix.Checkpoint(func(uint64) []BatchID { return nil }, 0); err != nil {
			t.Fatal(err)
		}
	}
	read := func(v *Version) (bearers, events int) {
		t.Helper()
		row, err := v.Tag(0, tag)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range v.EventDays(0, 0, -10, 10) {
			chunks, err := d.Chunks()
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range chunks {
				events += c.Len()
			}
		}
		return row.Count(), events
	}
	if bearers, events := read(old); bearers != 2 || events != 4 {
		t.Errorf("the old version has %d bearers and %d events", bearers, events)
	}
	release()
	now, release := ix.Pin()
	defer release()
	if bearers, events := read(now); bearers != 6 || events != 8 {
		t.Errorf("the newest version has %d bearers and %d events", bearers, events)
	}
}
