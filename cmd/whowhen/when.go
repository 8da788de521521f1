package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/serve"
)

type whenCmd struct {
	CIDs          []string `arg:"" optional:"" name:"cid" help:"CIDs to send to. They need not be known."`
	Expression    string   `name:"audience" placeholder:"EXPR" help:"Or an audience: counts it by quarter hour and zone."`
	Refresh       bool     `help:"First compute everybody's best hours anew."`
	Event         []string `placeholder:"EVENT" help:"With --refresh, while no model is active: what is activity, from now on. May be given several times. Default: open and push.clicked."`
	From          string   `placeholder:"TIME" help:"First moment that a window may hold: RFC 3339, or a date. Default: now."`
	Until         string   `placeholder:"TIME" help:"Every window ends by then. Default: a day after --from."`
	Width         string   `default:"1h" placeholder:"TIME" help:"Length of a window, such as 30m or 3h. Default 1h."`
	Transactional bool     `help:"The message is transactional: now, whatever the hour."`
	Alternatives  uint32   `placeholder:"N" help:"Name so many further windows."`
	Policy        string   `placeholder:"NAME" help:"Quiet hours and holidays. Default: the policy \"default\"."`
	Seed          string   `placeholder:"TEXT" help:"Tells this message from others, so that its windows are spread in another way."`
}

func (whenCmd) Help() string {
	return `
Says in which window of each CID's own day to send, and why. Everybody is answered: who is not
known gets the habits of everyone, and the answer says so. Times are those of the CID's clock.

Examples:

  whowhen when ana ben --until 2026-04-02
  whowhen when --audience 'did("purchase", within 30d)' --width 2h
  whowhen when ana --policy ramadan --alternatives 2 --json
`
}

func (c *whenCmd) Run(ctx context.Context, m *Main) error {
	if (len(c.CIDs) > 0) == (c.Expression != "") && !c.Refresh {
		return usageError("name some CIDs, or an audience with --audience EXPR, one of the two.")
	}
	if len(c.Event) > 0 && !c.Refresh {
		return usageError("--event says what best hours are computed from: give --refresh with it.")
	}
	width, err := time.ParseDuration(c.Width)
	if c.Expression != "" && c.Alternatives > 0 {
		return usageError("--alternatives is for single CIDs: leave it out, or --audience.")
	}
	if err != nil || width < time.Minute || width%time.Minute != 0 || width > 24*time.Hour {
		return usageError("--width takes minutes or hours up to a day, such as 30m or 3h, not %q.", c.Width)
	}
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	message := &whowhenv1.SendMessage{Seed: c.Seed, WidthMinutes: uint32(width / time.Minute), Transactional: c.Transactional, Alternatives: c.Alternatives, Policy: c.Policy}
	zone := func() (*time.Location, error) { return a.zone(ctx, m.flags.App) }
	for _, t := range []struct {
		flag, text string
		to         **timestamppb.Timestamp
	}{{"--from", c.From, &message.From}, {"--until", c.Until, &message.Until}} {
		if t.text == "" {
			continue
		}
		at, err := parseMoment(t.flag, t.text, zone)
		if err != nil {
			return err
		}
		*t.to = timestamppb.New(at)
	}
	if c.Refresh {
		if err := m.refreshHours(ctx, a, c.Event); err != nil {
			return err
		}
	}
	switch {
	case c.Expression != "":
		return c.histogram(ctx, m, a, message)
	case len(c.CIDs) > 0:
		return c.windows(ctx, m, a, message)
	}
	return nil
}

// sendTimeModel is the name of the model of send times.
const sendTimeModel = serve.SendTimeModel

// refreshHours has everybody's best hours computed anew.
func (m *Main) refreshHours(ctx context.Context, a *api, events []string) error {
	stream, err := a.sendTime.Refresh(ctx, connect.NewRequest(&whowhenv1.RefreshRequest{App: m.flags.App, Events: events}))
	if err != nil {
		return err
	}
	defer stream.Close()
	bar := m.newProgress("CIDs")
	last := &whowhenv1.RefreshResponse{}
	for stream.Receive() {
		last = stream.Msg()
		bar.count("Computing best hours", last.Done, last.All)
	}
	bar.end()
	if err := stream.Err(); err != nil {
		return err
	}
	by := "with version " + last.Version + " of model send-time"
	if last.Version == "" {
		by = "by their own days so far, as no model is active"
	}
	m.say("Computed the best hours of %s %s.", plural(last.Cids, "CID", "CIDs"), by)
	return nil
}

