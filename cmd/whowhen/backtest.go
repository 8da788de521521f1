package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/training/sendtime"
)

type backtestCmd struct {
	SendTime backtestSendTimeCmd `cmd:"" help:"Judge how well hours of activity are told, on past days."`
}

type backtestSendTimeCmd struct {
	From   string `required:"" placeholder:"DAY" help:"Judge by every local day with activity from this one on. The model is fitted to what happened before."`
	Out    string `type:"path" placeholder:"FILE" help:"Write the CID, the local day and the 24 probabilities of every day judged, as CSV."`
	Report string `type:"path" placeholder:"FILE" help:"Write a report with pictures, as one page of HTML."`
	sendTimeFlags
}

func (backtestSendTimeCmd) Help() string {
	return `
For each CID and local day with activity from --from on, ranks the 24 local hours knowing earlier
days only. The model and the curves of everyone, zone and country see only days before --from; a
CID's own history keeps growing. Nothing is written to the store.

Examples:

  whowhen backtest send-time --event open --from 2026-01-01
  whowhen backtest send-time --event commit --from 2022-01-01 --json --out rows.csv --report report.html
`
}

func (c *backtestSendTimeCmd) Run(ctx context.Context, m *Main) error {
	if err := m.onlyOnDirectory("backtest"); err != nil {
		return err
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	if o.From, err = parseDay("--from", c.From); err != nil {
		return err
	}
	app, _, shown, err := m.openSendTime(ctx, c.Snapshot, &o)
	if err != nil {
		return err
	}
	report, err := c.run(ctx, app, o)
	shown.end()
	if err != nil {
		return sendTimeFailure(err)
	}
	if c.Report != "" {
		f, err := os.Create(c.Report)
		if err != nil {
			return failure("the report cannot be written: %v.", err)
		}
		if err := errors.Join(report.HTML(f), f.Close()); err != nil {
			return failure("the report cannot be written: %v.", err)
		}
	}
	if m.flags.JSON {
		return m.printReport(report)
	}
	return m.printLines(judgedLines(report))
}

// run runs the backtest, with its predictions going to a file if one is named.
func (c *backtestSendTimeCmd) run(ctx context.Context, app *segments.App, o sendtime.Options) (*sendtime.Report, error) {
	if c.Out == "" {
		return sendtime.Backtest(ctx, app, o)
	}
	f, err := os.Create(c.Out)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	o.Rows = w
	report, err := sendtime.Backtest(ctx, app, o)
	return report, errors.Join(err, w.Flush(), f.Close())
}

// sendTimeFailure tells what was asked wrongly as wrong usage.
func sendTimeFailure(err error) error {
	var option *sendtime.OptionError
	if errors.As(err, &option) {
		return usageError("%s", sentence(err.Error()))
	}
	var known *segments.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return failure("%s", sentence(err.Error()))
}

// judgedLines says in words how good a model of send time is.
func judgedLines(r *sendtime.Report) []string {
	sample := ""
	if r.JudgedShare < 1 {
		sample = fmt.Sprintf(", a sample of %s %%", number(100*r.JudgedShare, 1))
	}
	lines := []string{fmt.Sprintf("Judged on %s local days with activity of %s CIDs%s, %s to %s.", grouped(uint64(r.Days)), grouped(uint64(r.CIDs)), sample, r.From, r.To), ""}
	t := newTable("", ">first hour hit", ">one of three hit", ">log loss", ">days")
	add := func(name string, f sendtime.Figures) {
		t.add(name, number(f.HitAt1, 4), number(f.HitAt3, 4), number(f.LogLoss, 5), grouped(uint64(f.Days)))
	}
	add("the model", r.Figures)
	add("  every CID weighing the same", r.UsersEqual)
	add("  the day before unknown, too", r.DayAhead.Figures)
	for _, e := range r.ByEvidence {
		add("  "+e.Evidence+" active days before", e.Figures)
	}
	for _, b := range r.Baselines {
		add(sendtime.MethodWords(b.Name), b.Figures)
	}
	lines = append(append(lines, t.lines()...), "", "Of messages, "+r.Messages.Why+".", "")
	if !r.Gate.Passed {
		lines = append(lines, "Its gate holds it back:")
		for _, reason := range r.Gate.Reasons {
			lines = append(lines, "  "+reason)
		}
	}
	return lines
}
