package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
)

// target is the app that a load writes to. An app that is not there yet is made, with days of UTC for good, only once
// the files and the flags have been found to be in order: a mistake in them must not keep anybody from init --zone.
type target struct {
	m   *Main
	api *api // nil until it is opened

	assumed *time.Location // of the app that is yet to be made, if its zone was asked for
}

// zone is the app's, or what it will be.
func (t *target) zone(ctx context.Context) (*time.Location, error) {
	if t.missing() {
		t.assumed = time.UTC
		return t.assumed, nil
	}
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	return t.api.zone(ctx, t.m.flags.App)
}

// missing says whether the first write makes the app.
func (t *target) missing() bool {
	if t.m.flags.Server != "" || t.m.flags.App != "" && t.m.flags.App != segments.DefaultApp {
		return false
	}
	_, err := os.Stat(filepath.Join(t.m.flags.Data, "apps", segments.DefaultApp))
	return errors.Is(err, fs.ErrNotExist)
}

func (t *target) open(ctx context.Context) (err error) {
	if t.api == nil {
		t.api, err = t.m.open(ctx, toWrite)
	}
	return err
}

// ingest opens the app; that makes it where it is missing.
func (t *target) ingest(ctx context.Context) (whowhenv1connect.IngestServiceClient, error) {
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	if t.assumed != nil {
		is, err := t.api.zone(ctx, t.m.flags.App)
		if err != nil {
			return nil, err
		}
		if is.String() != t.assumed.String() {
			return nil, failure("the app was made meanwhile, with days of %s: run the same command again.", is)
		}
	}
	return t.api.ingest, nil
}
