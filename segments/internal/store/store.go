// Package store keeps the index's immutable blobs, and the manifest that lists them, in Badger.
// No other package touches Badger.
//
// A key is written once; new content goes under a new key. The caller writes all blobs of a
// generation, flushes, then sets the manifest, which is the only thing replaced, in one
// transaction. After a crash the manifest on disk is one whose blobs were all flushed before it.
// Blobs that no manifest lists are orphans; Keys finds them, Delete removes them. Deleted bytes
// leave the disk in time, not at once: to be rid of them for certain, Destroy and rebuild.
//
// Badger loses data silently when its files are damaged, and can end the process. So tables are
// checked before Badger opens them, each value carries its own checksum and size, and a key
// that is not there is an error, ErrMissing, never an empty value.
package store

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Limits. Larger values are refused with an error.
const (
	MaxKeyBytes      = 4 << 10
	MaxBlobBytes     = 1 << 30
	MaxManifestBytes = 64 << 10
)

const (
	defaultMemTableBytes = 32 << 20
	minMemTableBytes     = 4 << 20
	maxMemTableBytes     = 64 << 20
)

// Options says how to open a Store. The zero value serves.
type Options struct {
	// Logger gets Badger's warnings and errors; nil drops them.
	Logger *slog.Logger
	// MemTableBytes bounds what is held in memory before it becomes a table, 4 MiB to 64 MiB; 0
	// means 32 MiB. Up to three such tables are held while writing. On disk each has a
	// write-ahead file whose size looks twice as large, but is sparse.
	MemTableBytes int64
	// SkipBlockCheck leaves out the check of every block at Open, which reads the whole index; the
	// tables' indexes and last blocks, which Badger itself reads at once, are always checked.
	// Damage is then found when a blob is read. It is for short-lived readers.
	SkipBlockCheck bool
	// Checking is told after each table how many bytes of how many have been checked; an error from it ends the
	// opening. It is called by one goroutine at a time. nil is for nobody.
	Checking func(done, all int64) error
	// Room is asked before bytes more are written, and its error stops the write. Badger writes
	// through memory maps: a full disk ends the process, at the next Open too. Room should
	// keep at least 64 MiB in reserve, because tables are also rewritten in the
	// background. nil means no guard. It may be called from several goroutines.
	Room func(bytes int64) error
}

// Store is an open index directory. All methods are safe for concurrent use.
type Store struct {
	dir   string
	room  func(int64) error
	watch *watch

	ending sync.Once // closes watch.closing

	compacting sync.Mutex // held by Compact: Badger's Flatten must not run twice
	// writing is held for reading from the first write of a Writer to its Flush or Cancel, and by Compact alone while it writes out
	// what is in memory, as Badger refuses writes meanwhile.
	writing sync.RWMutex

	mu     sync.RWMutex // held for reading by every use of db, for writing by Close
	closed bool
	db     *badger.DB
}

