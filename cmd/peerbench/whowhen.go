package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/bench"
)

// whowhen is whowhen's engine in this process, over a data directory of its own.
type whowhen struct {
	dir    string
	engine *bench.Engine
}

func (w *whowhen) load(ctx context.Context, d bench.Dataset) (string, error) {
	const leastBytes, bytesPerCID = 1 << 30, 64 // room for all that the questions read
	o := segments.Options{Clock: d.Clock, Logger: slog.New(slog.DiscardHandler), CacheBytes: max(leastBytes, bytesPerCID*int64(d.CIDs))}
	var err error
	if w.dir, err = os.MkdirTemp("", "peerbench-whowhen-"); err != nil {
		return "", err
	}
	home, err := segments.OpenHome(w.dir, o)
	if err != nil {
		return "", err
	}
	err = bench.Seed(ctx, home, segments.DefaultApp, d, func(_, _ int) {})
	if err = errors.Join(err, home.Close()); err != nil {
		return "", err
	}
	w.engine, err = bench.OpenEngine(d, w.dir, o)
	return fmt.Sprintf("whowhen, in this process, %d threads", runtime.GOMAXPROCS(0)), err
}

func (w *whowhen) count(ctx context.Context, q question) (uint64, error) {
	return w.engine.Count(ctx, q.expression)
}

func (w *whowhen) close() error {
	var err error
	if w.engine != nil {
		err = w.engine.Close()
	}
	if w.dir != "" {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	return err
}
