package main

import (
	"context"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// grammar is the command line. The help texts in it are the reference.
type grammar struct {
	Data   string `group:"Flags of all commands:" placeholder:"DIR" help:"Directory of the embedded store. Default ./whowhen-data, or $$WHOWHEN_DATA. When a server holds it, the command asks that server."`
	Server string `group:"Flags of all commands:" placeholder:"URL" help:"Talk to the server at this address instead, such as http://127.0.0.1:8080. Default $$WHOWHEN_SERVER."`
	App    string `group:"Flags of all commands:" placeholder:"NAME" help:"The app to work on. Default: the app \"default\"."`
	JSON   bool   `name:"json" group:"Flags of all commands:" help:"Print results as JSON with snake_case keys."`

	Init     initCmd     `cmd:"" help:"Make an app and fix the time zone its days are counted in."`
	Serve    serveCmd    `cmd:"" help:"Serve a directory over gRPC, gRPC-Web and HTTP with JSON."`
	Load     loadCmd     `cmd:"" help:"Load events, tags or profiles from CSV and JSON lines files."`
	Count    countCmd    `cmd:"" help:"Count an audience, exactly."`
	Select   selectCmd   `cmd:"" help:"List the CIDs of an audience, one a line."`
	Explain  explainCmd  `cmd:"" help:"Count an audience clause by clause, or say why one CID is in it or not."`
	Contains containsCmd `cmd:"" help:"Say of some CIDs whether each is in an audience."`
	Train    trainCmd    `cmd:"" help:"Train a model of who will do something, offline, from what the store holds."`
	Models   modelsCmd   `cmd:"" help:"List, show, activate, roll back and watch models."`
	Backtest backtestCmd `cmd:"" help:"Judge on past days how well a model would have done."`
	Score    scoreCmd    `cmd:"" help:"Compute the probabilities of everybody a model speaks of."`
	Policies policiesCmd `cmd:"" help:"List the policies of quiet hours and holidays."`
	When     whenCmd     `cmd:"" help:"Say in which window of each CID's own day to send a message, and why."`
	Status   statusCmd   `cmd:"" help:"Say what an app holds and how it is."`
	Retain   retainCmd   `cmd:"" help:"Say how long an event or a tag is kept."`
	Verify   verifyCmd   `cmd:"" help:"Check everything an app has on disk."`
	Demo     demoCmd     `cmd:"" help:"Make a sample app to try things on."`
	Bench    benchCmd    `cmd:"" help:"Measure speeds beside those of the roaring library, and compare answers."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
	TryIndex tryIndexCmd `cmd:"" hidden:"" help:"A part of opening a directory."`
}

func (*grammar) description() string {
	return "Whom to message, exactly: load what people did, ask for an audience in one line, get its CIDs."
}

const defaultData = "./whowhen-data"

// settle fills in what the environment and the defaults say. A flag beats the environment.
func (g *grammar) settle(getenv func(string) string) error {
	if g.Data != "" && g.Server != "" {
		return usageError("--data and --server are two places: give one of them.")
	}
	if g.Data == "" && g.Server == "" {
		g.Server = getenv("WHOWHEN_SERVER")
	}
	if g.Data == "" {
		g.Data = getenv("WHOWHEN_DATA")
	}
	if g.Data == "" {
		g.Data = defaultData
	}
	return nil
}

// reading are the flags of commands that read.
type reading struct {
	AsOf            string `placeholder:"TIME" help:"Answer for this moment: RFC 3339, or a date, which is a day of the app. A past moment counts its whole day. Default: now."`
	AtLeastPosition uint64 `placeholder:"N" help:"Wait until the index has reached this position of the log, as printed by load."`
}

// read turns the flags into the request's. A date needs to know the app's zone, for which it
// asks the server.
func (f reading) read(ctx context.Context, a *api, app string) (*whowhenv1.Read, error) {
	r := &whowhenv1.Read{AtLeastPosition: f.AtLeastPosition}
	if f.AsOf == "" {
		return r, nil
	}
	t, err := parseMoment("--as-of", f.AsOf, func() (*time.Location, error) { return a.zone(ctx, app) })
	if err != nil {
		return nil, err
	}
	r.AsOf = timestamppb.New(t)
	return r, nil
}

// parseMoment reads RFC 3339, or a date as the first moment of that day in a zone.
func parseMoment(flag, text string, zone func() (*time.Location, error)) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, usageError("%s takes a time such as 2026-01-31T18:00:00Z or a date such as 2026-01-31, not %s.", flag, strconv.Quote(text))
	}
	loc, err := zone()
	if err != nil {
		return time.Time{}, err
	}
	// Where clocks change at midnight, Date may take the day before; some zones have left out whole days.
	t := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, loc)
	for range 3 {
		if t.Format(time.DateOnly) == text {
			return t, nil
		}
		t = t.Add(time.Hour)
	}
	return time.Time{}, usageError("%s: there was no %s in %s: its calendar left that day out.", flag, text, loc)
}

// zone asks for the app's time zone.
func (a *api) zone(ctx context.Context, app string) (*time.Location, error) {
	status, err := a.admin.Status(ctx, connect.NewRequest(&whowhenv1.StatusRequest{App: app}))
	if err != nil {
		return nil, err
	}
	return time.LoadLocation(status.Msg.Zone)
}
