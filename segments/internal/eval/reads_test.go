package eval

import (
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/index"
)

// saved returns an index with a few blocks of CIDs and 90 days of sales, all of it in the store, and no room in memory for any of it.
func saved(t *testing.T, cids int) *index.Index {
	t.Helper()
	ix := newIndexWith(t, 1)
	introduce(t, ix, cids)
	writeSales(t, func(build func(*batch.Builder) error) { write(t, ix, testDay+1, build) }, someSales(seeded(3), cids, 50_000, true))
	if _, err := ix.Checkpoint(func(uint64) []index.BatchID { return nil }, 0); err != nil {
		t.Fatal(err)
	}
	return ix
}

// TestReadsAreOnce holds that a query which finds nothing in memory, and can keep nothing there, reads each fragment once, however
// many blocks it goes over.
func TestReadsAreOnce(t *testing.T) {
	const cids = 300_000
	ix := saved(t, cids)
	for _, text := range []string{
		`did("buy" where category = "hats", within 5d)`, `sum("buy.amount", within 5d) > 3`, `count("buy" where size >= 0, within 5d) >= 2`,
		`did("buy", within 5d) and tag("known")`,
	} {
		e := envOf(t, ix)
		fragments := uint64(1) // the tag
		for _, d := range e.Version.EventDays(0, 0, testDay-4, testDay) {
			chunks, err := d.Chunks()
			if err != nil {
				t.Fatal(err)
			}
			fragments += 1 + uint64(len(chunks))
		}
		_, before := ix.CacheUse()
		if n, err := e.Count(t.Context(), parsed(t, text)); err != nil || n == 0 {
			t.Fatalf("%s: %d, %v", text, n, err)
		}
		if _, after := ix.CacheUse(); after-before > fragments {
			t.Errorf("%s reads %d fragments of %d", text, after-before, fragments)
		}
	}
}

// TestLateEventsReadBlocksOnce holds that a batch of events older than all that is known of their CIDs reads when a block was first heard
// of once, not for each event.
func TestLateEventsReadBlocksOnce(t *testing.T) {
	const cids = 300_000
	ix := saved(t, cids)
	r := seeded(4)
	ordinals, times := make([]uint32, 4000), make([]int64, 4000)
	for i := range ordinals {
		ordinals[i], times[i] = uint32(r.IntN(cids)), (testDay-1000)*dayMillis
	}
	_, before := ix.CacheUse()
	write(t, ix, testDay+1, func(b *batch.Builder) error {
		return b.EventColumns(0, batch.Events{Name: "late", CIDs: cidsOf(ordinals), TimesMillis: times})
	})
	const perBlock, blocks = 2, cids>>16 + 1 // to ask, and to change
	if _, after := ix.CacheUse(); after-before > perBlock*blocks {
		t.Errorf("%d fragments are read for %d blocks", after-before, blocks)
	}
}
