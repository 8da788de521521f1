package index

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/value"
)

// someBulk describes two shards, the second with a few CIDs. Every third ordinal has everything.
func someBulk() *Bulk {
	const cids = bitmap.ShardOrdinals + 100
	thirds := func(first, n int, f func(i int)) {
		for i := (3 - first%3) % 3; i < n; i += 3 {
			f(i)
		}
	}
	inBlock := func(block int) int { return max(0, min(bitmap.BlockOrdinals, cids-block*bitmap.BlockOrdinals)) }
	return &Bulk{
		CIDs: cids,
		CID: func(ordinal uint32) (cid [16]byte) {
			binary.BigEndian.PutUint32(cid[:], ordinal)
			return cid
		},
		HeardSecond: 86400,
		Tags:        []string{"third", "nobody's"},
		Numbers:     []string{"ordinal"},
		Events:      []BulkEvent{{Name: "open", Props: []BulkProp{{Name: "kind", Strings: []string{"x", "y"}}}}, {Name: "never"}},
		Days:        []int32{10, 11},
		TagWords: func(tag, block int, words *bitmap.Words) {
			words.Clear()
			if tag == 0 {
				thirds(block*bitmap.BlockOrdinals, inBlock(block), func(i int) { words.Set(uint16(i)) })
			}
		},
		Values: func(_, block int, values []int64, present *bitmap.Words) {
			present.Clear()
			thirds(block*bitmap.BlockOrdinals, inBlock(block), func(i int) {
				present.Set(uint16(i))
				values[i] = int64(block*bitmap.BlockOrdinals + i)
			})
		},
		Rows: func(event int, day int32, shard int) *column.Rows {
			rows := &column.Rows{Props: []column.RowsProp{{}}}
			if event == 1 {
				return rows
			}
			first := shard * bitmap.ShardOrdinals
			thirds(first, min(bitmap.ShardOrdinals, cids-first), func(i int) {
				for range day - 9 { // once on the first day, twice on the second
					rows.Ordinals, rows.Offsets = append(rows.Ordinals, uint32(i)), append(rows.Offsets, 5000)
					rows.Props[0].Kinds, rows.Props[0].Data = append(rows.Props[0].Kinds, value.String), append(rows.Props[0].Data, int64(i%2))
				}
			})
			return rows
		},
	}
}

func emptyStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// TestBulk builds an index, reads it back and holds its parts against each other.
func TestBulk(t *testing.T) {
	b, st := someBulk(), emptyStore(t)
	var steps []int
	if err := BuildBulk(t.Context(), st, b, func(done, _ int) { steps = append(steps, done) }); err != nil {
		t.Fatal(err)
	}
	const batchesOfCIDs = 17
	if parts := batchesOfCIDs + 2*(2*2+1+2+1); len(steps) != parts || steps[parts-1] != parts || !slices.IsSorted(steps) {
		t.Errorf("steps %d, want those of %d parts", steps, parts)
	}
	ix, err := New(st, time.UTC, NewHot(64<<20), func(err error) error { return err })
	if err != nil {
		t.Fatal(err)
	}
	if err := ix.Verify(t.Context(), func(problem string) { t.Error(problem) }, func(_, _ int) {}); err != nil {
		t.Fatal(err)
	}
	v, release := ix.Pin()
	defer release()
	const third = (bitmap.ShardOrdinals + 100 + 2) / 3
	events, first, last := v.EventCount(0, 0)
	if v.Position != 0 || v.CIDs != b.CIDs || v.TagCount(0) != third || v.TagCount(1) != 0 || v.AttributeCount(0) != third || events != 3*third || first != 10 || last != 11 {
		t.Errorf("position %d, %d CIDs, %d with the tag, %d with the attribute, %d events from %d to %d", v.Position, v.CIDs, v.TagCount(0), v.AttributeCount(0), events, first, last)
	}
	if err := BuildBulk(t.Context(), st, b, func(_, _ int) {}); err == nil || !strings.Contains(err.Error(), "holds an index") {
		t.Errorf("a second time: %v", err)
	}
}

func TestBulkThatCannotBe(t *testing.T) {
	for want, change := range map[string]func(*Bulk){
		"two tags are called":       func(b *Bulk) { b.Tags[1] = b.Tags[0] },
		"two attributes are called": func(b *Bulk) { b.Numbers = append(b.Numbers, b.Numbers[0]) },
		"two events are called":     func(b *Bulk) { b.Events[1].Name = b.Events[0].Name },
		"two properties called":     func(b *Bulk) { b.Events[0].Props = append(b.Events[0].Props, b.Events[0].Props[0]) },
		`has "x" twice`:             func(b *Bulk) { b.Events[0].Props[0].Strings[1] = "x" },
		"ordinals 5 and 7 have": func(b *Bulk) {
			cid := b.CID
			b.CID = func(ordinal uint32) [16]byte {
				if ordinal == 7 {
					ordinal = 5
				}
				return cid(ordinal)
			}
		},
	} {
		b := someBulk()
		change(b)
		if err := BuildBulk(t.Context(), emptyStore(t), b, func(_, _ int) {}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestBulkIsGivenUp ends it in the second shard; the store then holds no index.
func TestBulkIsGivenUp(t *testing.T) {
	st := emptyStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := BuildBulk(ctx, st, someBulk(), func(done, all int) {
		if done > 17+(all-17)/2 {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("it went on")
	}
	ix, err := New(st, time.UTC, NewHot(1<<20), func(err error) error { return err })
	if err != nil || ix.newest().CIDs != 0 {
		t.Errorf("%v", err)
	}
}
