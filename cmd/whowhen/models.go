package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type modelsCmd struct {
	List       modelsListCmd       `cmd:"" default:"1" help:"List the models, which version is active and which scores are in the store."`
	Show       modelsShowCmd       `cmd:"" help:"Say how a version was trained and judged, and what it goes by."`
	Activate   modelsActivateCmd   `cmd:"" help:"Make a version the one that score(\"NAME\") means, and score everybody with it."`
	Rollback   modelsRollbackCmd   `cmd:"" help:"Go back to the version that was active before."`
	Deactivate modelsDeactivateCmd `cmd:"" help:"Leave no version active, and take the scores away; send times then go by each CID's own days."`
	Check      modelsCheckCmd      `cmd:"" help:"Compare what a model sees now with what it was trained on, and what it foretold with what came."`
}

func (modelsCmd) Help() string {
	return `
Examples:

  whowhen models
  whowhen models show churn
  whowhen models activate churn --version 3
  whowhen models check churn
`
}

type modelsListCmd struct{}

func (c *modelsListCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	answer, err := a.models.List(ctx, connect.NewRequest(&whowhenv1.ListModelsRequest{App: m.flags.App}))
	if err != nil {
		return err
	}
	if m.flags.JSON {
		return m.printMessage(answer.Msg)
	}
	if len(answer.Msg.Models) == 0 {
		m.say("There are no models yet: train one with \"%s train churn --event open\".", m.command())
		return nil
	}
	t := newTable("model", ">newest", ">active", "active since", "by", "in the store", ">CIDs")
	for _, model := range answer.Msg.Models {
		active, since, by, stored, cids := cmp.Or(model.Active, "-"), "", "", "", ""
		if model.Problem != "" {
			active = "not known"
		}
		if model.Active != "" && len(model.Changes) > 0 {
			last := model.Changes[len(model.Changes)-1]
			since, by = stamp(last.At), last.By
		}
		if p := model.Published; p != nil {
			stored, cids = storedText(p), grouped(p.Cids)
		}
		t.add(model.Name, model.Newest, active, since, by, stored, cids)
	}
	lines := t.lines()
	for _, model := range answer.Msg.Models {
		if model.Problem != "" {
			lines = append(lines, fmt.Sprintf("%s: %s", model.Name, sentence(model.Problem)))
		}
		for _, v := range model.Versions {
			if v.Problem != "" {
				lines = append(lines, sentence(v.Problem))
			}
		}
	}
	return m.printLines(lines)
}

// storedText says what made the scores in the store.
func storedText(p *whowhenv1.PublishedScores) string {
	by := "version " + p.Version
	if _, err := strconv.ParseUint(p.Version, 10, 64); err != nil { // it is in words
		by = p.Version
	}
	return by + " as of " + stamp(p.AsOf)
}

type modelsShowCmd struct {
	Name    string `arg:"" name:"name" help:"The model."`
	Version string `placeholder:"N" help:"Which version. Default: the newest."`
}

func (c *modelsShowCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	answer, err := a.models.Get(ctx, connect.NewRequest(&whowhenv1.GetModelRequest{App: m.flags.App, Name: c.Name, Version: c.Version}))
	if err != nil {
		return err
	}
	if m.flags.JSON {
		answer.Msg.Artifact = nil // it is a file
		return m.printMessage(answer.Msg)
	}
	return m.printLines(shownLines(answer.Msg))
}

func shownLines(r *whowhenv1.GetModelResponse) []string {
	v := r.Version
	summary := &table{headers: []string{"", ""}}
	summary.add("model", fmt.Sprintf("%s, version %s of %s", r.Model.Name, v.Version, stamp(v.Created)))
	active := cmp.Or(r.Model.Active, "no version")
	if r.Model.Problem != "" {
		active = "not known: " + r.Model.Problem
	}
	summary.add("active", active)
	if len(v.TrainCutoffs) > 0 {
		summary.add("trained at", strings.Join(v.TrainCutoffs, ", "))
		summary.add("judged at", strings.Join(v.TestCutoffs, ", "))
	}
	gate := "it beat its baselines"
	if v.Gate != "" {
		gate = "held back: " + v.Gate
	}
	summary.add("gate", gate)
	lines := summary.lines()[1:]
	if v.Definition != "" {
		lines = append(lines, "", "Definition:", "")
		for line := range strings.SplitSeq(strings.TrimSpace(v.Definition), "\n") {
			lines = append(lines, "  "+line)
		}
	}
	figures := newTable("figure", ">value", ">95 % from", ">to")
	for _, name := range sortedKeys(v.Metrics) {
		f := v.Metrics[name]
		if f.Low == f.High {
			figures.add(name, number(f.Value, 4), "", "")
			continue
		}
		figures.add(name, number(f.Value, 4), number(f.Low, 4), number(f.High, 4))
	}
	lines = append(append(lines, ""), figures.lines()...)
	const most = 15
	effects := newTable("column", "what changes", ">odds times", ">95 % from", ">to", "")
	all := slices.Clone(r.Effects)
	slices.SortStableFunc(all, func(a, b *whowhenv1.ModelEffect) int { return cmp.Compare(math.Abs(b.LogOdds), math.Abs(a.LogOdds)) })
	for _, e := range all[:min(most, len(all))] {
		alone := ""
		if e.Opposed {
			alone = "alone the other way"
		}
		effects.add(e.Column, changeText(e), number(math.Exp(e.LogOdds), 2), number(math.Exp(e.LogOdds-1.96*e.StandardError), 2), number(math.Exp(e.LogOdds+1.96*e.StandardError), 2), alone)
	}
	if len(all) > 0 {
		lines = append(append(lines, ""), effects.lines()...)
	}
	if len(all) > most {
		lines = append(lines, fmt.Sprintf("%d more are in the report, and in --json.", len(all)-most))
	}
	if len(r.Model.Changes) > 0 {
		changes := newTable("when", "what", ">version", "by")
		for _, c := range r.Model.Changes {
			what := map[string]string{"ACTIVATED": "activated", "ROLLED_BACK": "went back to", "DEACTIVATED": "deactivated"}[c.Action]
			if c.Forced {
				what += ", by force"
			}
			changes.add(stamp(c.At), what, c.Version, c.By)
		}
		lines = append(append(lines, ""), changes.lines()...)
	}
	return lines
}

