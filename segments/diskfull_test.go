//go:build linux

package segments_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// smallDisk mounts a file system of so many bytes, or skips the test where that is not allowed.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted (root is needed): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDisk fills a disk with writes, checkpoints and snapshots until no more are taken, makes room, and goes on.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t, "200m")
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 60<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(disk, "data")
	options := segments.Options{CheckpointBytes: 1 << 20, SnapshotBytes: 1 << 40}
	home, a := open(t, dir, options)
	written := 0
	write := func() error {
		_, err := a.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 3000 {
				b.Event(i, batch.Event{CID: strings.Repeat("x", 60) + string(rune('a'+i%26)), Name: "open",
					TimeMillis: 1.7e12 + int64(written*3000+i), OffsetMinutes: batch.NoOffset, ID: strings.Repeat("i", 120)})
			}
			return nil
		}})
		if err == nil {
			written++
		}
		return err
	}
	fillUp := func() {
		t.Helper()
		for {
			err := write()
			if err == nil {
				continue
			}
			known := new(segments.Error)
			if !errors.As(err, &known) || known.Reason != segments.DiskFull || !known.Retryable || !strings.Contains(err.Error(), "bytes free") {
				t.Fatalf("after %d batches: %v", written, err)
			}
			return
		}
	}
	check := func() {
		t.Helper()
		var v *segments.View
		for wait := 0; v == nil; wait++ { // under the race detector the applier needs more than one call's patience
			var err error
			known := new(segments.Error)
			v, err = a.View(context.Background(), segments.ReadOptions{AtLeastPosition: uint64(written)})
			if err != nil && (wait == 20 || !errors.As(err, &known) || known.Reason != segments.PositionNotReached) {
				t.Fatal(err)
			}
		}
		defer v.Close()
		n, err := v.Count(context.Background(), parsed(t, `everyone`))
		if err != nil || n != 26 || v.Position() != uint64(written) {
			t.Fatalf("%d CIDs at position %d, want 26 at %d: %v", n, v.Position(), written, err)
		}
	}
	fillUp()
	if written == 0 {
		t.Fatal("nothing was written")
	}
	check()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	made := time.Now()
	for write() != nil {
		if time.Since(made) > 5*time.Second {
			t.Fatal("writes did not go on within 5 s of the room made")
		}
		time.Sleep(10 * time.Millisecond)
	}
	fillUp()
	check()
	if err := home.Close(); err != nil && !strings.Contains(err.Error(), "no room") {
		t.Fatal(err)
	}
	home, a = open(t, dir, options)
	check()
	if err := home.Close(); err != nil && !strings.Contains(err.Error(), "no room") {
		t.Fatal(err)
	}
}
