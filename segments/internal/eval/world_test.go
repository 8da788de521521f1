package eval

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/store"
)

// testDay is the newest day of test data, in UTC.
const testDay = 20_000

const dayMillis = 24 * 3600 * 1000

// newIndex returns an empty index.
func newIndex(t testing.TB) *index.Index {
	t.Helper()
	return newIndexWith(t, 1<<30)
}

// newIndexWith returns an empty index whose cache has a budget.
func newIndexWith(t testing.TB, cacheBytes int64) *index.Index {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ix, err := index.New(st, time.UTC, index.NewHot(cacheBytes), func(err error) error { return err })
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// write adds what build puts in a batch that comes in when a day begins.
func write(t testing.TB, ix *index.Index, day int64, build func(b *batch.Builder) error) {
	t.Helper()
	b := batch.NewBuilder(time.UnixMilli(day * dayMillis))
	if err := build(b); err != nil {
		t.Fatal(err)
	}
	done, rejects := b.Finish()
	if len(rejects) > 0 {
		t.Fatalf("%d rejects, the first is %+v", len(rejects), rejects[0])
	}
	if err := ix.Apply([]*batch.Batch{done}, ix.Position()+1); err != nil {
		t.Fatal(err)
	}
}

// cidsOf returns the CIDs that have ordinals.
func cidsOf(ordinals []uint32) batch.CIDs {
	packed := make([]byte, 16*len(ordinals))
	for i, o := range ordinals {
		binary.LittleEndian.PutUint64(packed[16*i:], uint64(o)*0x9e3779b97f4a7c15)
	}
	return batch.CIDs{Packed: packed}
}

// introduce makes CIDs known in the order of their ordinals.
func introduce(t testing.TB, ix *index.Index, cids int) {
	t.Helper()
	for from := 0; from < cids; from += batch.MaxRecords {
		ordinals := make([]uint32, min(batch.MaxRecords, cids-from))
		for i := range ordinals {
			ordinals[i] = uint32(from + i)
		}
		write(t, ix, testDay-40, func(b *batch.Builder) error {
			return b.TagColumns(0, batch.Tags{Name: "known", CIDs: cidsOf(ordinals), Remove: make([]bool, len(ordinals))})
		})
	}
}

// envOf returns an Env over what the index holds now, at the end of the newest day.
func envOf(t testing.TB, ix *index.Index) *Env {
	t.Helper()
	v, release := ix.Pin()
	t.Cleanup(release)
	millis := int64(testDay+1)*dayMillis - 1
	return &Env{Pool: NewPool(), Version: v, Schema: ix.Schema, CIDs: ix.CIDs, Zone: time.UTC, AsOfSeconds: millis / 1000, AsOfDay: testDay, NowMillis: millis, Today: testDay}
}

func parsed(t testing.TB, text string) expr.Node {
	t.Helper()
	n, err := expr.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// holdsFor returns for whom of the first cids an expression holds.
func holdsFor(t testing.TB, e *Env, text string, cids int) []bool {
	t.Helper()
	ordinals := make([]uint32, cids)
	for i := range ordinals {
		ordinals[i] = uint32(i)
	}
	holds, err := e.Contains(t.Context(), parsed(t, text), ordinals)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return holds
}

func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 0)) }
