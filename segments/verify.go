package segments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/log"
)

// Finding is something that Verify found wrong, with what to do about it.
type Finding struct {
	Part    string // "app", "log", "snapshots" or "index"
	Problem string
	Remedy  string
}

// Verified says what Verify has looked at.
type Verified struct {
	App           string
	Batches       uint64 // of the log
	Records       uint64
	LogPosition   uint64
	IndexPosition uint64 // of the saved index; behind the log's is no fault
	CIDs          uint64
	Snapshots     int // those that are good
	Findings      []Finding
	// Notes are what is worth knowing and is no fault, such as files that are none of whowhen's.
	Notes []string
}

// mostFindings bounds a report: what is thoroughly broken needs no more evidence.
const mostFindings = 100

const (
	remedyLog   = "keep the files as they are and restore the app from a backup; if this is a copy that was made while whowhen was writing, copy again"
	remedyStart = "start whowhen once: it builds the index again from the log; or delete the app's index directory"
	remedyShort = "if this is a copy that was made while whowhen was writing, start whowhen once: it goes on from the end of the log. " +
		"If not, part of the log is missing: restore the log from a backup before whowhen is started, which would build the index from what is left"
)

// Verify checks an app of a data directory that nobody has open: its settings, every frame and record of the log, every
// snapshot, that log and snapshots join without a gap, and every invariant of the saved index. A copy of a directory
// will do, also one that was made while the app was written to.
//
// It heals nothing, as far as Badger lets it: only a torn tail of the log is cut, as opening always does. progress is
// called now and then with a line for people. The error is for what kept it from looking; what it found is in the result.
func Verify(ctx context.Context, dir, app string, o Options, progress func(what string)) (Verified, error) {
	if app == "" {
		app = DefaultApp
	}
	v := &verification{Verified: Verified{App: app}, ctx: ctx, options: o.withDefaults(), dir: filepath.Join(dir, "apps", app)}
	if !appName.MatchString(app) {
		return v.Verified, invalidName(app)
	}
	var told time.Time
	v.progress.changed = func() {
		if time.Since(told) > time.Second/4 {
			told = time.Now()
			progress(v.progress.String())
		}
	}
	m, metaErr := readMeta(v.dir)
	if errors.Is(metaErr, os.ErrNotExist) {
		if _, err := os.Stat(v.logDir()); err != nil {
			return v.Verified, &Error{Reason: AppUnknown, Field: "app", Message: fmt.Sprintf("there is no app %q in %s", app, dir)}
		}
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return v.Verified, err
	}
	defer unlock()
	zone := v.settings(m, metaErr)
	for _, step := range []func() error{v.names, v.log, v.snapshots} {
		if err := step(); err != nil {
			return v.Verified, err
		}
	}
	// Without the zone, days cannot be told, and the index not be read.
	serves := false
	if zone != nil {
		if serves, err = v.index(zone); err != nil {
			return v.Verified, err
		}
	}
	v.joint(zone != nil, serves)
	return v.Verified, nil
}

type verification struct {
	Verified
	ctx      context.Context
	options  Options
	progress progress
	dir      string

	logGood  bool   // the log could be read to its end
	logFirst uint64 // the first position that it has, or will have
	joined   bool   // from the beginning, or from a good snapshot, the log leads to its end
}

func (v *verification) logDir() string { return filepath.Join(v.dir, "log") }

func (v *verification) find(part, problem, remedy string) {
	if len(v.Findings) < mostFindings {
		v.Findings = append(v.Findings, Finding{part, problem, remedy})
	}
}

func (v *verification) note(format string, args ...any) {
	if len(v.Notes) < mostFindings {
		v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
	}
}

// settings returns the app's zone, nil when that is not known.
func (v *verification) settings(m meta, err error) *time.Location {
	if err != nil {
		v.find("app", err.Error(), "restore app.json from a backup: it says in which zone days are counted")
		return nil
	}
	zone, err := loadZone(m.Zone)
	if err != nil {
		v.find("app", filepath.Join(v.dir, metaFile)+": "+err.Error(), "mend the zone in app.json: it is the one the app was made with")
		return nil
	}
	return zone
}