// changeText says what changes in an effect.
func changeText(e *whowhenv1.ModelEffect) string {
	switch e.Kind {
	case "number":
		return fmt.Sprintf("%s rather than %s", strconv.FormatFloat(e.To, 'g', 4, 64), strconv.FormatFloat(e.From, 'g', 4, 64))
	case "level":
		return fmt.Sprintf("%s rather than %s", e.Level, e.Against)
	case "other":
		return "rare rather than " + e.Against
	}
	return "missing rather than " + cmp.Or(e.Against, "average")
}

// by is who uses the program, for the record of changes.
func by() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return cmp.Or(os.Getenv("USER"), "unknown")
}

type modelsActivateCmd struct {
	Name    string `arg:"" name:"name" help:"The model."`
	Version string `placeholder:"N" help:"Which version. Default: the newest."`
	Force   bool   `help:"Although its gate holds it back."`
}

func (modelsActivateCmd) Help() string {
	return `
Makes a version active and scores everybody who is eligible, so that score("NAME") means it
from then on; of the model send-time computes everybody's best hours, which "whowhen when" goes by. A version that did not beat its baselines is refused unless it is forced, and one
whose columns are made of what the store does not have is refused in any case.
`
}

func (c *modelsActivateCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	return c.run(ctx, m, a)
}

func (c *modelsActivateCmd) run(ctx context.Context, m *Main, a *api) error {
	answer, err := a.models.Activate(ctx, connect.NewRequest(&whowhenv1.ActivateModelRequest{App: m.flags.App, Name: c.Name, Version: c.Version, By: by(), Force: c.Force}))
	if err != nil {
		return err
	}
	return m.activated(ctx, a, answer.Msg)
}

type modelsRollbackCmd struct {
	Name string `arg:"" name:"name" help:"The model."`
}

func (c *modelsRollbackCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	answer, err := a.models.Rollback(ctx, connect.NewRequest(&whowhenv1.RollbackModelRequest{App: m.flags.App, Name: c.Name, By: by()}))
	if err != nil {
		return err
	}
	return m.activated(ctx, a, answer.Msg)
}

type modelsDeactivateCmd struct {
	Name string `arg:"" name:"name" help:"The model."`
}

func (c *modelsDeactivateCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	answer, err := a.models.Deactivate(ctx, connect.NewRequest(&whowhenv1.RollbackModelRequest{App: m.flags.App, Name: c.Name, By: by()}))
	if err != nil {
		return err
	}
	if c.Name == sendTimeModel {
		return m.sendTimeDeactivated(ctx, a, answer.Msg)
	}
	if m.flags.JSON {
		return m.printMessage(answer.Msg)
	}
	return m.print("No version of model %s is active, and score(%q) is unknown.", c.Name, c.Name)
}

// activated scores everybody with the version that has become active, and says so.
func (m *Main) activated(ctx context.Context, a *api, r *whowhenv1.ActivateModelResponse) error {
	if r.Name == sendTimeModel {
		if err := m.refreshHours(ctx, a, nil); err != nil {
			return err
		}
		if m.flags.JSON {
			return m.printMessage(r)
		}
		return m.print("Version %s of model %s is active%s: \"whowhen when\" goes by it from now on.", r.Version, r.Name, inPlaceOf(r))
	}
	last, err := m.scoreAll(ctx, a, &whowhenv1.ScoreAllRequest{App: m.flags.App, Name: r.Name, Version: r.Version, Publish: true, Quiet: true, IfDue: true}, nil)
	if err != nil {
		return err
	}
	m.warn(last.Warnings)
	if m.flags.JSON {
		return writeJSON(m.Stdout, struct {
			Name     string    `json:"name"`
			Version  string    `json:"version"`
			Previous string    `json:"previous"`
			Scored   uint64    `json:"scored"`
			Position uint64    `json:"position"`
			Warnings []warning `json:"warnings"`
		}{r.Name, r.Version, r.Previous, last.Scored, last.PublishedPosition, newWarnings(last.Warnings)})
	}
	return m.print("Version %s of model %s is active%s: score(%q) holds for %s.", r.Version, r.Name, inPlaceOf(r), r.Name, plural(last.Scored, "CID", "CIDs"))
}

// inPlaceOf names the version that another one has taken the place of, or nothing.
func inPlaceOf(r *whowhenv1.ActivateModelResponse) string {
	if r.Previous == "" || r.Previous == r.Version {
		return ""
	}
	return ", in place of version " + r.Previous
}

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }

func (m *Main) printLines(lines []string) error {
	for _, line := range lines {
		if err := m.print("%s", line); err != nil {
			return err
		}
	}
	return nil
}
