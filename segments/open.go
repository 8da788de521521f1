package segments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/log"
)

// open opens log and index and applies what the index lacks. An index that cannot be
// used is thrown away and built again, from the newest snapshot and the log.
//
// When ctx is done it ends soon, with an error, and leaves what was saved so far.
func (a *App) open(ctx context.Context) error {
	clean, err := takeCleanMark(a.dir)
	if err != nil {
		return fmt.Errorf("app %s: %w", a.name, err)
	}
	a.progress.begin("opening the log")
	wal, cut, err := log.Open(filepath.Join(a.dir, "log"), log.Options{SegmentBytes: a.options.LogSegmentBytes})
	if err != nil {
		return fmt.Errorf("app %s: %w", a.name, err)
	}
	a.wal = wal
	a.grownBytes.Store(wal.Bytes())
	if cut.File != "" {
		a.note("the unfinished end of the log was cut off, which nobody had been told was on disk", "file", cut.File, "offset", cut.Offset, "bytes", cut.Bytes)
	}
	if !clean {
		err = a.tryIndex(ctx)
	}
	if err == nil {
		err = a.openIndex(ctx, clean)
	}
	if err == nil && a.index.Position() == 0 && a.hasSnapshot() {
		err = fmt.Errorf("%w: it is empty, and a snapshot is not", errIndexGone)
	}
	if err == nil {
		err = a.replay(ctx)
	}
	corrupt := new(log.CorruptError)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errUnopened), errors.As(err, &corrupt), errors.Is(err, errNoRoom):
		return fmt.Errorf("app %s: %w", a.name, err)
	}
	a.note("the index is built again from the log", "because", err)
	if err := a.rebuild(ctx); err != nil {
		return fmt.Errorf("app %s: building the index from the log: %w", a.name, err)
	}
	return nil
}

// errUnopened says that the index could not be opened for a reason that building it again does not mend.
var errUnopened = errors.New("opening the index")

// errIndexGone says that there is no index, or one of another time, for the log to go on from.
var errIndexGone = errors.New("the index does not fit the log")

// rebuild makes the index anew, from the newest snapshot that serves and the log after it.
func (a *App) rebuild(ctx context.Context) error {
	a.admission.batches = nil
	if a.store != nil {
		err := a.store.Close()
		if stuck := new(store.StuckError); errors.As(err, &stuck) {
			return err
		}
		if err != nil {
			a.logger.Warn("closing the useless index", "cause", err)
		}
		a.store = nil
	}
	if err := store.Destroy(a.indexDir()); err != nil {
		return err
	}
	if err := a.openStore(ctx, reserveBytes); err != nil {
		return err
	}
	position, err := a.restoreSnapshot(ctx)
	if err != nil {
		return err
	}
	if position == 0 && a.wal.First() > 1 {
		return fmt.Errorf("the log begins with position %d and no snapshot before it can be used: restore the app from a backup", a.wal.First())
	}
	if err := a.readIndex(ctx); err != nil {
		return err
	}
	return a.replay(ctx)
}

// note tells operators of something that opening mended.
func (a *App) note(what string, args ...any) {
	a.logger.Warn(what, args...)
	if a.recovery != "" {
		a.recovery += "; "
	}
	a.recovery += what
	for i := 0; i+1 < len(args); i += 2 {
		a.recovery += fmt.Sprintf(", %v %v", args[i], args[i+1])
	}
}

func (a *App) indexDir() string { return filepath.Join(a.dir, "index") }

// damageMark is a file that says that the index failed a check while it was in use.
const damageMark = "index-damaged"

func (a *App) damageMark() string { return filepath.Join(a.dir, damageMark) }

func (a *App) openIndex(ctx context.Context, clean bool) error {
	if reason, err := os.ReadFile(a.damageMark()); err == nil {
		if err := store.Destroy(a.indexDir()); err != nil {
			return err
		}
		a.note("the index was damaged and is built again from the log", "because", string(reason))
		if err := os.Remove(a.damageMark()); err != nil {
			return err
		}
	}
	needed := uint64(reserveBytes)
	if clean {
		needed = openBytes
	}
	if err := a.openStore(ctx, needed); err != nil {
		return err
	}
	return a.readIndex(ctx)
}

// openStore opens the store if so many bytes are free: Badger ends the process on a full disk.
func (a *App) openStore(ctx context.Context, neededBytes uint64) error {
	if err := a.disk.free(neededBytes); err != nil {
		return err
	}
	a.progress.begin("checking the index")
	st, err := store.Open(a.indexDir(), store.Options{Logger: a.logger, Room: a.disk.room, MemTableBytes: a.options.memTableBytes(), Checking: func(done, all int64) error {
		a.progress.bytes(done, all)
		return ctx.Err()
	}})
	if damage := new(store.DamageError); err != nil && !errors.As(err, &damage) {
		return fmt.Errorf("%w: %w", errUnopened, err)
	}
	if err != nil {
		return err
	}
	a.store = st
	return nil
}

// readIndex reads the index that the store holds, and checks that the log goes on from it.
func (a *App) readIndex(ctx context.Context) error {
	a.progress.begin("reading the index")
	// A store that is closed ends the reading at its next blob.
	reading := context.AfterFunc(ctx, func() { a.store.Close() })
	ix, err := index.New(a.store, a.zone, a.hot, a.indexDamaged)
	if !reading() {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	a.index = ix
	a.saved.Store(ix.Position())
	switch at := ix.Position(); {
	case at > a.wal.Last():
		return fmt.Errorf("%w: it is at position %d, the log ends at %d", errIndexGone, at, a.wal.Last())
	case at+1 < a.wal.First():
		return fmt.Errorf("%w: it is at position %d, the log begins at %d", errIndexGone, at, a.wal.First())
	}
	return nil
}

// indexDamaged notes that a fragment could not be read, so that the next start builds the
// index again, and returns the error to answer with.
func (a *App) indexDamaged(cause error) error {
	if stuck := new(store.StuckError); errors.As(cause, &stuck) {
		return &Error{Reason: IndexUnavailable, Message: "the index cannot be read, since its disk fails; see to the disk and restart whowhen", Err: cause}
	}
	if errors.Is(cause, store.ErrClosed) {
		return &Error{Reason: Closed, Message: "the app is being closed", Retryable: true, Err: cause}
	}
	if a.damaged.CompareAndSwap(false, true) {
		a.logger.Error("the index failed a check; it will be built again from the log at the next start", "cause", cause)
		if err := writeWhole(a.damageMark(), []byte(cause.Error())); err != nil {
			a.damaged.Store(false) // the next to find damage tries again
			a.logger.Error("the damage of the index could not be noted", "cause", err)
		}
	}
	return &Error{Reason: IndexDamaged, Message: "the index on disk failed a check; restart whowhen, which builds it again from the log", Err: cause}
}