func (v *verification) log() error {
	v.logGood, v.logFirst = true, 1
	if _, err := os.Stat(v.logDir()); errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever written
	}
	broken := func(problem, remedy string) {
		v.logGood = false
		v.find("log", problem, remedy)
	}
	if foreign := foreignSegments(v.logDir()); foreign != "" {
		broken(fmt.Sprintf("%s is called as no file of a log is", foreign), "move it elsewhere and verify again")
		return nil
	}
	v.progress.begin("log: opening it")
	wal, cut, err := log.Open(v.logDir(), log.Options{})
	if corrupt := new(log.CorruptError); errors.As(err, &corrupt) {
		broken(err.Error(), remedyLog)
		return nil
	} else if err != nil {
		return err
	}
	defer wal.Close()
	if cut.File != "" {
		v.note("the unfinished end of the log was cut off, %d bytes of %s from byte %d on: a kill leaves that, or a copy made while whowhen was writing; nobody had been told that it was on disk", cut.Bytes, cut.File, cut.Offset)
	}
	v.logFirst, v.LogPosition = wal.First(), wal.Last()
	reader := wal.Read(wal.First())
	defer reader.Close()
	v.progress.begin("log")
	for {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		position, payload, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			broken(err.Error(), remedyLog)
			return nil
		}
		b, err := batch.Decode(payload)
		if err != nil {
			broken(fmt.Sprintf("position %d: %v", position, err), remedyLog)
			continue
		}
		v.Batches++
		v.Records += uint64(b.Records())
		v.progress.positions(v.logFirst, position, v.LogPosition, v.Records)
	}
}

// index checks the saved index and says whether it serves as it is.
func (v *verification) index(zone *time.Location) (serves bool, err error) {
	dir := filepath.Join(v.dir, "index")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return false, nil // it will be built from the log
	}
	before := len(v.Findings)
	find := func(problem string) { v.find("index", problem, v.remedyIndex()) }
	if reason, err := os.ReadFile(filepath.Join(v.dir, damageMark)); err == nil {
		find("it failed a check while in use: " + string(reason))
	}
	st, err := v.openStore(dir)
	if damage := new(indexUnusable); errors.As(err, &damage) {
		find(damage.Error())
		return false, nil
	} else if err != nil {
		return false, err
	}
	defer func() {
		err = errors.Join(err, st.Close())
	}()
	v.progress.begin("index: reading it")
	ix, newErr := index.New(st.Store, zone, index.NewHot(v.options.CacheBytes), func(err error) error { return err })
	if newErr != nil {
		find(newErr.Error())
		return false, nil
	}
	v.IndexPosition, v.CIDs = ix.Position(), uint64(ix.CIDs.Len())
	switch at := v.IndexPosition; {
	case !v.logGood:
	case at > v.LogPosition:
		v.find("index", fmt.Sprintf("it is at position %d, the log ends at %d", at, v.LogPosition), remedyShort)
	case at+1 < v.logFirst:
		find(fmt.Sprintf("it is at position %d, the log begins with %d", at, v.logFirst))
	}
	v.progress.begin("index: checking its contents")
	err = ix.Verify(v.ctx, find, func(shard, shards int) {
		v.progress.begin(fmt.Sprintf("index: checking its contents, shard %d of %d", shard, shards))
	})
	return len(v.Findings) == before, err
}

// remedyIndex says what to do about an index that does not serve.
func (v *verification) remedyIndex() string {
	switch {
	case !v.logGood:
		return "see to the log first: the index can be built again from a good one"
	case !v.joined:
		return "restore the app from a backup: the index cannot be built again from the log, whose beginning is not there"
	}
	return remedyStart
}

// indexUnusable says that the store of an index cannot be opened because of what is on disk.
type indexUnusable struct{ error }

// openStore opens the index as an App does: first in another process if it was not closed in order.
func (v *verification) openStore(dir string) (*verifiedStore, error) {
	// Badger ends the process on a full disk.
	if err := (&disk{dir: v.dir}).room(0); err != nil {
		return nil, err
	}
	clean, err := takeCleanMark(v.dir)
	if err != nil {
		return nil, err
	}
	st := &verifiedStore{dir: v.dir, clean: clean}
	if !clean && v.options.TryIndex != nil {
		v.progress.begin("index: trying it in a process of its own")
		err := tryWithin(v.ctx, trialPatience(dir), dir, v.options.TryIndex)
		switch {
		case v.ctx.Err() != nil:
			return nil, v.ctx.Err()
		case errors.Is(err, ErrIndexUntried):
			v.note("the index could not be tried in a process of its own: %v", err)
		case err != nil:
			return nil, &indexUnusable{err}
		}
	}
	v.progress.begin("index: checking its files")
	st.Store, err = store.Open(dir, store.Options{Logger: v.options.Logger, Checking: func(done, all int64) error {
		v.progress.bytes(done, all)
		return v.ctx.Err()
	}})
	if damage := new(store.DamageError); errors.As(err, &damage) {
		return nil, &indexUnusable{err}
	}
	return st, err
}

// verifiedStore is the store of an app that may have been closed in order, and is again once this is closed.
type verifiedStore struct {
	*store.Store
	dir   string
	clean bool
}

func (s *verifiedStore) Close() error {
	if err := s.Store.Close(); err != nil || !s.clean {
		return err
	}
	return markClean(s.dir)
}
