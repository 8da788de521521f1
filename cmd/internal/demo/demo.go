// Package demo makes the sample app: people of several countries who open an app, buy,
// get messages and react to them, each with a rhythm of its own, over the 90 days
// that end on the day the sample is made. All of it comes from a seed.
package demo

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

// Options shape a sample. CIDs and Days of 0 stand for 100,000 and 90.
type Options struct {
	App  string
	CIDs int
	Days int
	// Now ends the sample.
	Now time.Time
	// Progress, when set, is told how many of the records are written. It is called from Make's
	// goroutine.
	Progress func(written, all uint64)
}

const (
	defaultCIDs = 100_000
	defaultDays = 90
	// seed is the sample's. Another one would be as good, but answers in the docs would change.
	seed = 20_260_101
	// lookBackDays is how long ago a sample can have been begun and still be found.
	lookBackDays = 366
)

// Outcome says what Make did.
type Outcome int

const (
	Made        Outcome = iota // the sample was not there
	Completed                  // an earlier Make had been interrupted
	WasThere                   // nothing was written
	OtherInside                // nothing was written: the app holds other data
)

// Result is what Make did, and which sample the app now holds.
type Result struct {
	Outcome Outcome
	Day     time.Time // the last day of the sample, midnight UTC
	Records uint64    // written by this call
	// Position is where the last of them is in the app's log; 0 when nothing was written.
	Position uint64
}

// Make writes the sample app through a server's API, unless it is there. A Make that was
// interrupted is completed by the next one, as of the day it was begun.
func Make(ctx context.Context, ingest whowhenv1connect.IngestServiceClient, admin whowhenv1connect.AdminServiceClient, o Options) (Result, error) {
	if o.CIDs == 0 {
		o.CIDs = defaultCIDs
	}
	if o.Days == 0 {
		o.Days = defaultDays
	}
	state, now, err := find(ctx, ingest, admin, o)
	if err != nil {
		return Result{}, err
	}
	result := Result{Day: day(now)}
	switch {
	case state == nil:
		result.Outcome = OtherInside
		return result, nil
	case state.Finished:
		result.Outcome = WasThere
		return result, nil
	case state.NextRow > 0:
		result.Outcome = Completed
	}
	w, err := newWorld(ctx, seed, o.CIDs, o.Days, now)
	if err != nil {
		return Result{}, err
	}
	wr := writer{ingest: ingest, app: o.App, loadID: loadID(o, now), skip: state.NextRow, progress: o.Progress}
	if err := wr.writeAll(ctx, w); err != nil {
		return Result{}, err
	}
	result.Records, result.Position = wr.written-state.NextRow, wr.position
	return result, nil
}

// find returns how far an earlier sample has come and its now, or a fresh state when the
// app is empty, or no state when the app holds something else.
func find(ctx context.Context, ingest whowhenv1connect.IngestServiceClient, admin whowhenv1connect.AdminServiceClient, o Options) (*whowhenv1.GetLoadResponse, time.Time, error) {
	status, err := admin.Status(ctx, connect.NewRequest(&whowhenv1.StatusRequest{App: o.App}))
	if err != nil {
		return nil, time.Time{}, err
	}
	if status.Msg.Cids == 0 {
		return &whowhenv1.GetLoadResponse{}, o.Now, nil
	}
	for back := range lookBackDays {
		now := o.Now
		if back > 0 { // the sample's day is over, so all of it has happened
			now = day(o.Now).AddDate(0, 0, 1-back).Add(-time.Second)
		}
		state, err := ingest.GetLoad(ctx, connect.NewRequest(&whowhenv1.GetLoadRequest{App: o.App, LoadId: loadID(o, now)}))
		if err != nil {
			return nil, time.Time{}, err
		}
		if state.Msg.NextRow > 0 {
			return state.Msg, now, nil
		}
	}
	return nil, o.Now, nil
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func loadID(o Options, now time.Time) string {
	return fmt.Sprintf("sample-app-1/%d/%d/%s", o.CIDs, o.Days, day(now).Format(time.DateOnly))
}
