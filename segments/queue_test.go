package segments

import (
	"context"
	"errors"
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
