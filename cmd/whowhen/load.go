package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/load"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
)

type loadCmd struct {
	Events   loadEventsCmd   `cmd:"" help:"Load what CIDs did: a row is an event, with a time and properties."`
	Tags     loadTagsCmd     `cmd:"" help:"Load tags: a row puts a tag on a CID, or takes it off."`
	Profiles loadProfilesCmd `cmd:"" help:"Load attributes: a row sets those of a CID."`
}

// loadFlags are the flags of all kinds.
type loadFlags struct {
	Files      []string `arg:"" name:"file" help:"Files of CSV with a header, or of JSON lines; plain, .gz or .zst; - for stdin."`
	Map        []string `sep:"none" placeholder:"NAME=COLUMN,..." help:"Take NAME from COLUMN: cid, time and others as told above, or the name of a property or attribute."`
	Only       bool     `help:"Leave out the columns that --map does not name."`
	Type       []string `sep:"none" placeholder:"COLUMN=TYPE,..." help:"Types of columns: string, number, bool, time or list (in CSV items with | between them, or a JSON array); bool takes 1 and 0, yes and no, t and f, y and n as well as true and false. A cell that does not fit rejects its row. Without it the type is found by looking at the whole column."`
	Where      string   `placeholder:"CONDITION" help:"Load only the rows it holds for, such as 'Quantity > 0 and Country = \"Japan\"'."`
	Set        []string `sep:"none" placeholder:"NAME=ARITHMETIC" help:"Make a column, such as amount=Quantity*UnitPrice."`
	Zone       string   `placeholder:"ZONE" help:"Time zone of times that do not tell theirs. Default: the app's."`
	TimeFormat string   `placeholder:"FORMAT" help:"Format of times, as strftime has it: '%d/%m/%Y %H:%M'. Default: RFC 3339, or 2006-01-02 15:04:05 and the like."`
	TimeUnit   string   `placeholder:"s|ms|us" help:"Times are numbers: seconds, milli- or microseconds since 1970."`
	At         string   `placeholder:"TIME" help:"Date the rows that have no time. Default: the moment they are received."`
	Format     string   `placeholder:"csv|jsonl" help:"Format of the files. Default: by their name, or else by how they begin."`
	Rejects    string   `placeholder:"PATH" help:"File for rejected rows, with reasons. Default: FILE.KIND.rejects.csv, here."`
}

type loadEventsCmd struct {
	Event   string `placeholder:"NAME" help:"Name of the events, when no column holds it."`
	Offsets string `default:"auto" placeholder:"RULE" help:"What offsets in times, such as +02:00, are: clock for the clocks of the CIDs, ignore for those of a machine, or auto, the default, for the former if the files have more than one."`
	loadFlags
}

func (loadEventsCmd) Help() string {
	return `
Columns cid, time, event, offset (minutes the CID's clock was ahead of UTC) and event_id have
these meanings when they are called so, or are mapped. Others become properties. Without an
offset column, the offset of a time (2026-03-01T22:10:00-05:00) is the clock of the CID, which
send times go by, when the files have more than one: +00:00 is one, Z is none. One and the same
on every time is taken for the machine's that wrote them. --offsets says otherwise.

A file that was loaded before, with the same flags, is not loaded again; a load that was
interrupted goes on where it was. Rejected rows do not stop a load: the exit code is then 3.

Examples:

  whowhen load events opens.jsonl.zst
  whowhen load events sales.csv.gz --event purchase --map cid=CustomerID,time=InvoiceDate
  whowhen load events sales.csv --event purchase --set amount=Quantity*UnitPrice --where 'Quantity > 0'
`
}

func (c *loadEventsCmd) Run(ctx context.Context, m *Main) error {
	rule := load.OffsetRule(c.Offsets)
	if c.Offsets == "auto" {
		rule = load.OffsetsAuto
	}
	return c.run(ctx, m, load.Job{Kind: load.Events, Event: c.Event, Offsets: rule})
}

type loadTagsCmd struct {
	Tag string `placeholder:"NAME" help:"The tag of all rows, when no column holds it."`
	loadFlags
}

func (loadTagsCmd) Help() string {
	return `
Columns cid, tag, expires and op (add or remove) have these meanings when they are called so,
or are mapped.

Examples:

  whowhen load tags tags.csv --map cid=CustomerID,tag=Segment
  whowhen load tags staff.txt --format csv --tag staff
`
}

