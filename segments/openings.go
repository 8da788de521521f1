package segments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// opening is an app that is being opened, or was. Opening it may take long, and holds up only those who want it.
type opening struct {
	name     string
	progress progress

	done chan struct{} // closed when the two below are there
	app  *App
	err  error
}

// result returns what came of it, once done is closed.
func (o *opening) result() (*App, error) { return o.app, o.err }

func (o *opening) over() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

func (o *opening) String() string { return "app " + o.name + ": " + o.progress.String() }

// openingsAtOnce bounds the apps that are opened side by side.
const openingsAtOnce = 4

// App returns an app, opening it if need be, for as long as it takes. The default app is made, with UTC days, when it is
// not there. An app that could not be opened is tried again by the next call, but see OpenApps.
func (h *Home) App(name string) (*App, error) {
	o, err := h.opening(h.ctx, name)
	if err != nil {
		return nil, err
	}
	<-o.done
	return o.result()
}

// ReadyApp is App for callers who do not wait for long: when the app is still being opened after Options.OpenWait, the
// error has the reason Starting and says how far the opening is, which goes on.
func (h *Home) ReadyApp(ctx context.Context, name string) (*App, error) {
	o, err := h.opening(h.ctx, name)
	if err != nil {
		return nil, err
	}
	if o.over() {
		return o.result()
	}
	patience := time.NewTimer(h.options.OpenWait)
	defer patience.Stop()
	select {
	case <-o.done:
		return o.result()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		return nil, &Error{Reason: Starting, Field: "app", Message: o.String(), Retryable: true}
	}
}

// OpenApps begins to open every app, the default one too, and returns at once. wait returns when all are open, or
// with the first error. When ctx is done, openings that have not ended are given up, soon and without harm. From then on
// an app that could not be opened is not tried again: whoever waits is about to close the Home.
func (h *Home) OpenApps(ctx context.Context) (wait func() error, err error) {
	names, err := h.Apps()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, DefaultApp) {
		names = append(names, DefaultApp)
	}
	h.mu.Lock()
	h.once = true
	h.mu.Unlock()
	errs := make(chan error, len(names))
	for _, name := range names {
		o, err := h.opening(ctx, name)
		if err != nil {
			return nil, err
		}
		go func() {
			<-o.done
			errs <- o.err
		}()
	}
	return func() error {
		for range names {
			if err := <-errs; err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// Openings says in a line each how far the apps are that are being opened.
func (h *Home) Openings() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(h.apps)) {
		if o := h.apps[name]; !o.over() {
			lines = append(lines, o.String())
		}
	}
	return lines
}

// opening returns the opening of an app, over or not. It begins one where there is none, or the last one failed.
func (h *Home) opening(ctx context.Context, name string) (*opening, error) {
	if name == "" {
		name = DefaultApp
	}
	if !appName.MatchString(name) {
		return nil, invalidName(name)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &Error{Reason: Closed, Message: "the data directory is being closed", Retryable: true}
	}
	if o := h.apps[name]; o != nil && (h.once || !o.over() || o.err == nil) {
		return o, nil
	}
	dir := h.appDir(name)
	if _, err := os.Stat(filepath.Join(dir, metaFile)); errors.Is(err, fs.ErrNotExist) {
		if name != DefaultApp {
			return nil, &Error{Reason: AppUnknown, Field: "app", Message: fmt.Sprintf("there is no app %q; make it with: whowhen init --app %s", name, name)}
		}
		if err := writeMeta(dir, meta{Format: metaFormat, Zone: "UTC", Created: h.options.Clock().UTC()}); err != nil {
			return nil, err
		}
	}
	o := &opening{name: name, done: make(chan struct{})}
	o.progress.begin("opening")
	h.apps[name] = o
	go h.open(ctx, o, dir)
	return o, nil
}

// open opens an app, unless ctx is done or the Home is closed before it is through.
func (h *Home) open(ctx context.Context, o *opening, dir string) {
	defer close(o.done)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	if !h.takeTurn(ctx, o) {
		o.err = interrupted(o.name, ctx.Err())
		return
	}
	defer func() { <-h.turns }()
	stop := o.progress.every(5*time.Second, h.options.Logger.With("app", o.name))
	defer stop()
	o.app, o.err = openApp(ctx, o.name, dir, h.options, h.hot, &o.progress)
	if o.err != nil && ctx.Err() != nil {
		o.err = interrupted(o.name, o.err)
	}
}

// takeTurn waits until few enough apps are being opened, and says whether it is this one's turn.
func (h *Home) takeTurn(ctx context.Context, o *opening) bool {
	select {
	case h.turns <- struct{}{}:
		return true
	default:
	}
	o.progress.begin("waiting for other apps to be opened")
	select {
	case h.turns <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func interrupted(name string, cause error) error {
	return &Error{Reason: Closed, Message: fmt.Sprintf("the opening of app %s was interrupted", name), Retryable: true, Err: cause}
}
