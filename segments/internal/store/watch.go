package store

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"time"
)

// StuckError says that Badger could not write to the disk and goes on trying for ever. Nothing that was flushed is lost: it
// is in Badger's write-ahead files, which the next Open replays. The store is of no use any more, and a
// goroutine of Badger's stays behind, so the process had better end.
type StuckError struct {
	Doing string
	Cause string // Badger's message
}

func (e *StuckError) Error() string {
	return fmt.Sprintf("%s: the disk takes no more: %s. Nothing is lost; see to the disk and start again", e.Doing, e.Cause)
}

// watch sees in Badger's messages that it cannot write a table. Badger tells callers nothing of it and tries again every
// second, also while it is being closed, or opened in vain.
type watch struct {
	logger *slog.Logger
	clock  func() time.Time

	mu       sync.Mutex
	failures int // one soon after the other
	last     time.Time
	cause    string
	changed  chan struct{} // closed and replaced with each failure
}

func newWatch(l *slog.Logger) *watch {
	return &watch{logger: l, clock: time.Now, changed: make(chan struct{})}
}

const (
	// flushFailed begins the message of a table that cannot be written.
	flushFailed = "error flushing memtable to disk"
	// patience is how often writing a table may fail before those who wait for it give up; fewer when the store is
	// to end anyway.
	patience, lastPatience = 5, 3
	// apart is the time after which a failure has nothing to do with the one before.
	apart = 30 * time.Second
)

func (w *watch) saw(message string) {
	if !strings.HasPrefix(message, flushFailed) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock()
	if now.Sub(w.last) > apart {
		w.failures = 0
	}
	w.failures, w.last, w.cause = w.failures+1, now, message
	close(w.changed)
	w.changed = make(chan struct{})
}

// state returns the number of failures, the message of the last, and what is closed with the next.
func (w *watch) state() (failures int, cause string, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.clock().Sub(w.last) > apart {
		return 0, w.cause, w.changed
	}
	return w.failures, w.cause, w.changed
}

// await runs f in a goroutine of its own and returns its error, or a *StuckError when tables could not be written so
// often meanwhile. A disk that is full will have room again: while the store is in use that counts for nothing.
func (w *watch) await(doing string, f func() error) error {
	return w.wait(doing, patience, func(cause string) bool { return !strings.Contains(cause, syscall.ENOSPC.Error()) }, f)
}

// awaitEnd is await for the end of the store, or its beginning.
func (w *watch) awaitEnd(doing string, f func() error) error {
	return w.wait(doing, lastPatience, func(string) bool { return true }, f)
}

func (w *watch) wait(doing string, patience int, counts func(cause string) bool, f func() error) error {
	failed, _, changed := w.state()
	if failed < patience {
		failed = 0 // those before count: they are about the same table
	} else {
		failed -= patience - 1 // the next one decides
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	for {
		select {
		case err := <-done:
			return err
		case <-changed:
		}
		var failures int
		var cause string
		failures, cause, changed = w.state()
		if failures-failed >= patience && counts(cause) {
			return &StuckError{Doing: doing, Cause: cause}
		}
	}
}

// Errorf passes on what an operator should see. Badger's Info is about its own workings.
func (w *watch) Errorf(format string, args ...any) {
	message := strings.TrimSpace(fmt.Sprintf(format, args...))
	w.saw(message)
	if w.logger != nil {
		w.logger.Error("badger: " + message)
	}
}

func (w *watch) Warningf(format string, args ...any) {
	if w.logger != nil {
		w.logger.Warn("badger: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (*watch) Infof(string, ...any) {}

func (*watch) Debugf(string, ...any) {}
