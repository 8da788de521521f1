package segments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"whowhen.dev/whowhen/segments/internal/index"
)

const (
	snapshotSuffix = ".snapshot"
	// keptSnapshots stay: were the newest damaged, the one before and the log since then would do.
	keptSnapshots = 2
)

func (a *App) snapshotDir() string { return filepath.Join(a.dir, "snapshots") }

func (a *App) snapshotPath(position uint64) string {
	return filepath.Join(a.snapshotDir(), fmt.Sprintf("%020d%s", position, snapshotSuffix))
}

// snapshots returns the positions of the snapshots there are, the newest first.
func snapshots(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var positions []uint64
	for _, e := range entries {
		if digits, ok := strings.CutSuffix(e.Name(), snapshotSuffix); ok {
			if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
				positions = append(positions, n)
			}
		}
	}
	slices.Sort(positions)
	slices.Reverse(positions)
	return positions, nil
}

func (a *App) hasSnapshot() bool { return a.lastSnapshotBytes() > 0 }

// lastSnapshotBytes returns the size of the newest snapshot, 0 when there is none.
func (a *App) lastSnapshotBytes() int64 {
	positions, err := snapshots(a.snapshotDir())
	if err != nil || len(positions) == 0 {
		return 0
	}
	info, err := os.Stat(a.snapshotPath(positions[0]))
	if err != nil {
		return 0
	}
	return info.Size()
}

// snapshotIfDue makes a snapshot of the saved index when the log has grown by SnapshotBytes, and by as much as
// the last snapshot takes, since that. Then the log before the older of the kept snapshots can go.
func (a *App) snapshotIfDue() error {
	grown := a.grownBytes.Load()
	if grown < max(a.options.SnapshotBytes, a.lastSnapshotBytes()) {
		return nil
	}
	if err := a.snapshot(); err != nil {
		return err
	}
	a.grownBytes.Add(-grown)
	return a.dropOld()
}

// snapshot writes the saved index to a file of its own, reads it back, and gives it its name.
//
// A crash before it has its name leaves a temporary file, which the next snapshot removes.
func (a *App) snapshot() error {
	if err := a.disk.room(a.store.Bytes()); err != nil {
		return err
	}
	if err := os.MkdirAll(a.snapshotDir(), 0o700); err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(a.snapshotDir(), "*.tmp"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	name := filepath.Join(a.snapshotDir(), "new.tmp")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	position, err := a.index.Snapshot(f)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = checkSnapshot(f, position)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	if err := os.Rename(name, a.snapshotPath(position)); err != nil {
		return err
	}
	a.logger.Info("snapshot made", "position", position)
	return syncDir(a.snapshotDir())
}

func checkSnapshot(f *os.File, want uint64) error {
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	position, _, err := index.ReadSnapshot(f, func(_, _ []byte) error { return nil })
	if err == nil && position != want {
		err = fmt.Errorf("snapshot: position %d, want %d", position, want)
	}
	return err
}

// dropOld removes snapshots beyond those kept, and the log that is before all of them.
func (a *App) dropOld() error {
	positions, err := snapshots(a.snapshotDir())
	if err != nil || len(positions) < keptSnapshots {
		return err
	}
	for _, position := range positions[keptSnapshots:] {
		if err := os.Remove(a.snapshotPath(position)); err != nil {
			return err
		}
	}
	return a.wal.Drop(positions[keptSnapshots-1] + 1)
}

// restoreSnapshot fills the empty store from the newest snapshot that is whole and that the log goes on from. It
// returns the position, 0 where no snapshot serves.
func (a *App) restoreSnapshot() (uint64, error) {
	positions, err := snapshots(a.snapshotDir())
	if err != nil {
		return 0, err
	}
	for _, position := range positions {
		if position > a.wal.Last() || position+1 < a.wal.First() {
			a.note("a snapshot does not fit the log and is passed over", "position", position)
			continue
		}
		f, err := os.Open(a.snapshotPath(position))
		if err == nil {
			err = checkSnapshot(f, position)
			if err == nil {
				if _, err = f.Seek(0, 0); err == nil {
					err = index.RestoreSnapshot(a.store, f, a.batchIDLeft)
				}
				if err != nil {
					f.Close()
					return 0, err // the store is neither empty nor whole
				}
			}
			f.Close()
		}
		if err == nil {
			return position, nil
		}
		a.note("a snapshot is damaged and is passed over", "position", position, "because", err)
	}
	return 0, nil
}

// batchIDLeft returns how long a stored batch id still counts.
func (a *App) batchIDLeft(_, value []byte) time.Duration {
	seen, err := decodeSeen(value)
	if err != nil {
		return 0
	}
	return batchIDTTL - time.Duration(a.options.Clock().UnixMilli()-seen.receivedMillis)*time.Millisecond
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
