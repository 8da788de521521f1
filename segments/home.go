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
	"context"
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
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/index"
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
	// CacheBytes bounds the memory, outside the Go heap, of fragments that are on disk as well, of all apps together; default
	// a third of the machine's memory, or of what the process may take of it.
	CacheBytes int64
	// CheckpointBytes is how much the log may grow before the index is saved; default 64 MiB. What is
	// not saved is applied again at the next start.
	CheckpointBytes int64
	// SnapshotBytes is how much the log may grow, and at least by the size of the last one, before a snapshot
	// of the index is made, by which older log can go; default 1 GiB.
	SnapshotBytes int64
	// LogSegmentBytes is the size of the log's files, the unit in which old log goes; default 64 MiB.
	LogSegmentBytes int64
	// QueueRecords bounds the records of an app that are taken but not visible yet, 256 bytes in the log counting as
	// one at least; a Write beyond waits. Default 262,144.
	QueueRecords int
	// ClockPatience is for how long the clock must have said so before anything is taken away for good because it is old:
	// what retention does not keep, expired tags, batch ids. Default 1 hour; below 0 the clock is believed at once.
	ClockPatience time.Duration
	// OpenWait is how long ReadyApp waits for an app that is being opened; default 5 s.
	OpenWait time.Duration
	// TryIndex, when set, is called before the index of an app is opened that was not closed in order, with the
	// index's directory. It should call the function TryIndex in another process, and not leave that
	// running when ctx is done. Unless its error wraps ErrIndexUntried, the index is destroyed and built again.
	TryIndex func(ctx context.Context, indexDir string) error
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = memoryBytes() / 3
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
	if o.ClockPatience == 0 {
		o.ClockPatience = time.Hour
	}
	if o.OpenWait <= 0 {
		o.OpenWait = 5 * time.Second
	}
	return o
}

// memTableBytes is how much the store holds in memory before it writes a table: half a checkpoint, within what it takes.
func (o Options) memTableBytes() int64 { return min(max(o.CheckpointBytes/2, 4<<20), 32<<20) }

// Home is an open data directory. One process at a time holds it.
type Home struct {
	dir     string
	options Options
	unlock  func() error
	hot     *index.Hot // of all apps

	ctx   context.Context // of all openings; done once Close begins
	stop  context.CancelFunc
	turns chan struct{} // one for each app that is being opened now

	mu     sync.Mutex
	closed bool
	once   bool                // an app that could not be opened is not tried again
	apps   map[string]*opening // by name: those asked for
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
	o = o.withDefaults()
	h := &Home{dir: dir, options: o, unlock: unlock, hot: index.NewHot(o.CacheBytes), turns: make(chan struct{}, openingsAtOnce), apps: map[string]*opening{}}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h, nil
}

// bare returns the cause of a file error without the path, which the message has already.
func bare(err error) error {
	if p := new(fs.PathError); errors.As(err, &p) {
		return p.Err
	}
	return err
}

var appName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

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

// Close saves and closes all apps and gives the directory free. Openings that have not ended are given up.
func (h *Home) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	openings := slices.Collect(maps.Values(h.apps))
	h.mu.Unlock()
	h.stop()
	var errs []error
	for _, o := range openings {
		<-o.done
		if o.app != nil {
			errs = append(errs, o.app.close())
		}
	}
	return errors.Join(append(errs, h.unlock())...)
}
