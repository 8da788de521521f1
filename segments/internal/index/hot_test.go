package index

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/internal/store"
)

// stored returns rows that a store has and memory has not, and the cache that they come into memory by.
func stored(t *testing.T, n int, hot *Hot) ([]*rowFrag, *Cache) {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	cache := newCache(st, hot, func(err error) error { return err })
	w := st.Writer()
	rows := make([]*rowFrag, n)
	for i := range rows {
		var members []uint32
		for x := uint32(i); x < 20_000; x += 7 { // one dense block, 8 KiB
			members = append(members, x)
		}
		rows[i] = newRow(fragKey{kind: kindTag, field: uint32(i)}, bitmap.New(members))
		data, err := rows[i].encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Put(rows[i].key.bytes(1), data); err != nil {
			t.Fatal(err)
		}
		rows[i].generation.Store(1)
		rows[i].loaded.Store(nil)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return rows, cache
}

// ask is a query that uses some rows.
func ask(t *testing.T, cache *Cache, rows ...*rowFrag) {
	t.Helper()
	cache.hot.begin()
	r := cache.hot.epochs.Reader()
	defer r.Close()
	for _, f := range rows {
		r.Enter()
		for range bitmap.ShardBlocks { // as an evaluation does, block by block
			row, err := f.get(cache, bitmap.Decode)
			if err != nil {
				t.Fatal(err)
			}
			if !row.Has(f.key.field) || row.Has(f.key.field+1) {
				t.Fatalf("row %d has other members", f.key.field)
			}
		}
		r.Leave()
	}
}

const rowBytes = 8 << 10

// TestScanDoesNotDriveOut has a few rows asked for again and again while everything is read once.
func TestScanDoesNotDriveOut(t *testing.T) {
	hot := NewHot(57 * rowBytes) // a ninth of it for what has left
	rows, cache := stored(t, 400, hot)
	favourites, others := rows[:20], rows[20:]
	for range 3 {
		ask(t, cache, favourites...)
	}
	for from := 0; from < len(others); from += 38 {
		ask(t, cache, others[from:min(from+38, len(others))]...)
		if used, budget := hot.Usage(); used > budget {
			t.Fatalf("%d bytes in use, the budget is %d", used, budget)
		}
	}
	before := cache.misses.Load()
	ask(t, cache, favourites...)
	if misses := cache.misses.Load() - before; misses > 0 {
		t.Errorf("a scan of %d rows drove out %d of %d that are used again and again", len(others), misses, len(favourites))
	}
	// What nobody asks for any more makes room in time.
	for range 20 {
		ask(t, cache, others[:45]...)
	}
	before = cache.misses.Load()
	ask(t, cache, others[:45]...)
	if misses := cache.misses.Load() - before; misses > 5 {
		t.Errorf("%d of 45 rows that are asked for all the time are not in memory, where 50 have room", misses)
	}
}

// TestReplacedFragmentsLeaveTheQueues has checkpoints store fragments and replace them while the cache has room for all.
func TestReplacedFragmentsLeaveTheQueues(t *testing.T) {
	hot := NewHot(1 << 30)
	rows, cache := stored(t, 10, hot)
	ask(t, cache, rows...)
	for i := range 1000 {
		f := newRow(fragKey{kind: kindTag, field: 1}, bitmap.New([]uint32{1, 2, 3}))
		f.settle(uint64(i+1), cache)
		hot.drop([]anyFrag{f})
	}
	if n := hot.short.len() + hot.long.len(); n > 3*len(rows) {
		t.Errorf("%d fragments are in the queues, %d are in memory", n, len(rows))
	}
	before := cache.misses.Load()
	if ask(t, cache, rows...); cache.misses.Load() != before {
		t.Error("fragments that are in use left with those that were replaced")
	}
}

// TestFullCacheTakesIn has a query that stays in one epoch, as it does for a shard, ask for what a full cache does not have.
func TestFullCacheTakesIn(t *testing.T) {
	hot := NewHot(57 * rowBytes)
	rows, cache := stored(t, 100, hot)
	ask(t, cache, rows[:60]...)
	query := rows[60:66]
	hot.begin()
	r := hot.epochs.Reader()
	defer r.Close()
	r.Enter()
	defer r.Leave()
	for _, f := range query {
		if _, err := f.get(cache, bitmap.Decode); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range query {
		if !f.inMemory() {
			t.Errorf("row %d is not in memory", f.key.field)
		}
	}
	if used, budget := hot.Usage(); used > budget {
		t.Errorf("%d bytes in use, the budget is %d", used, budget)
	}
}

// TestHotAgainstStore asks for rows at random with budgets of all sizes, and holds what is in use against the budget.
func TestHotAgainstStore(t *testing.T) {
	hot := NewHot(1)
	rows, cache := stored(t, 60, hot)
	rapid.Check(t, func(r *rapid.T) {
		hot.mu.Lock()
		hot.budgetBytes = rapid.SampledFrom([]int64{0, rowBytes - 1, 4 * rowBytes, 10 * rowBytes, 1 << 30}).Draw(r, "budget")
		hot.mu.Unlock()
		for range rapid.IntRange(1, 10).Draw(r, "queries") {
			from := rapid.IntRange(0, len(rows)-1).Draw(r, "from")
			ask(t, cache, rows[from:min(len(rows), from+rapid.IntRange(1, 30).Draw(r, "rows"))]...)
		}
		if rapid.Bool().Draw(r, "drop") {
			hot.drop([]anyFrag{rows[3], rows[4]})
		}
		if rapid.IntRange(0, 9).Draw(r, "forget") == 0 {
			hot.forget(cache)
			if used, _ := hot.Usage(); used != 0 {
				r.Fatalf("%d bytes in use by an app that was forgotten", used)
			}
		}
		hot.mu.Lock()
		hot.drain() // of what left while it was read
		hot.mu.Unlock()
		resident := int64(0)
		for _, f := range rows {
			if p := f.loaded.Load(); p != nil {
				resident += int64(memory.RoundUp(len(p.memory)))
			}
		}
		if used, _ := hot.Usage(); used != resident {
			r.Fatalf("%d bytes in use, the rows in memory have %d", used, resident)
		}
	})
}

// TestReadersAndEviction has readers at work on rows that are driven out all the time: under the race detector memory is
// overwritten when it is freed.
func TestReadersAndEviction(t *testing.T) {
	hot := NewHot(8 * rowBytes)
	rows, cache := stored(t, 40, hot)
	var done atomic.Bool
	var readers sync.WaitGroup
	for g := range 3 {
		readers.Go(func() {
			reader := hot.epochs.Reader()
			defer reader.Close()
			for i := g; !done.Load(); i++ {
				hot.begin()
				reader.Enter()
				f := rows[i*7%len(rows)]
				row, err := f.get(cache, bitmap.Decode)
				if err != nil {
					t.Error(err)
				} else if n := row.Block(0).Count(); len(row.Block(0).Members(nil)) != n {
					t.Errorf("row %d has %d members, its count is %d", f.key.field, len(row.Block(0).Members(nil)), n)
				}
				reader.Leave()
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	done.Store(true)
	readers.Wait()
	if hits, misses := cache.hits.Load(), cache.misses.Load(); misses < 40 || hits == 0 {
		t.Errorf("%d hits and %d misses: too little went on for the test to say anything", hits, misses)
	}
}

func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var want []int
		next := 0
		for _, push := range rapid.SliceOf(rapid.Bool()).Draw(t, "steps") {
			if push {
				next++
				q.push(resident{bytes: next})
				want = append(want, next)
				continue
			}
			r, ok := q.pop()
			if ok != (len(want) > 0) || ok && r.bytes != want[0] {
				t.Fatalf("popped %d, %v; want %v", r.bytes, ok, want)
			}
			if ok {
				want = slices.Delete(want, 0, 1)
			}
		}
		sum := 0
		for _, n := range want {
			sum += n
		}
		if q.len() != len(want) || q.bytes != int64(sum) {
			t.Fatalf("%d in the queue with %d bytes, want %d with %d", q.len(), q.bytes, len(want), sum)
		}
	})
}
