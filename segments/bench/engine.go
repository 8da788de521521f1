package bench

import (
	"context"
	"errors"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

// Engine is a data directory with a seeded app, opened in this process.
type Engine struct {
	data    Dataset
	dir     string
	options segments.Options

	home *segments.Home
	app  *segments.App
}

// Clock returns the clock of apps with the dataset, which stands at the last second of its last day, so that answers are
// the same on any day.
func (d Dataset) Clock() time.Time { return time.Unix(int64(d.LastDay+1)*24*3600-1, 0).UTC() }

// OpenEngine opens the default app of a data directory. Close it when done.
func OpenEngine(d Dataset, dir string, o segments.Options) (*Engine, error) {
	e := &Engine{data: d, dir: dir, options: o}
	if err := e.open(); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Engine) open() error {
	home, err := segments.OpenHome(e.dir, e.options)
	if err != nil {
		return err
	}
	app, err := home.App(segments.DefaultApp)
	if err != nil {
		return errors.Join(err, home.Close())
	}
	e.home, e.app = home, app
	return nil
}

// Home returns the open data directory, which a restart replaces by another.
func (e *Engine) Home() *segments.Home { return e.home }

// App returns the app, which a restart replaces by another.
func (e *Engine) App() *segments.App { return e.app }

// Close closes the directory. Closing again does nothing.
func (e *Engine) Close() error {
	if e.home == nil {
		return nil
	}
	home := e.home
	e.home, e.app = nil, nil
	return home.Close()
}

// Count answers an expression.
func (e *Engine) Count(ctx context.Context, n expr.Node) (uint64, error) {
	v, err := e.app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return 0, err
	}
	defer v.Close()
	return v.Count(ctx, n)
}
