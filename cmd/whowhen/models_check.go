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
stability index). A column that grows moves as time goes by, whatever people do: of it that says
nothing. Outcomes are of the last cut-off whose horizon has ended: what the version
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
	r, err := m.check(ctx, a, &whowhenv1.CheckModelRequest{App: m.flags.App, Name: c.Name, Version: c.Version, Read: read})
	if err != nil {
		return err
	}
	if m.flags.JSON {
		return m.printMessage(r)
	}
	lines := []string{fmt.Sprintf("Version %s of model %s, as of %s: %s eligible.", r.Version, c.Name, stamp(r.AsOf), grouped(r.Eligible)), ""}
	const most = 10
	if r.Eligible > 0 { // of nobody there is nothing to compare
		lines = append(lines, stabilityTable(r, most).lines()...)
	}
	if len(r.Columns) > most {
		lines = append(lines, fmt.Sprintf("%d more columns are steadier.", len(r.Columns)-most))
	}
	lines = append(lines, foretoldLines(r)...)
	lines = append(lines, "")
	for _, finding := range r.Findings {
		lines = append(lines, capital(sentence(finding)))
	}
	if len(r.Findings) == 0 {
		lines = append(lines, "Nothing to look at.")
	}
	return m.printLines(lines)
}

// check has a version checked, and shows how far that is.
func (m *Main) check(ctx context.Context, a *api, request *whowhenv1.CheckModelRequest) (*whowhenv1.ModelCheck, error) {
	stream, err := a.models.Check(ctx, connect.NewRequest(request))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	bar := m.newProgress("CIDs")
	defer bar.end()
	var found *whowhenv1.ModelCheck
	for stream.Receive() {
		found = stream.Msg().Found
		bar.count("Checking", stream.Msg().Done, stream.Msg().All)
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, failure("the server ended before it said what it found.")
	}
	return found, nil
}

// stabilityTable has a line for the score and for each of the columns that moved most.
func stabilityTable(r *whowhenv1.ModelCheck, most int) *table {
	t := newTable("", ">stability", "")
	t.add("score", number(r.ScoreStability, 3), "")
	for _, column := range r.Columns[:min(most, len(r.Columns))] {
		grows := ""
		if column.Grows {
			grows = "grows"
		}
		t.add(column.Column, number(column.Stability, 3), grows)
	}
	return t
}

// foretoldLines say what was foretold, and what this version would have foretold, beside what came.
func foretoldLines(r *whowhenv1.ModelCheck) (lines []string) {
	told := false
	switch {
	case r.ForetoldProblem != "": // which is among the findings
	case len(r.Foretold) == 0:
		lines = append(lines, "", "No scores in the store have been judged yet: none were put there a horizon ago.")
	default:
		lines = append(append(lines, "", "Foretold by the version that was active, and what came:", ""), scoringsTable(r).lines()...)
		for _, f := range r.Foretold[1:] { // that of the newest is among the findings
			if f.Problem != "" {
				lines = append(lines, sentence(fmt.Sprintf("%s: %s", f.Cutoff, f.Problem)))
			}
		}
		newest := r.Foretold[0]
		told = newest.Problem == "" && newest.Version == r.Version && newest.Cutoff == r.OutcomesCutoff
		if len(newest.Outcomes) > 0 {
			lines = append(append(lines, "", fmt.Sprintf("For %s, by version %s, the highest scores first:", newest.Cutoff, newest.Version), ""), tenthsTable(newest.Outcomes).lines()...)
		}
		if len(newest.Instead) > 0 {
			saw := ""
			if newest.InsteadSaw {
				saw = ", which was trained on a part of what came,"
			}
			lines = append(append(lines, "", fmt.Sprintf("For %s version %s%s would have foretold:", newest.Cutoff, r.Version, saw), ""), tenthsTable(newest.Instead).lines()...)
			told = told || newest.Cutoff == r.OutcomesCutoff
		}
	}
	if len(r.Outcomes) > 0 && !told {
		lines = append(append(lines, "", fmt.Sprintf("Of those eligible on %s version %s would have foretold, the highest scores first:", r.OutcomesCutoff, r.Version), ""), tenthsTable(r.Outcomes).lines()...)
	}
	return lines
}

// scoringsTable has a line for each scoring that was judged.
func scoringsTable(r *whowhenv1.ModelCheck) *table {
	t := newTable("day", ">version", "told", ">CIDs", ">foretold", ">came", fmt.Sprintf(">version %s instead", r.Version))
	for _, f := range r.Foretold {
		came, instead := "not known", ""
		if f.Problem == "" {
			_, share := ofAll(f.Outcomes)
			came = percent(share)
		}
		if len(f.Instead) > 0 {
			foretold, _ := ofAll(f.Instead)
			instead = percent(foretold)
		}
		t.add(f.Cutoff, f.Version, stamp(f.At), grouped(f.Cids), percent(f.Probability), came, instead)
	}
	return t
}

// ofAll is the mean probability of all tenths, and the share of those for whom it came.
func ofAll(tenths []*whowhenv1.Outcome) (foretold, came float64) {
	cids := 0.0
	for _, o := range tenths {
		cids += float64(o.Cids)
		foretold += float64(o.Cids) * o.Probability
		came += float64(o.Positives)
	}
	return foretold / max(cids, 1), came / max(cids, 1)
}

func tenthsTable(tenths []*whowhenv1.Outcome) *table {
	t := newTable(">part", ">CIDs", ">foretold", ">came", ">share")
	for i, o := range tenths {
		t.add(fmt.Sprint(i+1), grouped(o.Cids), percent(o.Probability), grouped(o.Positives), percent(float64(o.Positives)/float64(o.Cids)))
	}
	return t
}

func percent(share float64) string {
	if share > 0 && share < 0.0005 {
		return "<0.1 %" // and not nothing
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}
