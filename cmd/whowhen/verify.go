package main

import (
	"context"
	"fmt"

	"whowhen.dev/whowhen/segments"
)

type verifyCmd struct{}

func (verifyCmd) Help() string {
	return `
Reads everything an app has on disk and checks it: each record of the log, and the saved index
against itself. Nothing is mended, but the unfinished end of a log is cut off, as
at every start. The directory must not be in use; a copy will do.

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
	v, err := segments.Verify(ctx, m.flags.Data, m.flags.App, segments.Options{Clock: m.Clock.Now, Logger: m.quietLogger()}, func(what string) {
		if m.StderrWidth > 0 {
			fmt.Fprintf(m.Stderr, "\r%-40s\r", what)
		}
	})
	if err != nil {
		return err
	}
	if m.flags.JSON {
		if err := writeJSON(m.Stdout, newVerifyJSON(v)); err != nil {
			return err
		}
	} else if err := printVerified(m, v); err != nil {
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

func printVerified(m *Main, v segments.Verified) error {
	for _, f := range v.Findings {
		if _, err := fmt.Fprintf(m.Stdout, "%s: %s\n  What to do: %s.\n", f.Part, f.Problem, f.Remedy); err != nil {
			return err
		}
	}
	state := "All is sound"
	if len(v.Findings) > 0 {
		state = "Looked at"
	}
	_, err := fmt.Fprintf(m.Stdout, "%s: %d batches with %d records up to position %d of the log, and the index at position %d with %d CIDs.\n",
		state, v.Batches, v.Records, v.LogPosition, v.IndexPosition, v.CIDs)
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
	Findings      []findingJSON `json:"findings"`
}

type findingJSON struct {
	Part    string `json:"part"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

func newVerifyJSON(v segments.Verified) verifyJSON {
	out := verifyJSON{
		App: v.App, Sound: len(v.Findings) == 0, Batches: v.Batches, Records: v.Records,
		LogPosition: v.LogPosition, IndexPosition: v.IndexPosition, CIDs: v.CIDs, Findings: []findingJSON{},
	}
	for _, f := range v.Findings {
		out.Findings = append(out.Findings, findingJSON(f))
	}
	return out
}
