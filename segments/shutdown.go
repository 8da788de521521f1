package segments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"whowhen.dev/whowhen/segments/internal/store"
)

// lockFile is the file in a data directory whose lock says that a process has it open.
const lockFile = "LOCK"

// cleanMark is a file that says that the app was closed in order, so that its index has no write-ahead
// files of Badger's to replay, by which Badger can end the process.
const cleanMark = "clean-shutdown"

// markClean leaves the mark in an app's directory, once all files are closed.
func markClean(dir string) error {
	return writeWhole(filepath.Join(dir, cleanMark), []byte("This app was closed in order. The next start removes this file before it touches anything else.\n"))
}

// markClean leaves the mark. Without it the next start only takes a little longer.
func (a *App) markClean() {
	if err := markClean(a.dir); err != nil {
		a.logger.Warn("the next start will not know that the app was closed in order", "cause", err)
	}
}

// takeCleanMark removes the mark for good, and says whether it was there. Until it has returned nothing else may be
// touched: after a crash the mark must not be there any more.
func takeCleanMark(dir string) (clean bool, err error) {
	err = os.Remove(filepath.Join(dir, cleanMark))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return false, &Error{Reason: DirectoryUnusable, Message: fmt.Sprintf("app directory %s cannot be changed", dir), Err: bare(err)}
	}
	return true, nil
}

// ErrIndexUntried is wrapped by an error of Options.TryIndex that says nothing about the index: it could not be tried.
var ErrIndexUntried = errors.New("the index could not be tried")

// TryIndex opens the index of an app as the app will, by which Badger replays what a kill has left, and closes it
// again. It is what Options.TryIndex runs in a process of its own, since Badger can end the process over damage.
//
// The error wraps ErrIndexUntried unless it is about damage. It is also that when no other process holds the data
// directory that the index is in: TryIndex is a step of an opening, and nothing to be done beside one.
func TryIndex(indexDir string) error {
	if _, err := os.Stat(indexDir); err != nil {
		return fmt.Errorf("%w: %w", ErrIndexUntried, err)
	}
	dataDir := filepath.Join(indexDir, "..", "..", "..")
	if _, err := os.Stat(filepath.Join(dataDir, lockFile)); err != nil {
		return fmt.Errorf("%w: %s is not in a data directory: %w", ErrIndexUntried, indexDir, err)
	}
	unlock, err := lockDir(dataDir)
	if err == nil {
		return errors.Join(fmt.Errorf("%w: nobody has %s open", ErrIndexUntried, dataDir), unlock())
	}
	if known := (*Error)(nil); !errors.As(err, &known) || known.Reason != DirectoryInUse {
		return fmt.Errorf("%w: %w", ErrIndexUntried, err)
	}
	st, err := store.Open(indexDir, store.Options{SkipBlockCheck: true})
	if damage := new(store.DamageError); errors.As(err, &damage) {
		return err
	}
	if err == nil {
		err = st.Close()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIndexUntried, err)
	}
	return nil
}

// tryIndex has the index of an app that was not closed in order opened by Options.TryIndex first, if it is given. The
// error says that the index must be built again, or wraps one that ends the opening: ctx's or errNoRoom.
func (a *App) tryIndex(ctx context.Context) error {
	if a.options.TryIndex == nil {
		return nil
	}
	for _, name := range []string{a.indexDir(), a.damageMark()} {
		_, err := os.Stat(name)
		if there := err == nil; there != (name == a.indexDir()) {
			return nil // there is none, or it goes anyway
		}
	}
	// Badger ends the process on a full disk: that would tell nothing about the index.
	if err := a.disk.room(0); err != nil {
		return err
	}
	a.progress.begin("trying the index in a process of its own, since the last shutdown was not clean")
	begun := time.Now()
	err := tryWithin(ctx, trialPatience(a.indexDir()), a.indexDir(), a.options.TryIndex)
	switch {
	case err == nil:
		a.logger.Info("the last shutdown was not clean: the index was tried in a process of its own and is in order", "milliseconds", time.Since(begun).Milliseconds())
		return nil
	case errors.Is(err, ErrIndexUntried):
		a.logger.Warn("the last shutdown was not clean: the index is opened without having been tried in a process of its own", "cause", err)
		return nil
	}
	return err
}

// tryWithin calls try, for a bounded time.
func tryWithin(ctx context.Context, patience time.Duration, dir string, try func(context.Context, string) error) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := try(limited, dir)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrIndexUntried):
		return err
	case limited.Err() != nil:
		return fmt.Errorf("tried in a process of its own, it was not open after %v", patience)
	}
	return fmt.Errorf("tried in a process of its own, it failed: %w", err)
}

// trialPatience returns after what time an index counts as one that cannot be opened. What has to be done is to replay
// a few write-ahead files, and to read the ends of all tables; this is a hundred times as long on a slow disk.
func trialPatience(indexDir string) time.Duration {
	var bytes int64
	entries, _ := os.ReadDir(indexDir) // the trial will tell what is wrong
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
	}
	return 5*time.Minute + time.Duration(bytes>>26)*time.Second
}
