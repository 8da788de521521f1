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

// target is the app that a load writes to. The default app, where it is not there yet, is made, with days of UTC for good, only once there is a row
// to be taken: neither a mistake nor a file of nothing must keep anybody from init --zone.
type target struct {
	m   *Main
	api *api // nil until it is opened

	assumed *time.Location // of the app that is yet to be made, if its zone was asked for
	made    string         // the zone of the app, where this load made it
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
	return t.m.flags.Server == "" && (t.m.flags.App == "" || t.m.flags.App == segments.DefaultApp) && t.absent(segments.DefaultApp)
}

// absent says whether the directory has no such place in apps, or with "" no apps at all.
func (t *target) absent(app string) bool {
	_, err := os.Stat(filepath.Join(t.m.flags.Data, "apps", app))
	return errors.Is(err, fs.ErrNotExist)
}

func (t *target) open(ctx context.Context) (err error) {
	if t.api != nil {
		return nil
	}
	if name := t.m.flags.App; t.m.flags.Server == "" && name != "" && name != segments.DefaultApp && t.absent("") {
		if err := t.m.refuseApp(name); err != nil {
			return err
		}
	}
	t.api, err = t.m.open(ctx, toWrite)
	return err
}

// refuseApp says what is wrong with an app's name where there are no apps, without making a directory for them. It says nothing where there is no room
// to find out.
func (m *Main) refuseApp(name string) error {
	home, done, err := m.scratchHome()
	if err != nil {
		return nil
	}
	defer done()
	_, err = home.App(name)
	return err
}

// scratchHome opens an empty directory of its own, which done takes away.
func (m *Main) scratchHome() (home *segments.Home, done func(), err error) {
	dir, err := os.MkdirTemp("", "whowhen-load-*")
	if err != nil {
		return nil, nil, err
	}
	home, err = segments.OpenHome(dir, segments.Options{Clock: m.Clock.Now, Logger: m.quietLogger()})
	if err != nil {
		_ = os.RemoveAll(dir) // the error at hand says more
		return nil, nil, err
	}
	return home, func() {
		_ = home.Close() // nobody reads what it holds
		_ = os.RemoveAll(dir)
	}, nil
}

// ingest opens the app, or returns a client that makes it when there is a row to be taken.
func (t *target) ingest(ctx context.Context) (whowhenv1connect.IngestServiceClient, error) {
	if t.missing() {
		return &firstLoad{to: t}, nil
	}
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	return t.api.ingest, t.agree(ctx)
}

// make opens the app that was missing, which makes it.
func (t *target) make(ctx context.Context) error {
	if err := t.open(ctx); err != nil {
		return err
	}
	missing := t.missing() // or another process has been faster
	zone, err := t.api.zone(ctx, t.m.flags.App)
	if err != nil {
		return err
	}
	if missing {
		t.made = zone.String()
	}
	return t.agree(ctx)
}

// agree checks that times without an offset were read where the app's days are.
func (t *target) agree(ctx context.Context) error {
	if t.assumed == nil {
		return nil
	}
	is, err := t.api.zone(ctx, t.m.flags.App)
	if err != nil {
		return err
	}
	if is.String() != t.assumed.String() {
		return failure("the app was made meanwhile, with days of %s: run the same command again.", is)
	}
	return nil
}

// tell says what a load has made of an app that was not there.
func (t *target) tell() {
	switch {
	case t.made != "":
		t.m.say("Made app %q in %s; its days are those of %s, for good. Another zone is chosen before the first load: whowhen init --zone ZONE.", segments.DefaultApp, t.m.flags.Data, t.made)
	case t.api == nil:
		t.m.say("No row was taken, so no app was made.")
	}
}