func (c *loadTagsCmd) Run(ctx context.Context, m *Main) error {
	return c.run(ctx, m, load.Job{Kind: load.Tags, Tag: c.Tag})
}

type loadProfilesCmd struct {
	loadFlags
}

func (loadProfilesCmd) Help() string {
	return `
Column cid names the CID, and time when it was heard of, where they are called so or mapped.
Others become attributes. An empty cell changes nothing. Of several values for one
attribute the later row wins.

Examples:

  whowhen load profiles customers.csv
  whowhen load profiles sales.csv.gz --map cid=CustomerID,country=Country --only
`
}

func (c *loadProfilesCmd) Run(ctx context.Context, m *Main) error {
	return c.run(ctx, m, load.Job{Kind: load.Profiles})
}

// run completes the job from the flags, runs it and prints the summary.
func (f *loadFlags) run(ctx context.Context, m *Main, job load.Job) error {
	if err := f.complete(&job); err != nil {
		return err
	}
	job.App, job.Stdin, job.Clock = m.flags.App, m.Stdin, m.Clock
	to := &target{m: m}
	var err error
	if job.Zone, err = f.zone(ctx, to); err != nil {
		return err
	}
	if f.At != "" {
		if job.At, err = parseMoment("--at", f.At, func() (*time.Location, error) { return job.Zone, nil }); err != nil {
			return err
		}
	}
	bar := m.newProgress("rows")
	summary, err := load.RunOpening(ctx, to.ingest, job, bar.load)
	bar.end()
	if err == nil || to.made != "" {
		to.tell()
	}
	for _, w := range summary.Warnings {
		m.say("whowhen: warning: %s", sentence(w))
	}
	if err != nil {
		if taken := takenText(&summary); taken != "" && to.api != nil {
			m.say("%s Run the same command again to go on from there.", taken)
		}
		return aboutExpression(err, job.Where)
	}
	if to.api != nil {
		if err := to.api.waitUntilVisible(ctx, m, summary.Position); err != nil {
			return err
		}
	}
	if err := printLoad(m, &summary); err != nil {
		return err
	}
	if summary.Rejected > 0 {
		return errRejected()
	}
	return nil
}

// complete sets what the flags say without asking anybody.
func (f *loadFlags) complete(job *load.Job) error {
	job.Files, job.Format = f.Files, load.Format(f.Format)
	job.Only, job.Where = f.Only, f.Where
	job.TimeFormat, job.TimeUnit = f.TimeFormat, f.TimeUnit
	job.RejectsPath = f.Rejects
	if job.RejectsPath == "" {
		name := filepath.Base(f.Files[0])
		if name == "-" {
			name = "stdin"
		}
		job.RejectsPath = name + "." + string(job.Kind) + ".rejects.csv"
	}
	for _, text := range f.Map {
		pairs, err := load.ParsePairs(text)
		if err != nil {
			return usageError("--map: %v.", err)
		}
		job.Map = append(job.Map, pairs...)
	}
	for _, text := range f.Type {
		pairs, err := load.ParsePairs(text)
		if err != nil {
			return usageError("--type: %v.", err)
		}
		job.Types = append(job.Types, pairs...)
	}
	for _, text := range f.Set {
		pair, err := load.ParseSet(text)
		if err != nil {
			return usageError("--set: %v.", err)
		}
		job.Set = append(job.Set, pair)
	}
	return nil
}

// zone is where times without an offset are read.
func (f *loadFlags) zone(ctx context.Context, to *target) (*time.Location, error) {
	if f.Zone == "" {
		return to.zone(ctx)
	}
	loc, err := time.LoadLocation(f.Zone)
	if err != nil || f.Zone == "Local" {
		return nil, usageError("--zone takes an IANA time zone such as Europe/London, not %q.", f.Zone)
	}
	return loc, nil
}

// waitUntilVisible waits until queries see a position, so that a command that follows
// a load finds all of it.
func (a *api) waitUntilVisible(ctx context.Context, m *Main, position uint64) error {
	for {
		_, err := a.audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{
			App: m.flags.App, Expression: "nobody", Read: &whowhenv1.Read{AtLeastPosition: position},
		}))
		var rpc *connect.Error
		if !errors.As(err, &rpc) {
			return err
		}
		if info := errorInfo(rpc); info == nil || info.Reason != string(segments.PositionNotReached) {
			return err
		}
	}
}
