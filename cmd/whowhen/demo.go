package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"whowhen.dev/whowhen/cmd/internal/demo"
	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/training/sendtime"
)

type demoCmd struct {
	Serve  bool   `help:"Then serve it, and print five things to try."`
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where to serve; default 127.0.0.1:8080."`
	Models bool   `help:"Then train the models churn, pay and send-time on it, judge them, and make them active."`
	CIDs   int    `name:"cids" default:"100000" placeholder:"N" help:"How many CIDs to make, up to 100,000, which is the default."`
}

func (demoCmd) Help() string {
	return `
Makes a sample app: 100,000 CIDs of twelve countries over the 90 days that end today, with
profiles, tags, opens, purchases and push receipts. It always comes from the same seed. An app
that has the sample already is left as it is, and one that holds other data too.

With --models, --json prints one document too: what was made, and for each model the report of
its training and what made it active.

Examples:

  whowhen demo
  whowhen demo --serve
  whowhen demo --models
  whowhen demo --data /tmp/try --cids 1000
`
}

func (c *demoCmd) Run(ctx context.Context, m *Main) error {
	if c.CIDs < 1 || c.CIDs > 100_000 {
		return usageError("--cids takes a number from 1 to 100000, not %d.", c.CIDs)
	}
	if c.Serve && c.Models {
		return usageError("--serve and --models are two things: serve, and train in another window, which reads a snapshot.")
	}
	if c.Serve {
		if err := m.onlyOnDirectory("demo --serve"); err != nil {
			return err
		}
		return m.serve(ctx, c.Listen, 24*time.Hour, func(ctx context.Context, a *api) (func(string) error, error) {
			result, err := c.make(ctx, m, a)
			if err != nil {
				return nil, err
			}
			if result.Outcome == demo.OtherInside {
				m.say("%s holds data of your own, so the sample was not made; it is served as it is.", m.flags.Data)
				return nil, nil
			}
			return func(url string) error { return m.printThingsToTry(ctx, a, url) }, nil
		})
	}
	if c.Models {
		if err := m.onlyOnDirectory("demo --models"); err != nil {
			return err
		}
	}
	a, err := m.open(ctx, toWrite)
	if err != nil {
		return err
	}
	result, err := c.make(ctx, m, a)
	if err != nil {
		return err
	}
	if result.Outcome == demo.OtherInside {
		return failure("the app holds other data, which the sample would be mixed with: name another directory with --data, or another app with --app.")
	}
	out := demoJSON{Made: result.Outcome != demo.WasThere, Records: result.Records, LastDay: result.Day.Format(time.DateOnly)}
	if c.Models {
		if out.Models, err = m.trainDemo(ctx); err != nil {
			return err
		}
	}
	if m.flags.JSON {
		return writeJSON(m.Stdout, out)
	}
	return nil
}

type demoJSON struct {
	Made    bool            `json:"made"`
	Records uint64          `json:"records"`
	LastDay string          `json:"last_day"`
	Models  []demoModelJSON `json:"models,omitempty"` // with --models
}

// demoModelJSON is what train and models activate print of a model.
type demoModelJSON struct {
	Name      string          `json:"name"`
	Trained   json.RawMessage `json:"trained"`
	Activated json.RawMessage `json:"activated"`
}

// trainDemo trains three models on the sample app and makes them active. Training opens the directory itself.
func (m *Main) trainDemo(ctx context.Context) ([]demoModelJSON, error) {
	const (
		horizonDays = 30
		maxSamples  = 20_000 // of the active days: enough to see what the model does, in some seconds
	)
	propensities, when := trainFlags{Seed: 1}, trainSendTimeCmd{sendTimeFlags: sendTimeFlags{MaxSamples: maxSamples}}
	var all []demoModelJSON
	add := func(name string, train func() error) error {
		trained, err := m.printed(train)
		if err != nil {
			return err
		}
		activated, err := m.printed(func() error { return m.activateDemo(ctx, name) })
		all = append(all, demoModelJSON{name, trained, activated})
		return err
	}
	for _, d := range []propensity.Definition{propensity.Churn("open", horizonDays), propensity.Pay("purchase", horizonDays)} {
		if err := add(d.Name, func() error { return propensities.train(ctx, m, d) }); err != nil {
			return nil, err
		}
	}
	err := add(sendtime.ModelName, func() error { return when.Run(ctx, m) })
	return all, err
}

// printed runs a step of a command that closes what the step before has opened. With --json it returns what the step prints, which is then a part of
// the one document that the command prints.
func (m *Main) printed(step func() error) (json.RawMessage, error) {
	if err := m.Close(); err != nil {
		return nil, err
	}
	if !m.flags.JSON {
		return nil, step()
	}
	var text bytes.Buffer
	stdout := m.Stdout
	m.Stdout = &text
	defer func() { m.Stdout = stdout }()
	err := step()
	return text.Bytes(), err
}

func (m *Main) activateDemo(ctx context.Context, name string) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	activate := modelsActivateCmd{Name: name}
	return activate.run(ctx, m, a)
}

// make makes the sample and says what it did.
func (c *demoCmd) make(ctx context.Context, m *Main, a *api) (demo.Result, error) {
	started := m.Clock.Now()
	bar := m.newProgress("records")
	result, err := demo.Make(ctx, a.ingest, a.admin, demo.Options{
		App: m.flags.App, CIDs: c.CIDs, Now: started,
		Progress: func(written, all uint64) { bar.count("Making the sample app", written, all) },
	})
	bar.end()
	if err != nil {
		return result, err
	}
	if err := a.waitUntilVisible(ctx, m, result.Position); err != nil {
		return result, err
	}
	took := m.Clock.Now().Sub(started).Seconds()
	day := result.Day.Format(time.DateOnly)
	switch result.Outcome {
	case demo.Made:
		m.say("Made the sample app: %s, the 90 days up to %s, %s in %.1f s.", plural(uint64(c.CIDs), "CID", "CIDs"), day, plural(result.Records, "record", "records"), took)
	case demo.Completed:
		m.say("Completed the sample app that was begun on %s: %s in %.1f s.", day, plural(result.Records, "record", "records"), took)
	case demo.WasThere:
		m.say("The sample app is there already: the 90 days up to %s.", day)
	}
	return result, nil
}

// atDirectory returns the flags that make a command work on the same app.
func (m *Main) atDirectory() string {
	flags := ""
	if m.flags.Data != defaultData {
		flags += " --data " + quoteForShell(m.flags.Data)
	}
	if m.flags.App != "" {
		flags += " --app " + quoteForShell(m.flags.App)
	}
	return flags
}

func (m *Main) print(format string, args ...any) error {
	_, err := fmt.Fprintf(m.Stdout, format+"\n", args...)
	return err
}
