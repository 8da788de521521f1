package segments_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// TestReadersAndWriters has many write and many read, while the index is saved and dropped from memory all the
// time. Each batch brings the same number of CIDs, and must be seen whole.
func TestReadersAndWriters(t *testing.T) {
	const writers, readers, perBatch = 4, 3, 7
	batches := 60
	if testing.Short() {
		batches = 15
	}
	w := plainWorld(t, "Europe/London", "2024-03-05T10:00:00Z", segments.Options{CheckpointBytes: 1, CacheBytes: 1})
	w.mustWrite(events("open", "first ", perBatch))
	ctx := context.Background()
	everyone, did, counted := parsed(t, "everyone"), parsed(t, `did("open", within 3d)`), parsed(t, `count("open" where n >= 0) >= 1`)

	pinned := w.view(time.Time{})
	defer pinned.Close()
	before := selected(t, pinned, everyone)

	var writing, reading sync.WaitGroup
	var written atomic.Bool
	for i := range writers {
		writing.Go(func() {
			for k := range batches {
				r := events("open", fmt.Sprintf("%d %d ", i, k), perBatch)
				result, err := w.app.Write(ctx, r)
				if err != nil {
					t.Error(err)
					return
				}
				v, err := w.app.View(ctx, segments.ReadOptions{AtLeastPosition: result.Position})
				if err != nil {
					t.Error(err)
					return
				}
				own, err := v.Contains(ctx, did, []string{fmt.Sprintf("%d %d 0", i, k), fmt.Sprintf("%d %d %d", i, k, perBatch-1)})
				v.Close()
				if err != nil || !own[0] || !own[1] {
					t.Errorf("position %d was reached and the batch is not there: %v %v", result.Position, own, err)
				}
			}
		})
	}
	for range readers {
		reading.Go(func() {
			position, last := uint64(0), uint64(0)
			for !written.Load() {
				v, err := w.app.View(ctx, segments.ReadOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				all, err := v.Count(ctx, everyone)
				some, err2 := v.Count(ctx, did)
				if err != nil || err2 != nil {
					t.Error(err, err2)
				}
				if all%perBatch != 0 || some != all {
					t.Errorf("%d CIDs, of whom %d did: half a batch", all, some)
				}
				if v.Position() < position || all < last || v.Position() == position && all != last {
					t.Errorf("position %d after %d, %d CIDs after %d", v.Position(), position, all, last)
				}
				position, last = v.Position(), all
				if _, err := v.Count(ctx, counted); err != nil {
					t.Error(err)
				}
				v.Close()
			}
		})
	}
	reading.Go(func() { // a slow reader of one version
		for !written.Load() {
			var slowly []string
			selection, err := pinned.Select(ctx, everyone, 0)
			if err != nil {
				t.Error(err)
				return
			}
			err = selection.Each(func(cids *batch.CIDs) error {
				for i := range cids.Len() {
					slowly = append(slowly, cids.At(i))
				}
				time.Sleep(5 * time.Millisecond)
				return nil
			})
			if err != nil || !slices.Equal(slowly, before) {
				t.Errorf("a pinned version has %d CIDs, at first %d: %v", len(slowly), len(before), err)
			}
			if n, err := pinned.Count(ctx, did); err != nil || n != perBatch {
				t.Errorf("a pinned version counts %d, at first %d: %v", n, perBatch, err)
			}
		}
	})
	writing.Wait()
	written.Store(true)
	reading.Wait()
	status, err := w.app.Status()
	if err != nil {
		t.Fatal(err)
	}
	w.position = status.DurablePosition
	if n := w.count("everyone", time.Time{}); n != (writers*uint64(batches)+1)*perBatch {
		t.Errorf("%d CIDs, want %d", n, (writers*batches+1)*perBatch)
	}
	for deadline := time.Now().Add(20 * time.Second); status.CheckpointPosition == 0; time.Sleep(time.Millisecond) {
		if status, err = w.app.Status(); err != nil || time.Now().After(deadline) {
			t.Fatal("no checkpoint came", err)
		}
	}
}
