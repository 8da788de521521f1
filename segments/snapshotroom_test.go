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

	"golang.org/x/sys/unix"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// TestSnapshotTakesHalfOfTheRoom has a snapshot come due where it would take more than half of what is free beside the reserve: then
// none is made, Status says why, writes go on, and one is made once there is room.
func TestSnapshotTakesHalfOfTheRoom(t *testing.T) {
	const reserve, dueBytes = 64 << 20, 24 << 20
	disk := smallDisk(t, "400m")
	dir := filepath.Join(disk, "data")
	_, a := open(t, dir, segments.Options{CheckpointBytes: 2 << 20, SnapshotBytes: dueBytes, LogSegmentBytes: 1 << 20})
	written := 0
	status := func() segments.Status {
		t.Helper()
		_, err := a.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 3000 { // a day of its own for each batch, so that a checkpoint writes little
				b.Event(i, batch.Event{CID: fmt.Sprintf("%032x", i), Name: "open", TimeMillis: 1.5e12 + int64(written)*86_400_000 + int64(i), OffsetMinutes: batch.NoOffset,
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
	for status().LogBytes < dueBytes/16*15 {
	}
	ballast := filepath.Join(disk, "ballast")
	var fs unix.Statfs_t
	if err := unix.Statfs(disk, &fs); err != nil {
		t.Fatal(err)
	}
	// Half of what stays free is less than the snapshot that comes due takes; all of it is enough for what is written until then.
	if err := os.WriteFile(ballast, make([]byte, int64(fs.Bavail)*fs.Bsize-reserve-dueBytes/2*3), 0o600); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
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
	if left := files(t, dir, "snapshots/*"); len(left) > 0 {
		t.Errorf("a snapshot was made where there is no room: %v", left)
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
