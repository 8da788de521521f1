package store

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
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
	lost     error         // not nil once a write was given up that may still take effect: no later one is safe
	broken   error         // not nil once Badger is without a memtable: nothing may be asked of it

	closing chan struct{} // closed when the store is to end

	commits sync.RWMutex // held for reading while a read begins where no commit is under way
	under   int          // calls that commit, also given up ones
}

func newWatch(l *slog.Logger) *watch {
	return &watch{logger: l, clock: time.Now, changed: make(chan struct{}), closing: make(chan struct{})}
}

const (
	// flushFailed begins the message of a table that cannot be written.
	flushFailed = "error flushing memtable to disk"
	// rotateFailed is the message of a write-ahead file that cannot be made. Badger then has no memtable: it panics in
	// reads and ends the process at the next write.
	rotateFailed = "Got error: %v for id: %d"
	// patience is how often writing a table may fail before those who wait for it give up; fewer when the store is
	// to end anyway.
	patience, lastPatience = 5, 3
	// apart is the time after which a failure has nothing to do with the one before.
	apart = 30 * time.Second
	// settled is the time without a failure after which writes are tried again; Badger tries every second.
	settled = 3 * time.Second
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

// await runs f, which commits, in a goroutine of its own and returns its error, or a *StuckError when tables could not
// be written so often meanwhile. A disk that is full will have room again: that ends no call that waits in Badger,
// unless the store is to end. No call is begun while tables cannot be written: it might wait for
// room, and all reads with it.
func (w *watch) await(doing string, f func() error, late func()) (err error, gaveUp bool) {
	if err := w.admit(doing); err != nil {
		return err, false
	}
	w.commit(1)
	err = w.wait(doing, patience, func(cause string) bool { return !strings.Contains(cause, syscall.ENOSPC.Error()) }, func() error {
		defer w.commit(-1)
		return f()
	}, late)
	if stuck := new(StuckError); errors.As(err, &stuck) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lost = err
		return err, true
	}
	return err, false
}

func (w *watch) commit(n int) {
	w.commits.Lock()
	defer w.commits.Unlock()
	w.under += n
}

// admit waits until the last failure is some time ago, and returns an error when it does not get there.
func (w *watch) admit(doing string) error {
	for {
		w.mu.Lock()
		err := w.broken
		if err == nil {
			err = w.lost
		}
		rest := settled - w.clock().Sub(w.last)
		failures, cause, changed := w.failures, w.cause, w.changed
		w.mu.Unlock()
		if err != nil {
			return err
		}
		if rest <= 0 {
			return nil
		}
		if failures >= patience {
			return &StuckError{Doing: doing, Cause: cause}
		}
		select {
		case <-changed:
		case <-time.After(rest):
		case <-w.closing:
			return ErrClosed
		}
	}
}

// reading begins a read. Badger makes it wait for the commits under way. Between calls that commit there are none:
// Badger begins a batch's next transaction, or ends the call, when the one before has been applied.
func (w *watch) reading(db *badger.DB) (*badger.Txn, error) {
	if err := w.unreadable(); err != nil {
		return nil, err
	}
	w.commits.RLock()
	if w.under == 0 {
		defer w.commits.RUnlock()
		return db.NewTransaction(false), nil
	}
	w.commits.RUnlock()
	if failures, cause, _ := w.state(); failures >= patience {
		return nil, &StuckError{Doing: "read index", Cause: cause} // no more goroutines that wait
	}
	var txn *badger.Txn
	err := w.wait("read index", patience, func(string) bool { return true }, func() error {
		txn = db.NewTransaction(false)
		return nil
	}, func() { txn.Discard() })
	if err != nil {
		return nil, err
	}
	return txn, nil
}

// giveUp has nothing be asked of Badger any more.
func (w *watch) giveUp(doing, cause string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = &StuckError{Doing: doing, Cause: cause}
}

func (w *watch) unreadable() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// awaitEnd is await for the end of the store, or its beginning.
func (w *watch) awaitEnd(doing string, f func() error) error {
	return w.wait(doing, lastPatience, func(string) bool { return true }, f, func() {})
}

// wait gives up a call by not waiting for it any more: late is called should it come back.
func (w *watch) wait(doing string, patience int, counts func(cause string) bool, f func() error, late func()) error {
	closing := w.closing
	if patience == lastPatience {
		closing = nil // it is what ends the store
	}
	failed, _, changed := w.state()
	if failed < patience {
		failed = 0 // those before count: they are about the same table
	} else {
		failed -= patience - 1 // the next one decides
	}
	done, gone := make(chan error), make(chan struct{})
	go func() {
		err := f()
		select {
		case done <- err:
		case <-gone:
			late()
		}
	}()
	for {
		select {
		case err := <-done:
			return err
		case <-changed:
		case <-closing:
			// What can end, ends soon; what waits for room is ended by Badger's own Close, which is next.
			select {
			case err := <-done:
				return err
			case <-time.After(time.Second):
			}
			failures, cause, _ := w.state()
			if closing = nil; failures > 0 {
				close(gone)
				return &StuckError{Doing: doing, Cause: cause}
			}
			continue
		}
		var failures int
		var cause string
		failures, cause, changed = w.state()
		if failures-failed >= patience && counts(cause) {
			close(gone)
			return &StuckError{Doing: doing, Cause: cause}
		}
	}
}

// Errorf passes on what an operator should see. Badger's Info is about its own workings.
func (w *watch) Errorf(format string, args ...any) {
	message := strings.TrimSpace(fmt.Sprintf(format, args...))
	if format = strings.TrimSpace(format); format == rotateFailed {
		w.giveUp("use index", message)
	}
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
