package segments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/store"
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
// the last snapshot takes, since that. Then the log before the older of the kept snapshots can go. Where something is
// kept for a time only, there is one every day, so that log and snapshots do not keep it for ever.
//
// Where none can be made, the log stays as it is: operators are told, Status says why, and it is tried again later.
func (a *App) snapshotIfDue() {
	grown, owed := a.grownBytes.Load(), a.snapshotOwed()
	if grown < max(a.options.SnapshotBytes, a.lastSnapshotBytes()) && !owed || time.Since(a.snapshotFailed) < time.Minute {
		return
	}
	err := a.makeSnapshot(grown, owed)
	switch {
	case err == nil:
	case errors.Is(err, errNoRoom):
		if a.whyNoSnapshot() == nil {
			a.logger.Warn("no snapshot is made, so that the log cannot be shortened; it is tried again with each checkpoint", "cause", err)
		}
	default:
		a.snapshotFailed = time.Now()
		a.logger.Error("no snapshot could be made, so that the log cannot be shortened; it is tried again in a minute", "cause", err)
	}
	a.setNoSnapshot(err)
}

// makeSnapshot makes a snapshot if there is room for it, and drops what is not needed any more then.
func (a *App) makeSnapshot(grown int64, owed bool) error {
	positions, err := snapshots(a.snapshotDir())
	if err == nil {
		err = a.roomForSnapshot()
	}
	if err == nil {
		err = a.snapshot()
	}
	if err == nil {
		a.grownBytes.Add(-grown)
		again := len(positions) > 0 && positions[0] == a.saved.Load()
		err = a.dropOld(owed, again)
	}
	if damage := new(store.DamageError); errors.As(err, &damage) || errors.Is(err, store.ErrMissing) {
		err = a.indexDamaged(err)
	}
	return err
}

// snapshotOwed says whether the newest snapshot, or the log where there is none, may have held for a day what is to be
// kept for a time only.
func (a *App) snapshotOwed() bool {
	if len(a.Retentions()) == 0 {
		return false
	}
	now, since := a.options.Clock(), a.created
	if positions, err := snapshots(a.snapshotDir()); err == nil && len(positions) > 0 {
		if info, err := os.Stat(a.snapshotPath(positions[0])); err == nil {
			since = info.ModTime()
		}
	}
	return now.Sub(since) > owedAfter
}

const owedAfter = 24 * time.Hour

// roomForSnapshot sees that a snapshot takes at most half of what is free beside the reserve. If need be it removes the
// older of two snapshots.
func (a *App) roomForSnapshot() error {
	live, err := a.index.StoredBytes() // about what a snapshot takes
	if err != nil {
		return err
	}
	err = a.disk.half(live)
	positions, listErr := snapshots(a.snapshotDir())
	if err == nil || listErr != nil || len(positions) < 2 {
		return err
	}
	f, openErr := os.Open(a.snapshotPath(positions[0]))
	if openErr != nil {
		return err
	}
	defer f.Close()
	if checkSnapshot(f, positions[0]) != nil {
		return err // the older one may be needed yet
	}
	for _, position := range positions[1:] {
		if err := os.Remove(a.snapshotPath(position)); err != nil {
			return err
		}
	}
	a.logger.Warn("the older snapshot was removed to make room for the next one", "position", positions[1])
	return a.disk.half(live)
}

// snapshot writes the saved index to a file of its own, reads it back, and gives it its name.
//
// A crash before it has its name leaves a temporary file, which the next snapshot removes.
func (a *App) snapshot() error {
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
	position, err := a.index.Snapshot(&roomyWriter{file: f, disk: a.disk})
	if errors.Is(err, syscall.ENOSPC) {
		err = fmt.Errorf("%w: %w", errNoRoom, err)
	}
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

// roomyWriter writes as long as there is room beside the reserve.
type roomyWriter struct {
	file  *os.File
	disk  *disk
	bytes int64 // that may be written before it has to ask again
}

func (w *roomyWriter) Write(p []byte) (int, error) {
	const step = 8 << 20
	if w.bytes -= int64(len(p)); w.bytes < 0 {
		if err := w.disk.room(step + int64(len(p))); err != nil {
			return 0, err
		}
		w.bytes = step
	}
	return w.file.Write(p)
}

func checkSnapshot(f io.ReadSeeker, want uint64) error {
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	position, _, err := index.ReadSnapshot(f, func(_, _ []byte) error { return nil })
	if err == nil && position != want {
		err = fmt.Errorf("snapshot: position %d, want %d", position, want)
	}
	return err
}

// dropOld removes snapshots beyond those kept, and the log that is before all of them. When something is owed to
// retention, the log's newest file is ended, so that it can go with the next snapshot; and where the newest snapshot was
// made again, since nothing was written meanwhile, the older one goes.
func (a *App) dropOld(owed, again bool) error {
	positions, err := snapshots(a.snapshotDir())
	if err != nil || len(positions) == 0 {
		return err
	}
	kept := keptSnapshots
	if owed {
		if again {
			kept = 1
		}
		if err := a.disk.room(1 << 20); err == nil {
			if err := a.wal.Roll(); err != nil {
				return err
			}
		}
	}
	if len(positions) < kept {
		return nil
	}
	for _, position := range positions[kept:] {
		if err := os.Remove(a.snapshotPath(position)); err != nil {
			return err
		}
	}
	return a.wal.Drop(positions[kept-1] + 1)
}

// restoreSnapshot fills the empty store from the newest snapshot that is whole and that the log goes on from. It
// returns the position, 0 where no snapshot serves.
func (a *App) restoreSnapshot(ctx context.Context) (uint64, error) {
	positions, err := snapshots(a.snapshotDir())
	if err != nil {
		return 0, err
	}
	for _, position := range positions {
		if position > a.wal.Last() || position+1 < a.wal.First() {
			a.note("a snapshot does not fit the log and is passed over", "position", position)
			continue
		}
		usable, err := a.restoreFrom(ctx, position)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err == nil:
			return position, nil
		case usable:
			return 0, err // the store is neither empty nor whole
		}
		a.note("a snapshot is damaged and is passed over", "position", position, "because", err)
	}
	return 0, nil
}

// restoreFrom fills the empty store from a snapshot, if that is usable: whole, and of the position it has by its name.
func (a *App) restoreFrom(ctx context.Context, position uint64) (usable bool, err error) {
	f, err := os.Open(a.snapshotPath(position))
	if err != nil {
		return false, err
	}
	defer f.Close()
	counted, err := a.progress.reading(ctx, f)
	if err != nil {
		return false, err
	}
	a.progress.begin(fmt.Sprintf("checking the snapshot of position %d", position))
	if err := checkSnapshot(counted, position); err != nil {
		return false, err
	}
	a.progress.begin(fmt.Sprintf("restoring the snapshot of position %d", position))
	if _, err := counted.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	return true, index.RestoreSnapshot(a.store, counted)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
