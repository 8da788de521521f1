package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/training"
	"whowhen.dev/whowhen/training/report"
)

// train trains a definition, writes the version and says what came of it.
func (f *trainFlags) train(ctx context.Context, m *Main, d propensity.Definition) error {
	if err := m.onlyOnDirectory("train"); err != nil {
		return err
	}
	o, err := f.options(&d)
	if err != nil {
		return err
	}
	app, dir, err := m.openToTrain(ctx, f.Snapshot)
	if err != nil {
		return err
	}
	begun := m.Clock.Now()
	o.CreatedAt, o.Workers, o.Version = begun, 2, "1"
	if o.Active, o.ActiveLastDay, err = activeModel(dir, d.Name); err != nil {
		return err
	}
	shown := m.newNotice(lineEvery)
	o.Progress = func(p training.Progress) {
		text := p.What
		if p.Of > 0 {
			text += fmt.Sprintf(", %d %%", 100*p.Done/p.Of)
		}
		shown.show(strings.ToUpper(text[:1]) + text[1:])
	}
	result, err := training.Train(ctx, app, d, o)
	shown.end()
	if err != nil {
		return trainFailure(err)
	}
	version, err := dir.Add(d.Name, func(v registry.Version) (registry.Content, error) {
		result.Artifact.Version, result.Report.Version = v, v
		return contentOf(result)
	})
	if err != nil {
		return err
	}
	r := result.Report
	if m.flags.JSON {
		text, err := r.JSON()
		if err == nil {
			_, err = m.Stdout.Write(text)
		}
		return err
	}
	for _, line := range trainedLines(r, version, dir.Path(d.Name, version, registry.ReportFile), m.Clock.Now().Sub(begun).Seconds(), m.command()+" models activate "+d.Name+m.atDirectory()) {
		if err := m.print("%s", line); err != nil {
			return err
		}
	}
	return nil
}

// contentOf returns the files of a version.
func contentOf(r *training.Result) (c registry.Content, err error) {
	if c.Artifact, err = r.Artifact.Encode(); err != nil {
		return c, err
	}
	if c.ReportJSON, err = r.Report.JSON(); err != nil {
		return c, err
	}
	var page bytes.Buffer
	err = r.Report.HTML(&page)
	c.Report = page.Bytes()
	return c, err
}

// activeModel returns the version that is active under a name, to compare with, and the last day whose outcomes it was fitted to; nil when there is
// none.
func activeModel(dir registry.Registry, name string) (*models.Model, propensity.Day, error) {
	changes, err := dir.Changes(name)
	if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelUnknown {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	version, _ := registry.Active(changes)
	if version == "" {
		return nil, 0, nil
	}
	a, err := dir.Artifact(name, version)
	if err != nil {
		return nil, 0, err
	}
	last, err := propensity.ParseDay(a.Training.LastDay)
	if err != nil {
		last = 0
	}
	return a.Model, last, nil
}

// openToTrain opens what is read: the store, or a snapshot of it, the newest one when a server holds the store. It returns the app and
// where its models are.
func (m *Main) openToTrain(ctx context.Context, snapshot string) (*segments.App, registry.Registry, error) {
	name := m.flags.App
	if name == "" {
		name = segments.DefaultApp
	}
	appDir := filepath.Join(m.flags.Data, "apps", name)
	if snapshot != "" {
		app, err := m.openSnapshot(ctx, snapshot)
		if _, gone := os.Stat(appDir); gone != nil { // the snapshot is of another place
			appDir = filepath.Dir(filepath.Dir(snapshot))
		}
		return app, registry.At(filepath.Join(appDir, "models")), err
	}
	if _, err := os.Stat(appDir); err != nil {
		return nil, registry.Registry{}, failure("there is no app %s in %s: load some data with \"whowhen load\", make the sample with \"whowhen demo\", or name another place with --data.", name, m.flags.Data)
	}
	home, err := m.openHome(ctx)
	var inUse *inUseError
	if errors.As(err, &inUse) && inUse.server != nil {
		snapshot, err := m.newSnapshot(ctx, inUse.server.Address)
		if err != nil {
			return nil, registry.Registry{}, err
		}
		m.say("The server at %s holds %s, so a snapshot is read: %s.", inUse.server.Address, m.flags.Data, filepath.Base(snapshot))
		app, err := m.openSnapshot(ctx, snapshot)
		return app, registry.At(filepath.Join(appDir, "models")), err
	}
	if err != nil {
		return nil, registry.Registry{}, err
	}
	app, err := home.App(name)
	if err != nil {
		return nil, registry.Registry{}, err
	}
	return app, registry.At(filepath.Join(app.Dir(), "models")), nil
}

// openSnapshot restores a snapshot into a directory of its own, which is there until Close.
func (m *Main) openSnapshot(ctx context.Context, path string) (*segments.App, error) {
	sweepScratch()
	scratch, err := os.MkdirTemp("", fmt.Sprintf("%s%d-*", scratchPrefix, os.Getpid()))
	if err != nil {
		return nil, err
	}
	m.onClose(func() error { return os.RemoveAll(scratch) })
	shown := m.newNotice(lineEvery)
	shown.show("Restoring " + filepath.Base(path))
	home, err := segments.OpenSnapshot(ctx, path, scratch, segments.Options{Clock: m.Clock.Now, OpenWait: embeddedWait})
	shown.end()
	if err != nil {
		return nil, err
	}
	m.onClose(home.Close)
	return home.App("")
}

// scratchPrefix begins the names of directories that snapshots are restored into; the process and something at random end them.
const scratchPrefix = "whowhen-train-"

// sweepScratch removes what trainings have left that were killed.
func sweepScratch() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), scratchPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		digits, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), scratchPrefix), "-")
		if pid, err := strconv.Atoi(digits); err == nil && !processRuns(pid) {
			_ = os.RemoveAll(dir) // somebody else's cannot be removed, and is not ours to tell of
		}
	}
}

