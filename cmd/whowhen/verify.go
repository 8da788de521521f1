package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve"
)

type verifyCmd struct{}

func (verifyCmd) Help() string {
	return `
Reads everything an app has on disk and checks it: its settings, each record of the log, each
snapshot, that the log goes on from one of them or begins with the beginning, the saved index
against itself, and each version of its models. It also tells of files that do not belong there. Nothing is mended, but
the unfinished end of a log is cut off, as at every start. The directory must not be in use; a
copy will do, though one that was made while whowhen was writing may be of no use.

Ends with 1 when something is wrong, and says what to do about it.

Examples:

  whowhen verify
  cp -r whowhen-data /tmp/copy && whowhen verify --data /tmp/copy
`
}

func (c *verifyCmd) Run(ctx context.Context, m *Main) error {
	if err := m.onlyOnDirectory("verify"); err != nil {
		return err
	}
	o := segments.Options{Clock: m.Clock.Now, Logger: m.quietLogger()}
	if m.Executable != nil {
		o.TryIndex = m.tryIndex
	}
	begun := m.Clock.Now()
	n := m.newNotice(lineEvery)
	v, err := segments.Verify(ctx, m.flags.Data, m.flags.App, o, n.show)
	n.end()
	if err != nil {
		return err
	}
	versions, findings := serve.VerifyModels(filepath.Join(m.flags.Data, "apps", v.App))
	v.Findings = append(v.Findings, findings...)
	seconds := m.Clock.Now().Sub(begun).Seconds()
	if m.flags.JSON {
		if err := writeJSON(m.Stdout, newVerifyJSON(v, versions, seconds)); err != nil {
			return err
		}
	} else if err := printVerified(m, v, versions, seconds); err != nil {
		return err
	}
	if n := len(v.Findings); n > 0 {
		return failure("app %s is not sound: %s.", v.App, counted(n, "finding"))
	}
	return nil
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func printVerified(m *Main, v segments.Verified, models int, seconds float64) error {
	for _, f := range v.Findings {
		if _, err := fmt.Fprintf(m.Stdout, "%s: %s\n  What to do: %s.\n", f.Part, f.Problem, f.Remedy); err != nil {
			return err
		}
	}
	for _, note := range v.Notes {
		if _, err := fmt.Fprintf(m.Stdout, "For information: %s.\n", note); err != nil {
			return err
		}
	}
	state := "All is sound"
	if len(v.Findings) > 0 {
		state = "Looked at"
	}
	of := ""
	if models > 0 {
		of = ", " + counted(models, "version") + " of models"
	}
	_, err := fmt.Fprintf(m.Stdout, "%s: %d batches with %d records up to position %d of the log, %s%s, and the index at position %d with %d CIDs; in %.1f s.\n",
		state, v.Batches, v.Records, v.LogPosition, counted(v.Snapshots, "good snapshot"), of, v.IndexPosition, v.CIDs, seconds)
	return err
}

type verifyJSON struct {
	App           string        `json:"app"`
	Sound         bool          `json:"sound"`
	Batches       uint64        `json:"batches"`
	Records       uint64        `json:"records"`
	LogPosition   uint64        `json:"log_position"`
	IndexPosition uint64        `json:"index_position"`
	CIDs          uint64        `json:"cids"`
	Snapshots     int           `json:"snapshots"`
	ModelVersions int           `json:"model_versions"`
	Findings      []findingJSON `json:"findings"`
	Notes         []string      `json:"notes"`
	Seconds       float64       `json:"seconds"`
}

type findingJSON struct {
	Part    string `json:"part"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

func newVerifyJSON(v segments.Verified, models int, seconds float64) verifyJSON {
	out := verifyJSON{
		App: v.App, Sound: len(v.Findings) == 0, Batches: v.Batches, Records: v.Records,
		LogPosition: v.LogPosition, IndexPosition: v.IndexPosition, CIDs: v.CIDs, Snapshots: v.Snapshots, ModelVersions: models,
		Findings: []findingJSON{}, Notes: append([]string{}, v.Notes...), Seconds: math.Round(seconds*1000) / 1000,
	}
	for _, f := range v.Findings {
		out.Findings = append(out.Findings, findingJSON(f))
	}
	return out
}
