//go:build linux

package segments_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// TestSnapshotTakesHalfOfTheRoom writes until a snapshot would take more than half of what is free beside the reserve: then
// none is made, Status says why, writes go on, and one is made once there is room.
func TestSnapshotTakesHalfOfTheRoom(t *testing.T) {
	disk := smallDisk(t, "300m")
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 140<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(disk, "data")
	_, a := open(t, dir, segments.Options{CheckpointBytes: 1 << 20, SnapshotBytes: 1 << 20, LogSegmentBytes: 1 << 20})
	written := 0
	status := func() segments.Status {
		t.Helper()
		_, err := a.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 3000 {
				b.Event(i, batch.Event{CID: fmt.Sprintf("%032x", i), Name: "open", TimeMillis: 1.7e12 + int64(written*3000+i), OffsetMinutes: batch.NoOffset,
					ID: fmt.Sprint(written) + strings.Repeat("i", 110)})
			}
			return nil
		}})
		if err != nil {
			t.Fatalf("after %d batches: %v", written, err)
		}
		written++
		s, err := a.Status()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if s := status(); s.WhyNoSnapshot != "" {
			if !s.Writable || !strings.Contains(s.WhyNoSnapshot, disk) {
				t.Errorf("writable %v, no snapshot because %q", s.Writable, s.WhyNoSnapshot)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d batches, and every snapshot found room", written)
		}
	}
	if left := files(t, dir, "snapshots/*"); len(left) > 1 {
		t.Errorf("the older snapshot is kept where there is no room: %v", left)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); status().WhyNoSnapshot != ""; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there is room, and no snapshot is made")
		}
	}
	t.Logf("%d batches", written)
}
