package segments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"whowhen.dev/whowhen/segments/internal/eval"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/log"
)

// App is an isolated data set with its own log, index, names and time zone.
//
// A Write goes through three goroutines, each with a bounded queue: the caller's checks and
// encodes it, the committer appends whole groups to the log with one fsync and
// acknowledges, the applier makes what is on disk visible. A fourth saves the index now and then, a fifth makes
// snapshots of what is saved.
type App struct {
	name    string
	dir     string
	zone    *time.Location
	options Options
	logger  *slog.Logger
	started time.Time
	created time.Time
	// recovery says what opening had to mend; empty when nothing.
	recovery string
	progress *progress // of the opening

	disk  *disk
	clock *pastClock
	wal   *log.Log
	store *store.Store
	index *index.Index
	hot   *index.Hot // of all apps of the home
	pool  *eval.Pool

	// room has a unit for each record that is taken but not visible; large ones take more.
	room     *semaphore.Weighted
	commits  chan *pending
	applies  chan *pending
	save     chan struct{} // asks for a checkpoint
	wasSaved chan struct{} // tells the keeper that there was one
	// snapshotAsked asks the keeper for a snapshot of what is saved, which answers whether it made one.
	snapshotAsked chan chan error
	sweeps        chan chan error
	stop          chan struct{} // closed when the app closes
	done          sync.WaitGroup
	saved         atomic.Uint64 // position of the last checkpoint
	// grownBytes is by how much the log has grown since the last snapshot, about.
	grownBytes atomic.Int64
	// stuck says that the index could not apply the log, and so stays where it is.
	stuck atomic.Bool
	// damaged says that the index failed a check, and that it is noted.
	damaged atomic.Bool
	// refusing says that writes are refused for want of room.
	refusing atomic.Bool
	// lookedAt is when the keeper last looked whether the index should be compacted, lookAgain for how long it
	// does not.
	lookedAt  time.Time
	lookAgain time.Duration
	// snapshotFailed is when a snapshot last failed for another reason than want of room; the keeper's.
	snapshotFailed time.Time

	// admission puts writes in the order of the log and knows what those in flight will have changed.
	admission admission

	// scoring lets one in at a time who changes scores, and guards lastScores, the change that may not be visible yet.
	scoring    *semaphore.Weighted
	lastScores *pending

	mu         sync.Mutex
	visible    chan struct{} // closed and replaced when a version becomes visible
	broken     error         // why the index takes no more
	unsaved    error         // why the last checkpoint found no room, or nil
	noSnapshot error         // why the last snapshot found no room, or nil
}

func openApp(ctx context.Context, name, dir string, o Options, hot *index.Hot, p *progress) (*App, error) {
	m, err := readMeta(dir)
	if err != nil {
		return nil, err
	}
	zone, err := loadZone(m.Zone)
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", name, err)
	}
	a := &App{
		name: name, dir: dir, zone: zone, options: o, started: o.Clock(), created: m.Created,
		logger: o.Logger.With("app", name),
		disk:   &disk{dir: dir},
		hot:    hot,
		pool:   eval.NewPool(),
		clock:  &pastClock{patience: o.ClockPatience},
		room:   semaphore.NewWeighted(int64(o.QueueRecords)),
		// Each batch in it holds room for a record at least, so that sending never waits. That matters: it is
		// done under admission's mutex, which the committer takes too.
		commits:  make(chan *pending, o.QueueRecords),
		applies:  make(chan *pending, 1024),
		save:     make(chan struct{}, 1),
		wasSaved: make(chan struct{}, 1), snapshotAsked: make(chan chan error),
		sweeps:  make(chan chan error),
		stop:    make(chan struct{}),
		visible: make(chan struct{}),

		scoring:  semaphore.NewWeighted(1),
		progress: p,
	}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.closeFiles())
	}
	a.admission.begin(a.index)
	a.done.Go(a.commit)
	a.done.Go(a.apply)
	a.done.Go(a.checkpoints)
	a.done.Go(a.keep)
	return a, nil
}

// close stops taking writes, finishes those taken, saves the index and closes the files.
func (a *App) close() error {
	if !a.admission.close() {
		return nil
	}
	close(a.commits) // admission lets nobody send any more
	close(a.stop)
	a.store.StopWaiting()
	a.done.Wait()
	var err error
	if a.whyBroken() == nil {
		if err = a.checkpoint(); err == nil {
			a.tidy()
		}
		if errors.Is(err, errNoRoom) {
			a.logger.Warn("the index is not saved; the log has everything, and the next start applies it again", "cause", err)
			err = nil
		}
	}
	if err = errors.Join(err, a.closeFiles()); err == nil && a.whyBroken() == nil {
		a.markClean()
	}
	return err
}

func (a *App) closeFiles() error {
	var errs []error
	if a.index != nil {
		a.index.Close()
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.wal != nil {
		errs = append(errs, a.wal.Close())
	}
	return errors.Join(errs...)
}

// Dir returns the app's directory, in which others may keep what belongs to it under names that are none of log, index, snapshots and
// app.json.
func (a *App) Dir() string { return a.dir }

// Zone returns the time zone that the app's days are counted in.
func (a *App) Zone() *time.Location { return a.zone }

// EmptyCache takes what the index has on disk out of memory, so that queries read it again: for measuring.
func (a *App) EmptyCache() { a.index.EmptyCache() }

// Name returns the app's name.
func (a *App) Name() string { return a.name }

// await returns when the index has reached a position, or says how far it is.
func (a *App) await(ctx context.Context, position uint64) error {
	const patience = 5 * time.Second
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		a.mu.Lock()
		changed := a.visible
		a.mu.Unlock()
		at := a.index.Position()
		if at >= position {
			return nil
		}
		if err := a.whyBroken(); err != nil && (a.stuck.Load() || position > a.wal.Last()) {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return &Error{Reason: PositionNotReached, Field: "read.at_least_position", Retryable: true,
				Message: fmt.Sprintf("the index is at position %d and did not reach %d within %s; the log ends at %d", at, position, patience, a.wal.Last())}
		}
	}
}

// announce wakes those who wait for a position.
func (a *App) announce() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.visible)
	a.visible = make(chan struct{})
}

// fail makes the app read-only for good.
func (a *App) fail(cause error) {
	a.mu.Lock()
	if a.broken == nil {
		a.broken = cause
		a.logger.Error("the app takes no more writes", "cause", cause)
	}
	a.mu.Unlock()
	a.announce()
}

// whyBroken returns why the app takes no more writes, or nil.
func (a *App) whyBroken() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken == nil {
		return nil
	}
	return &Error{Reason: ReadOnly, Message: fmt.Sprintf("app %s takes no writes until it is restarted", a.name), Err: a.broken}
}

func (a *App) setUnsaved(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unsaved = err
}

func (a *App) setNoSnapshot(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noSnapshot = err
}

// whyNoSnapshot returns why the last snapshot found no room on the disk, or nil.
func (a *App) whyNoSnapshot() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.noSnapshot
}

// whyUnsaved returns why the last checkpoint found no room on the disk, or nil.
func (a *App) whyUnsaved() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unsaved
}
