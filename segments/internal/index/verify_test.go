package index

import (
	"context"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/value"
)

// sample returns an index with something of everything, none of it saved.
func sample(t *testing.T) *Index {
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
	b := batch.NewBuilder(time.Unix(2e9, 0))
	for i, cid := range []string{"a", "b", "c", "a", "a"} {
		b.Event(i, batch.Event{CID: cid, Name: "open", TimeMillis: 1e12, OffsetMinutes: batch.NoOffset, Properties: []batch.Named{{Name: "kind", Value: value.Text(cid)}}})
		b.Tag(i, batch.TagChange{CID: cid, Tag: "vip", TimeMillis: batch.NoTime, ExpiresMillis: 3e12})
		b.Profile(i, batch.ProfileChange{CID: cid, TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "city", Value: value.Text(cid)}}})
	}
	full, rejects := b.Finish()
	if len(rejects) > 0 {
		t.Fatal(rejects)
	}
	if err := ix.Apply([]*batch.Batch{full}, 1); err != nil {
		t.Fatal(err)
	}
	return ix
}

func problems(t *testing.T, ix *Index) []string {
	t.Helper()
	var all []string
	if err := ix.Verify(context.Background(), func(p string) { all = append(all, p) }, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVerifySoundIndex(t *testing.T) {
	ix := sample(t)
	if all := problems(t, ix); len(all) > 0 {
		t.Fatal(all)
	}
	if _, err := ix.Checkpoint(func(uint64) []BatchID { return nil }, 0); err != nil {
		t.Fatal(err)
	}
	if all := problems(t, ix); len(all) > 0 {
		t.Fatal(all)
	}
}

// TestVerifyFindsContradictions breaks one invariant at a time.
func TestVerifyFindsContradictions(t *testing.T) {
	cells := func(n int, data int64) *column.Block {
		var changes []column.Change
		for i := range n {
			changes = append(changes, column.Change{At: uint16(i), Set: true, Cell: column.Cell{Data: data}})
		}
		return (&column.Block{}).Apply(changes)
	}
	for _, c := range []struct {
		name  string
		smash func(s *shard)
		says  string
	}{
		{"row without its event", func(s *shard) {
			d := s.events[0][0]
			d.presence = newRow(d.presence.key, bitmap.New([]uint32{0, 1}))
		}, "2 CIDs in the row, 3 in the chunks"},
		{"counts too few", func(s *shard) { s.events[0][0].planes = s.events[0][0].planes[:1] }, "1 events in the rows, 3 in the chunks"},
		{"row of strangers", func(s *shard) { s.tags[0].row = newRow(s.tags[0].row.key, bitmap.New([]uint32{0, 1, 2, 9})) }, "member 9 is nobody"},
		{"expiry without tag", func(s *shard) { s.tags[0].row = newRow(s.tags[0].row.key, bitmap.New([]uint32{0, 1})) }, "has an expiry but not the tag"},
		{"wrong count in the catalog", func(s *shard) { s.tags[0].row.count = 7 }, "the catalog says 7"},
		{"code without string", func(s *shard) { s.attributes[0][0] = newColumn(s.attributes[0][0].key, cells(3, 99)) }, "no valid string: 99"},
		{"heard of too late", func(s *shard) { s.heard[0] = newColumn(s.heard[0].key, cells(3, 4e9)) }, "had not been heard of by then"},
		{"heard of never", func(s *shard) { s.heard[0] = newColumn(s.heard[0].key, cells(2, 0)) }, "of 2 CIDs when they were first heard of, there are 3"},
		{"event of another day", func(s *shard) {
			d := s.events[0][0]
			d.chunks[0] = newChunk(d.chunks[0].key, column.NewChunk(&column.Rows{Ordinals: []uint32{0, 0, 0, 1, 2}, Offsets: []int64{1e9, 0, 0, 0, 0}}))
		}, "belongs to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ix := sample(t)
			c.smash(ix.current.shards[0])
			all := problems(t, ix)
			for _, p := range all {
				if strings.Contains(p, c.says) {
					return
				}
			}
			t.Fatalf("found %q", all)
		})
	}
}
