package main

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type modelsCheckCmd struct {
	Name    string `arg:"" name:"name" help:"The model."`
	Version string `placeholder:"N" help:"Which version. Default: the active one, or the newest when none is."`
	reading
}

func (modelsCheckCmd) Help() string {
	return `
Stability compares how a column, or the score, is distributed among those eligible now and in
training: below 0.1 it is much the same, above 0.25 it is another population (the population
stability index). Outcomes are of the last cut-off whose horizon has ended: what the version
would have foretold there, by tenth of the score, beside what came.
`
}

func (c *modelsCheckCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	read, err := c.read(ctx, a, m.flags.App)
	if err != nil {
		return err
	}
	answer, err := a.models.Check(ctx, connect.NewRequest(&whowhenv1.CheckModelRequest{App: m.flags.App, Name: c.Name, Version: c.Version, Read: read}))
	if err != nil {
		return err
	}
	if m.flags.JSON {
		return m.printMessage(answer.Msg)
	}
	r := answer.Msg
	lines := []string{fmt.Sprintf("Version %s of model %s, as of %s: %s eligible.", r.Version, c.Name, stamp(r.AsOf), grouped(r.Eligible)), ""}
	t := newTable("", ">stability")
	t.add("score", number(r.ScoreStability, 3))
	const most = 10
	for _, column := range r.Columns[:min(most, len(r.Columns))] {
		t.add(column.Column, number(column.Stability, 3))
	}
	lines = append(lines, t.lines()...)
	if len(r.Columns) > most {
		lines = append(lines, fmt.Sprintf("%d more columns are steadier.", len(r.Columns)-most))
	}
	if len(r.Outcomes) > 0 {
		t := newTable(">part", ">CIDs", ">foretold", ">came", ">share")
		for i, o := range r.Outcomes {
			t.add(fmt.Sprint(i+1), grouped(o.Cids), percent(o.Probability), grouped(o.Positives), percent(float64(o.Positives)/float64(o.Cids)))
		}
		lines = append(append(lines, "", fmt.Sprintf("Those eligible on %s, the highest scores first:", r.OutcomesCutoff), ""), t.lines()...)
	}
	lines = append(lines, "")
	for _, finding := range r.Findings {
		lines = append(lines, sentence(finding))
	}
	if len(r.Findings) == 0 {
		lines = append(lines, "Nothing to look at.")
	}
	return m.printLines(lines)
}

func percent(share float64) string {
	if share > 0 && share < 0.0005 {
		return "<0.1 %" // and not nothing
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}
