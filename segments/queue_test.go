package segments

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/batch"
)

// TestFullQueuePushesBack holds that a Write waits while as many records as may be are taken and not visible, writes
// nothing when its caller gives up, and goes on when there is room.
func TestFullQueuePushesBack(t *testing.T) {
	home, err := OpenHome(t.TempDir(), Options{QueueRecords: batch.MaxRecords})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	a, err := home.App("")
	if err != nil {
		t.Fatal(err)
	}
	request := WriteRequest{Build: func(b *batch.Builder) error {
		b.Event(0, batch.Event{CID: "a", Name: "open", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
		return nil
	}}
	if err := a.room.Acquire(context.Background(), batch.MaxRecords); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Write(ctx, request); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a full queue answered %v", err)
	}
	if last := a.wal.Last(); last != 0 {
		t.Fatalf("the log is at position %d", last)
	}
	a.room.Release(batch.MaxRecords)
	if result, err := a.Write(context.Background(), request); err != nil || result.Position != 1 {
		t.Fatalf("with room again: %+v, %v", result, err)
	}
}

// TestLagIsBounded holds the applier while writers go on: no more records are acknowledged and not visible than the queue
// takes, and all of them are visible once the applier goes on.
func TestLagIsBounded(t *testing.T) {
	const writers, each = 4, 5000
	home, err := OpenHome(t.TempDir(), Options{QueueRecords: batch.MaxRecords})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	a, err := home.App("")
	if err != nil {
		t.Fatal(err)
	}
	held := make(chan error) // the applier waits for its answer to be taken
	a.sweeps <- held
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var acknowledged, position atomic.Uint64
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for {
				inTime, enough := context.WithTimeout(ctx, 200*time.Millisecond)
				result, err := a.Write(inTime, WriteRequest{Build: func(b *batch.Builder) error {
					for i := range each {
						b.Event(i, batch.Event{CID: "a", Name: "open", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
					}
					return nil
				}})
				enough()
				if err != nil {
					return
				}
				acknowledged.Add(each)
				for known := position.Load(); known < result.Position && !position.CompareAndSwap(known, result.Position); known = position.Load() {
				}
			}
		})
	}
	writing.Wait()
	if n := acknowledged.Load(); n == 0 || n > batch.MaxRecords {
		t.Errorf("%d records were acknowledged and not visible; the queue takes %d", n, batch.MaxRecords)
	}
	if at := a.index.Position(); at != 0 {
		t.Errorf("position %d became visible while the applier was held", at)
	}
	if err := <-held; err != nil {
		t.Fatal(err)
	}
	v, err := a.View(ctx, ReadOptions{AtLeastPosition: position.Load()})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
}