func (c *whenCmd) windows(ctx context.Context, m *Main, a *api, message *whowhenv1.SendMessage) error {
	answer, err := a.sendTime.When(ctx, connect.NewRequest(&whowhenv1.WhenRequest{App: m.flags.App, Cids: c.CIDs, Message: message}))
	if err != nil {
		return err
	}
	if m.flags.JSON {
		return m.printMessage(answer.Msg)
	}
	t := newTable("cid", "send at", "window", "zone", ">engages", ">active", "rests on", "reasons")
	for _, w := range answer.Msg.Windows {
		c := w.Choice
		if c == nil {
			t.add(w.Cid, "-", "", zoneText(w), "", "", evidenceText(w), reasonsText(w.Reasons))
			continue
		}
		t.add(w.Cid, localClock(w.Zone, c, c.SendAt), windowText(c), zoneText(w), percent(c.Engagement), percent(c.Probability), evidenceText(w), reasonsText(w.Reasons))
		for _, other := range w.Alternatives {
			t.add("", localClock(w.Zone, other, other.SendAt), windowText(other), "", percent(other.Engagement), percent(other.Probability), "", "")
		}
	}
	return m.printLines(append(t.lines(), "", modelText(answer.Msg.Model, answer.Msg.Policy)))
}

func modelText(model *whowhenv1.SendModel, policy string) string {
	by := "There are no best hours yet, so the chances are those of an assumed day: compute them from what is known (whowhen when --refresh), or train a model (whowhen train send-time) and activate it."
	switch {
	case model.Kind == "PRIOR":
	case model.Version == "":
		by = fmt.Sprintf("By each CID's own days, its zone's and everyone's, untrained, with what was known at %s.", stamp(model.AsOf))
	default:
		habit := "when each CID is active"
		if model.Kind == "CLICK" {
			habit = "how messages were answered"
		}
		by = fmt.Sprintf("By version %s of model send-time, which goes by %s, with what was known at %s.", model.Version, habit, stamp(model.AsOf))
	}
	return by + " Policy " + policy + "."
}

// localTime reads a moment of a window by its CID's clock.
func localTime(text string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

// localClock is a moment of a window by its CID's clock, which may be put forward or back within the window.
func localClock(zone string, c *whowhenv1.SendChoice, at *timestamppb.Timestamp) string {
	clock, err := time.LoadLocation(zone)
	if err != nil { // it is an offset
		start, ok := localTime(c.LocalStart)
		if !ok {
			return stamp(at)
		}
		clock = start.Location()
	}
	return at.AsTime().In(clock).Format("Mon 2 Jan 15:04")
}

func windowText(c *whowhenv1.SendChoice) string {
	start, ok := localTime(c.LocalStart)
	end, ended := localTime(c.LocalEnd)
	if !ok || !ended {
		return ""
	}
	return start.Format("15:04") + " to " + end.Format("15:04")
}

func zoneText(w *whowhenv1.SendWindow) string {
	from := map[string]string{"PROFILE": "", "OFFSETS": " (seen)", "APP": " (the app's)"}[w.ZoneFrom]
	return w.Zone + from
}

func evidenceText(w *whowhenv1.SendWindow) string {
	switch w.Evidence {
	case "USER":
		return plural(uint64(w.ActiveDays), "day of its own", "days of its own")
	case "ZONE":
		return "its zone or country"
	case "EVERYONE":
		return "everyone"
	}
	return "an assumed day"
}

func reasonsText(reasons []string) string {
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = strings.ToLower(strings.ReplaceAll(r, "_", " "))
	}
	return strings.Join(words, ", ")
}

func (c *whenCmd) histogram(ctx context.Context, m *Main, a *api, message *whowhenv1.SendMessage) error {
	answer, err := a.sendTime.Histogram(ctx, connect.NewRequest(&whowhenv1.WhenAllRequest{App: m.flags.App, Expression: c.Expression, Message: message}))
	if err != nil {
		return aboutExpression(err, c.Expression)
	}
	r := answer.Msg
	m.warn(r.Warnings)
	if m.flags.JSON {
		return m.printMessage(r)
	}
	if r.Cids == 0 {
		return m.print("Nobody is in this audience.")
	}
	lines := []string{fmt.Sprintf("%s, %s of them without a window.", plural(r.Cids, "CID", "CIDs"), grouped(r.WithoutWindow)), ""}
	lines = append(append(lines, hourBars(r.Quarters)...), "")
	zones := newTable("zone", ">CIDs")
	const most = 10
	for _, z := range r.Zones[:min(most, len(r.Zones))] {
		zones.add(z.Zone, grouped(z.Cids))
	}
	lines = append(lines, zones.lines()...)
	if len(r.Zones) > most {
		lines = append(lines, fmt.Sprintf("%d more zones are in --json.", len(r.Zones)-most))
	}
	return m.printLines(append(lines, "", modelText(r.Model, r.Policy)))
}

// hourBars draws how many are sent to in each hour of UTC.
func hourBars(quarters []*whowhenv1.HistogramQuarter) []string {
	var starts []time.Time
	counts := map[time.Time]uint64{}
	most := uint64(1)
	for _, q := range quarters {
		hour := q.Start.AsTime().Truncate(time.Hour)
		if _, there := counts[hour]; !there {
			starts = append(starts, hour)
		}
		counts[hour] += q.Cids
		most = max(most, counts[hour])
	}
	t := newTable("hour (UTC)", ">CIDs", "")
	for _, start := range starts {
		const width = 40
		t.add(start.Format("Mon 2 Jan 15:04"), grouped(counts[start]), strings.Repeat("█", int((counts[start]*width+most-1)/most)))
	}
	return t.lines()
}