// Open opens the index in dir, which it creates if need be. It returns a *LockedError when dir is
// in use, a *DamageError when its files are damaged, and a *StuckError when the disk fails; other errors are about the options or the
// file system. It does not ask Room, so that reads can go on when writes cannot; but with no room
// at all Badger ends the process, so see first that 64 MiB are free.
func Open(dir string, o Options) (*Store, error) {
	if o.MemTableBytes == 0 {
		o.MemTableBytes = defaultMemTableBytes
	}
	if o.MemTableBytes < minMemTableBytes || o.MemTableBytes > maxMemTableBytes {
		return nil, fmt.Errorf("index memtable of %d bytes: choose %d to %d", o.MemTableBytes, minMemTableBytes, maxMemTableBytes)
	}
	if o.Room == nil {
		o.Room = func(int64) error { return nil }
	}
	if o.Checking == nil {
		o.Checking = func(_, _ int64) error { return nil }
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	if err := removeFiles(doomed(dir)); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	unreplayed, err := prepare(dir, !o.SkipBlockCheck, o.Checking)
	if err != nil {
		return nil, err
	}
	memTableBytes := o.MemTableBytes
	if unreplayed {
		// Badger ends the process when a write-ahead file holds more than a memtable does, as it
		// would if MemTableBytes had been larger when the file was written.
		memTableBytes = maxMemTableBytes
	}
	w := newWatch(o.Logger)
	opened := make(chan *badger.DB, 1)
	err = w.awaitEnd("open index", func() error {
		db, err := openBadger(badgerOptions(dir, memTableBytes, w))
		opened <- db
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Store{dir: dir, room: o.Room, db: <-opened, watch: w}, nil
}

// openBadger opens a directory that could be read, locked and checked. Badger's errors carry their
// cause as text only.
func openBadger(o badger.Options) (db *badger.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &DamageError{Reason: fmt.Sprintf("Badger cannot open it: %v", p)}
		}
	}()
	db, err = badger.Open(o)
	if err == nil {
		return db, nil
	}
	text := err.Error()
	if strings.Contains(text, "directory lock") || strings.Contains(text, "lock file") {
		return nil, &LockedError{Dir: o.Dir}
	}
	for _, cause := range []error{syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO} {
		if strings.Contains(text, cause.Error()) {
			return nil, fmt.Errorf("open index: %w", err)
		}
	}
	return nil, &DamageError{Reason: "Badger cannot open it: " + text}
}

func badgerOptions(dir string, memTableBytes int64, w *watch) badger.Options {
	return badger.DefaultOptions(dir).
		WithLogger(w).
		WithMetricsEnabled(false).
		// Blind writes of new keys by one writer cannot conflict.
		WithDetectConflicts(false).
		// Without it, a memtable's data can be lost on power failure even after db.Sync.
		WithSyncWrites(true).
		// All values stay in the tables: the value log's garbage collection does not reclaim, and
		// damage in it reads as nil without an error. A part in its frame is well below this.
		WithValueThreshold(2 * partBytes).
		WithValueLogFileSize(1 << 20).
		WithMemTableSize(memTableBytes).
		WithNumMemtables(3).
		WithNumCompactors(2).
		// Larger tables than Badger's 2 MiB, for fewer open files.
		WithBaseTableSize(8 << 20).
		// Blobs are already dense; compression would cost more than it saves and would need
		// a cache of decompressed blocks. Uncompressed tables are read in place, so Badger's
		// block cache has nothing to hold, and its index cache serves only encrypted tables.
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		// Not OnTableRead: it finds damage in goroutines of Badger's, where a panic cannot
		// be caught. checkTables does that part of the work before Badger opens the tables.
		WithChecksumVerificationMode(options.OnBlockRead).
		WithNumVersionsToKeep(1)
}

// acquire returns the database for the time until release.
func (s *Store) acquire() (*badger.DB, error) {
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return nil, ErrClosed
	}
	return s.db, nil
}

func (s *Store) release() { s.mu.RUnlock() }

// Compact merges the tables so that deleted blobs leave the disk. It may run beside reads and writes, which it slows. While
// the tables take no more than sweepBytes and no Writer is at work, what is in memory is written out and merged first; reads of what is on
// disk and writes wait for that, some tenths of a second. Otherwise what was written or deleted since the last table was made, at
// most MemTableBytes, and a few small tables wait for a later call.
func (s *Store) Compact() error {
	s.compacting.Lock()
	defer s.compacting.Unlock()
	db, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release()
	if s.Bytes() <= sweepBytes {
		err, _ := s.watch.await("compact index", func() error {
			if !s.writing.TryLock() {
				return nil
			}
			defer s.writing.Unlock()
			return s.sweepOut(db)
		}, func() {})
		if err != nil {
			return fmt.Errorf("compact index: %w", err)
		}
	}
	if err := db.Flatten(1); err != nil {
		return fmt.Errorf("compact index: %w", err)
	}
	return nil
}

// sweepBytes is what the tables may take for Compact to merge all of it. Of more, what Badger keeps beyond its time is a small part.
const sweepBytes = 256 << 20

// sweepOut makes a table of what is in memory and merges all tables of the first level, which Flatten leaves alone while they
// are few. Badger does both to drop a prefix that is there. No other slot has this one, which a crash may leave.
// When Badger cannot end it, it has let go of a memtable that it would still use.
func (s *Store) sweepOut(db *badger.DB) error {
	err := db.Update(func(txn *badger.Txn) error { return txn.Set([]byte{slotSwept}, nil) })
	if err != nil {
		return err
	}
	if err := db.DropPrefix([]byte{slotSwept}); err != nil {
		s.watch.giveUp("compact index", err.Error())
		return err
	}
	return nil
}

// Bytes returns the size of the index on disk, counting what sparse files really hold.
func (s *Store) Bytes() int64 { return diskBytes(s.dir) }

// StopWaiting has the calls under way and later ones no longer wait for a disk that fails or is full. It is for
// those who are about to call Close once their calls have ended.
func (s *Store) StopWaiting() { s.ending.Do(func() { close(s.watch.closing) }) }

// Close waits for the calls under way and closes the directory. Writers that were not flushed lose
// what they hold. Calls after it return ErrClosed; closing again does nothing. A *StuckError says that not even
// the disk's failing lets Badger end.
func (s *Store) Close() error {
	s.StopWaiting()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.watch.awaitEnd("close index", s.db.Close); err != nil {
		return fmt.Errorf("close index: %w", err)
	}
	return nil
}
