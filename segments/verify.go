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
	Part    string // "app", "log" or "index"
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
	Findings      []Finding
}

// mostFindings bounds a report: what is thoroughly broken needs no more evidence.
const mostFindings = 100

const (
	remedyIndex = "start whowhen once: it builds the index again from the log; or delete the app's index directory"
	remedyLog   = "keep the files as they are and restore the app from a backup"
)

// Verify checks an app of a data directory that nobody has open: every frame and record of the log, and every
// invariant of the saved index. It heals nothing; only a torn tail of the log is cut, as opening always does.
// The error is for what kept it from looking; what it found is in the result.
func Verify(ctx context.Context, dir, app string, o Options, progress func(what string)) (Verified, error) {
	if app == "" {
		app = DefaultApp
	}
	v := verification{Verified: Verified{App: app}, ctx: ctx, options: o.withDefaults(), progress: progress, dir: filepath.Join(dir, "apps", app)}
	if !appName.MatchString(app) {
		return v.Verified, invalidName(app)
	}
	m, err := readMeta(v.dir)
	if errors.Is(err, os.ErrNotExist) {
		return v.Verified, &Error{Reason: AppUnknown, Field: "app", Message: fmt.Sprintf("there is no app %q in %s", app, dir)}
	}
	unlock, lockErr := lockDir(dir)
	if lockErr != nil {
		return v.Verified, lockErr
	}
	defer unlock()
	if err != nil {
		v.find("app", err.Error(), "restore app.json from a backup: it says in which zone days are counted")
		return v.Verified, nil
	}
	zone, err := loadZone(m.Zone)
	if err != nil {
		v.find("app", err.Error(), "mend the zone in app.json")
		return v.Verified, nil
	}
	if err := v.log(); err != nil {
		return v.Verified, err
	}
	return v.Verified, v.index(zone)
}

type verification struct {
	Verified
	ctx      context.Context
	options  Options
	progress func(string)
	dir      string
}

func (v *verification) find(part, problem, remedy string) {
	if len(v.Findings) < mostFindings {
		v.Findings = append(v.Findings, Finding{part, problem, remedy})
	}
}

func (v *verification) log() error {
	dir := filepath.Join(v.dir, "log")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever written
	}
	wal, _, err := log.Open(dir, log.Options{})
	if corrupt := new(log.CorruptError); errors.As(err, &corrupt) {
		v.find("log", err.Error(), remedyLog)
		return nil
	} else if err != nil {
		return err
	}
	defer wal.Close()
	v.LogPosition = wal.Last()
	reader := wal.Read(wal.First())
	defer reader.Close()
	for told := time.Now(); ; {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		position, payload, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			v.find("log", err.Error(), remedyLog)
			return nil
		}
		b, err := batch.Decode(payload)
		if err != nil {
			v.find("log", fmt.Sprintf("position %d: %v", position, err), remedyLog)
			continue
		}
		v.Batches++
		v.Records += uint64(b.Records())
		if time.Since(told) > time.Second {
			told = time.Now()
			v.progress(fmt.Sprintf("log: position %d of %d", position, v.LogPosition))
		}
	}
}

func (v *verification) index(zone *time.Location) error {
	dir := filepath.Join(v.dir, "index")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil // it will be built from the log
	}
	if reason, err := os.ReadFile(filepath.Join(v.dir, damageMark)); err == nil {
		v.find("index", "it failed a check while in use: "+string(reason), remedyIndex)
	}
	st, err := store.Open(dir, store.Options{Logger: v.options.Logger})
	if damage := new(store.DamageError); errors.As(err, &damage) {
		v.find("index", err.Error(), remedyIndex)
		return nil
	} else if err != nil {
		return err
	}
	defer st.Close()
	ix, err := index.New(st, zone, v.options.CacheBytes, func(err error) error { return err })
	if err != nil {
		v.find("index", err.Error(), remedyIndex)
		return nil
	}
	v.IndexPosition, v.CIDs = ix.Position(), uint64(ix.CIDs.Len())
	if v.IndexPosition > v.LogPosition {
		v.find("index", fmt.Sprintf("it is at position %d, the log ends at %d", v.IndexPosition, v.LogPosition),
			"part of the log is missing: restore the log from a backup before whowhen is started, which would build the index from what is left")
	}
	return ix.Verify(v.ctx, func(problem string) { v.find("index", problem, remedyIndex) },
		func(shard, shards int) { v.progress(fmt.Sprintf("index: shard %d of %d", shard, shards)) })
}