// newSnapshot has a server make a snapshot, and returns its file.
func (m *Main) newSnapshot(ctx context.Context, address string) (string, error) {
	answer, err := m.newAPI(wireClient(), address).admin.Snapshot(ctx, connect.NewRequest(&whowhenv1.SnapshotRequest{App: m.flags.App}))
	if err != nil {
		return "", err
	}
	return answer.Msg.Path, nil
}

// trainFailure tells what cannot be trained as wrong usage where the caller can do something about it.
func trainFailure(err error) error {
	var (
		definition *propensity.DefinitionError
		cutoff     *training.CutoffError
		option     *training.OptionError
	)
	if errors.As(err, &definition) || errors.As(err, &cutoff) || errors.As(err, &option) {
		return usageError("%v", sentence(err.Error()))
	}
	var known *segments.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return failure("%s", sentence(err.Error()))
}

// trainedLines says in words what came of a training.
func trainedLines(r *report.Report, version, page string, seconds float64, activate string) []string {
	lines := []string{fmt.Sprintf("Trained version %s of model %s in %.1f s.", version, r.Name, seconds)}
	test := r.Cutoffs[len(r.Cutoffs)-1]
	lines = append(lines, fmt.Sprintf("Judged at %s: %s eligible, for %s the target held by %s.", test.Day, grouped(uint64(r.Rows)), grouped(uint64(r.Positives)), test.HorizonEnd), "")
	t := newTable("", ">AUC", ">log loss", ">Brier", ">lift of the best 10 %")
	names, figures := []string{"this model"}, []report.Figures{r.Figures}
	for _, name := range sortedKeys(r.Baselines) {
		names, figures = append(names, strings.ReplaceAll(name, "_", " ")), append(figures, r.Baselines[name].Figures)
	}
	var losses, briers []float64
	for _, f := range figures {
		losses, briers = append(losses, f.LogLoss), append(briers, f.Brier)
	}
	lossTexts, brierTexts := report.Apart(4, losses...), report.Apart(4, briers...)
	for i, f := range figures {
		t.add(names[i], number(f.AUC, 3), lossTexts[i], brierTexts[i], number(f.LiftAt10, 2))
	}
	lines = append(append(lines, t.lines()...), "")
	for _, w := range r.Warnings {
		lines = append(lines, "Warning: "+sentence(w))
	}
	if r.Gate.Passed {
		lines = append(lines, "It beats its baselines. To use it in expressions: "+activate)
	} else {
		lines = append(lines, "Its gate holds it back:")
		for _, reason := range r.Gate.Reasons {
			lines = append(lines, "  "+reason)
		}
	}
	return append(lines, "The report is in "+page)
}

func number(v float64, digits int) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, v)
}
