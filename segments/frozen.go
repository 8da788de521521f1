package segments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"whowhen.dev/whowhen/segments/log"
)

// Snapshot makes a snapshot of what is visible now, unless the newest one is that, and returns its file. It waits until that is saved. The file is
// there until two newer snapshots have been made.
func (a *App) Snapshot(ctx context.Context) (path string, position uint64, err error) {
	wanted := a.index.Position()
	for a.saved.Load() < wanted {
		if err := errors.Join(a.whyBroken(), a.whyUnsaved()); err != nil {
			return "", 0, err
		}
		select {
		case a.save <- struct{}{}:
		default:
		}
		select {
		case <-ctx.Done():
			return "", 0, ctx.Err()
		case <-a.stop:
			return "", 0, &Error{Reason: Closed, Message: "the app is being closed", Retryable: true}
		case <-time.After(20 * time.Millisecond):
		}
	}
	done := make(chan error, 1)
	select {
	case a.snapshotAsked <- done:
	case <-ctx.Done():
		return "", 0, ctx.Err()
	case <-a.stop:
		return "", 0, &Error{Reason: Closed, Message: "the app is being closed", Retryable: true}
	}
	select {
	case err := <-done:
		if err != nil {
			return "", 0, err
		}
	case <-ctx.Done():
		return "", 0, ctx.Err()
	}
	positions, err := snapshots(a.snapshotDir())
	if err != nil || len(positions) == 0 {
		return "", 0, errors.Join(errors.New("the snapshot is gone"), err)
	}
	return a.snapshotPath(positions[0]), positions[0], nil
}

// snapshotNow makes a snapshot of what is saved, unless there is one.
func (a *App) snapshotNow() error {
	positions, err := snapshots(a.snapshotDir())
	if err != nil {
		return err
	}
	if len(positions) > 0 && positions[0] == a.saved.Load() {
		return nil
	}
	err = a.makeSnapshot(a.grownBytes.Load(), false)
	if err == nil {
		a.setNoSnapshot(nil)
	}
	return err
}

// OpenSnapshot opens a Home whose default app is what a snapshot holds, restored into a directory of its own, scratch, which should be empty and
// is to be removed after Close. The snapshot's file lies where its app keeps it, in a folder beside app.json, which tells the zone; it is only
// read. It takes about as much room in scratch as the snapshot has bytes.
func OpenSnapshot(ctx context.Context, path, scratch string, o Options) (*Home, error) {
	unusable := func(err error) error {
		return &Error{Reason: DirectoryUnusable, Message: path + " is not a snapshot of an app", Err: bare(err)}
	}
	digits, named := strings.CutSuffix(filepath.Base(path), snapshotSuffix)
	position, err := strconv.ParseUint(digits, 10, 64)
	if !named || err != nil {
		return nil, unusable(fmt.Errorf("its name is not a position and %s", snapshotSuffix))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unusable(err)
	}
	err = checkSnapshot(f, position)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, unusable(err)
	}
	m, err := readMeta(filepath.Dir(filepath.Dir(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unusable(fmt.Errorf("%s, which tells the app's zone, is not two folders above it", metaFile))
	}
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(scratch, "apps", DefaultApp)
	if err := writeMeta(dir, m); err != nil {
		return nil, err
	}
	wal, _, err := log.Open(filepath.Join(dir, "log"), log.Options{First: position + 1})
	if err != nil {
		return nil, err
	}
	if err := wal.Close(); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	kept := filepath.Join(dir, "snapshots")
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return nil, err
	}
	if err := os.Symlink(absolute, filepath.Join(kept, filepath.Base(path))); err != nil {
		return nil, err
	}
	h, err := OpenHome(scratch, o)
	if err != nil {
		return nil, err
	}
	app, err := h.App(DefaultApp)
	if err == nil && app.index.Position() != position {
		err = unusable(fmt.Errorf("it was restored as of position %d", app.index.Position()))
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}
