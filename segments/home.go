// Package segments answers who is in which audience.
//
// A Home is a data directory of apps. Each App has a log, which is the truth, and an index
// derived from it. Write appends a batch to the log and returns when it is on disk; one
// applier makes it visible, in log order; a View pins one version of the index and
// answers expressions exactly.
//
// All methods of Home, App and View may be called concurrently, but a View must not
// be used after its Close.
package segments

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"whowhen.dev/whowhen/segments/batch"
)

// DefaultApp is the app that is meant when none is named.
const DefaultApp = "default"

// Options configure a Home. Zero values stand for the defaults.
type Options struct {
	// Clock tells the time; default time.Now. Records without a time, answers as of now
	// and tag expiry depend on it.
	Clock func() time.Time
	// Logger takes what operators should know; default is to drop it.
	Logger *slog.Logger
	// CacheBytes bounds the memory of fragments that are on disk as well, for each app;
	// default 1 GiB.
	CacheBytes int64
	// CheckpointBytes is how much the log may grow before the index is saved; default 64 MiB. What is
	// not saved is applied again at the next start.
	CheckpointBytes int64
	// SnapshotBytes is how much the log may grow, and at least by the size of the last one, before a snapshot
	// of the index is made, by which older log can go; default 1 GiB.
	SnapshotBytes int64
	// LogSegmentBytes is the size of the log's files, the unit in which old log goes; default 64 MiB.
	LogSegmentBytes int64
	// QueueRecords bounds the records of an app that are taken but not visible yet; a Write beyond
	// waits. Default 262,144.
	QueueRecords int
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 1 << 30
	}
	if o.CheckpointBytes <= 0 {
		o.CheckpointBytes = 64 << 20
	}
	if o.SnapshotBytes <= 0 {
		o.SnapshotBytes = 1 << 30
	}
	if o.QueueRecords < batch.MaxRecords {
		o.QueueRecords = 4 * batch.MaxRecords
	}
	return o
}

// Home is an open data directory. One process at a time holds it.
type Home struct {
	dir     string
	options Options
	unlock  func() error

	closed atomic.Bool

	mu   sync.Mutex
	apps map[string]*slot
}

// slot is the place of one app. Opening it may take long, and holds up only those who want it.
type slot struct {
	mu  sync.Mutex
	app *App // nil until it is open
}

// OpenHome opens a data directory, making it if it is missing. The error has the reason
// DirectoryInUse when another process holds it, and DirectoryUnusable when it cannot be
// made or written.
func OpenHome(dir string, o Options) (*Home, error) {
	if err := os.MkdirAll(filepath.Join(dir, "apps"), 0o755); err != nil {
		return nil, &Error{Reason: DirectoryUnusable, Message: fmt.Sprintf("data directory %s cannot be made", dir), Err: bare(err)}
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	return &Home{dir: dir, options: o.withDefaults(), unlock: unlock, apps: map[string]*slot{}}, nil
}

// bare returns the cause of a file error without the path, which the message has already.
func bare(err error) error {
	if p := new(fs.PathError); errors.As(err, &p) {
		return p.Err
	}
	return err
}

var appName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// App returns an app, opening it if need be. The default app is made, with UTC days, when it is not there.
func (h *Home) App(name string) (*App, error) {
	if name == "" {
		name = DefaultApp
	}
	if !appName.MatchString(name) {
		return nil, invalidName(name)
	}
	dir := h.appDir(name)
	if _, err := os.Stat(filepath.Join(dir, metaFile)); errors.Is(err, fs.ErrNotExist) && name != DefaultApp {
		return nil, &Error{Reason: AppUnknown, Field: "app", Message: fmt.Sprintf("there is no app %q; make it with: whowhen init --app %s", name, name)}
	}
	h.mu.Lock()
	place := h.apps[name]
	if place == nil {
		place = &slot{}
		h.apps[name] = place
	}
	h.mu.Unlock()
	place.mu.Lock()
	defer place.mu.Unlock()
	if h.closed.Load() {
		return nil, &Error{Reason: Closed, Message: "the data directory is being closed", Retryable: true}
	}
	if place.app != nil {
		return place.app, nil
	}
	if _, err := os.Stat(filepath.Join(dir, metaFile)); errors.Is(err, fs.ErrNotExist) {
		if err := writeMeta(dir, meta{Format: metaFormat, Zone: "UTC", Created: h.options.Clock().UTC()}); err != nil {
			return nil, err
		}
	}
	a, err := openApp(name, dir, h.options)
	if err != nil {
		return nil, err
	}
	place.app = a
	return a, nil
}

func invalidName(name string) error {
	return &Error{Reason: AppNameInvalid, Field: "app", Message: fmt.Sprintf("%.80q is not an app's name: 1 to 64 of a-z, 0-9, - and _", name)}
}

// CreateApp makes an app whose days are those of an IANA time zone, for good.
func (h *Home) CreateApp(name, zone string) (*App, error) {
	if name == "" {
		name = DefaultApp
	}
	if !appName.MatchString(name) {
		return nil, invalidName(name)
	}
	if _, err := loadZone(zone); err != nil {
		return nil, err
	}
	h.mu.Lock()
	dir := h.appDir(name)
	if old, err := readMeta(dir); err == nil {
		h.mu.Unlock()
		return nil, &Error{Reason: AppExists, Field: "app", Message: fmt.Sprintf("app %q is there already, with zone %s, which cannot be changed", name, old.Zone)}
	}
	err := writeMeta(dir, meta{Format: metaFormat, Zone: zone, Created: h.options.Clock().UTC()})
	h.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return h.App(name)
}

// Apps returns the names of all apps.
func (h *Home) Apps() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(h.dir, "apps"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(h.appDir(e.Name()), metaFile)); err == nil {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (h *Home) appDir(name string) string { return filepath.Join(h.dir, "apps", name) }

// Close saves and closes all apps and gives the directory free.
func (h *Home) Close() error {
	if h.closed.Swap(true) {
		return nil
	}
	h.mu.Lock()
	places := slices.Collect(maps.Values(h.apps))
	h.mu.Unlock()
	var errs []error
	for _, place := range places {
		place.mu.Lock() // waits for an opening
		if place.app != nil {
			errs = append(errs, place.app.close())
		}
		place.mu.Unlock()
	}
	return errors.Join(append(errs, h.unlock())...)
}
