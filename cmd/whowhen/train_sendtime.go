package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/training/sendtime"
)

// sendTimeFlags say where rhythms are read from.
type sendTimeFlags struct {
	Event            []string `placeholder:"EVENT" help:"What is activity. May be given several times. Default: open and push.clicked."`
	ReceivedEvent    []string `placeholder:"EVENT" help:"What tells that a message came. Default: push.sent."`
	DisplayedEvent   []string `placeholder:"EVENT" help:"What tells that a message was seen: activity within half an hour of it is no habit. Default: push.displayed."`
	ClickedEvent     []string `placeholder:"EVENT" help:"What tells that a message was answered. Default: push.clicked."`
	ZoneAttribute    string   `placeholder:"NAME" help:"Attribute with an IANA zone, for events without a UTC offset of their own. Default: zone, timezone, time_zone or tz, if there is one; else the app's zone is taken."`
	CountryAttribute string   `placeholder:"NAME" help:"Attribute with a country, which gets a curve of its own where it has 50 CIDs or more. Default: country or country_code, if there is one."`
	MaxSamples       int      `placeholder:"N" help:"Fit to at most so many active days, a sample by CID. Default 100,000."`
	Snapshot         string   `type:"path" placeholder:"FILE" help:"Read this snapshot of the app instead of the store."`
}

// options returns what the flags say.
func (f *sendTimeFlags) options() (sendtime.Options, error) {
	source := rhythm.DefaultSource()
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{f.Event, &source.Engaged}, {f.ReceivedEvent, &source.Received}, {f.DisplayedEvent, &source.Displayed}, {f.ClickedEvent, &source.Clicked}} {
		if len(list.from) > 0 {
			*list.to = list.from
		}
	}
	source.ZoneAttribute, source.CountryAttribute = f.ZoneAttribute, f.CountryAttribute
	if f.MaxSamples < 0 {
		return sendtime.Options{}, usageError("--max-samples takes a number above 0.")
	}
	return sendtime.Options{Source: source, MostSamples: f.MaxSamples}, nil
}

// openSendTime opens what is read, and shows how far the job is until the notice it returns is ended.
func (m *Main) openSendTime(ctx context.Context, snapshot string, o *sendtime.Options) (*segments.App, registry.Registry, *notice, error) {
	app, dir, err := m.openToTrain(ctx, snapshot)
	if err != nil {
		return nil, dir, nil, err
	}
	if err := withAttributes(ctx, app, &o.Source); err != nil {
		return nil, dir, nil, err
	}
	o.CreatedAt = m.Clock.Now()
	shown := m.newNotice(lineEvery)
	o.Progress = func(p sendtime.Progress) {
		text := p.What
		if p.Of > 1 {
			text += fmt.Sprintf(", %d %%", 100*p.Done/p.Of)
		}
		shown.show(strings.ToUpper(text[:1]) + text[1:])
	}
	return app, dir, shown, nil
}

// withAttributes fills in which attributes tell zone and country, as "whowhen when" takes them.
func withAttributes(ctx context.Context, app *segments.App, s *rhythm.Source) error {
	view, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return err
	}
	defer view.Close()
	zone, country := rhythm.DefaultAttributes(view)
	s.ZoneAttribute, s.CountryAttribute = cmp.Or(s.ZoneAttribute, zone), cmp.Or(s.CountryAttribute, country)
	return nil
}

type trainSendTimeCmd struct {
	From string `placeholder:"DAY" help:"Judge by the days from this one on. Default: the last fifth, a year at most."`
	sendTimeFlags
}

func (trainSendTimeCmd) Help() string {
	return `
Learns in which hours of its own day each CID is active, and how likely it is active at all. It
is judged by the last days, as "whowhen backtest send-time" does, then fitted to all of them and
written as the newest version of the model send-time.

Examples:

  whowhen train send-time
  whowhen train send-time --event commit --json
`
}

func (c *trainSendTimeCmd) Run(ctx context.Context, m *Main) error {
	if err := m.onlyOnDirectory("train"); err != nil {
		return err
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	if c.From != "" {
		if o.From, err = parseDay("--from", c.From); err != nil {
			return err
		}
	}
	begun := m.Clock.Now()
	app, dir, shown, err := m.openSendTime(ctx, c.Snapshot, &o)
	if err != nil {
		return err
	}
	o.Version = "1"
	result, err := sendtime.Train(ctx, app, o)
	shown.end()
	if err != nil {
		return sendTimeFailure(err)
	}
	version, err := dir.Add(sendtime.ModelName, func(v registry.Version) (content registry.Content, err error) {
		result.Artifact.Version, result.Report.Version = v, v
		if content.Artifact, err = result.Artifact.Encode(); err != nil {
			return content, err
		}
		if content.ReportJSON, err = result.Report.JSON(); err != nil {
			return content, err
		}
		var page bytes.Buffer
		err = result.Report.HTML(&page)
		content.Report = page.Bytes()
		return content, err
	})
	if err != nil {
		return err
	}
	if m.flags.JSON {
		return m.printReport(result.Report)
	}
	first := fmt.Sprintf("Trained version %s of model %s in %.1f s, on %s active days of %s CIDs.", version, sendtime.ModelName, m.Clock.Now().Sub(begun).Seconds(),
		grouped(uint64(result.Artifact.Training.ActiveDays)), grouped(uint64(result.Artifact.Training.CIDs)))
	lines := append([]string{first}, judgedLines(result.Report)...)
	lines = append(lines, "The report is in "+dir.Path(sendtime.ModelName, version, registry.ReportFile))
	return m.printLines(lines)
}

// parseDay reads a day such as 2026-01-31.
func parseDay(flag, text string) (propensity.Day, error) {
	day, err := propensity.ParseDay(text)
	if err != nil {
		return 0, usageError("%s takes a day such as 2026-01-31, not %q.", flag, text)
	}
	return day, nil
}

func (m *Main) printReport(r *sendtime.Report) error {
	text, err := r.JSON()
	if err == nil {
		_, err = m.Stdout.Write(text)
	}
	return err
}
