package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features/propensity"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
)

type scoreCmd struct {
	CIDs    []string `arg:"" optional:"" name:"cid" help:"Only these, with what moved each most."`
	Model   string   `required:"" placeholder:"NAME" help:"The model."`
	Version string   `placeholder:"N" help:"Which version. Default: the newest."`
	Out     string   `type:"path" placeholder:"FILE" help:"Write cid and probability of everybody eligible to this file as CSV; - for stdout."`
	Cutoff  string   `placeholder:"DAY" help:"Score as at this cut-off: what happened before that day is known. The same as --as-of the day before."`
	reading
}

func (scoreCmd) Help() string {
	return `
Computes the probability of everybody eligible. Without --as-of and --cutoff that is as of the
end of yesterday, the last whole day; the scores of the active version then also go into the
store, where score("NAME") sees them. With --as-of DAY it is as of the end of that day, which is
what training knew at the cut-off of the day after.

Examples:

  whowhen score --model pay
  whowhen score --model pay --out pay.csv
  whowhen score --model pay ana ben
  whowhen score --model pay --version 2 --cutoff 2026-03-01 --out -
`
}

func (c *scoreCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	read, err := c.moment(ctx, m, a)
	if err != nil {
		return err
	}
	if len(c.CIDs) > 0 {
		if c.Out != "" {
			return usageError("--out is for everybody: leave it out, or the CIDs.")
		}
		return c.some(ctx, m, a, read)
	}
	request := &whowhenv1.ScoreAllRequest{App: m.flags.App, Name: c.Model, Version: c.Version, Read: read, Quiet: c.Out == ""}
	why := ""
	if request.Publish, why, err = c.publishes(ctx, m, a, read); err != nil {
		return err
	}
	if !request.Publish && c.Out == "" {
		return usageError("%s: say where to write the scores, --out FILE.", why)
	}
	if info, err := os.Stat(c.Out); err == nil && info.IsDir() {
		return usageError("--out %s is a directory: name a file.", c.Out)
	}
	last, err := c.run(ctx, m, a, request)
	if err != nil {
		return err
	}
	m.warn(last.Warnings)
	if m.flags.JSON && c.Out != "-" {
		return writeJSON(m.Stdout, struct {
			Model     string    `json:"model"`
			Version   string    `json:"version"`
			AsOf      string    `json:"as_of"`
			Scored    uint64    `json:"scored"`
			Published bool      `json:"published"`
			Position  uint64    `json:"position"`
			Warnings  []warning `json:"warnings"`
		}{c.Model, last.Version, stamp(last.AsOf), last.Scored, request.Publish, last.PublishedPosition, newWarnings(last.Warnings)})
	}
	text := fmt.Sprintf("Scored %s with version %s of model %s, as of %s.", plural(last.Scored, "CID", "CIDs"), last.Version, c.Model, stamp(last.AsOf))
	if request.Publish {
		text += fmt.Sprintf(" score(%q) sees them.", c.Model)
	} else {
		text += " They are not in the store: " + why + "."
	}
	if c.Out != "" {
		m.say("%s", text)
		return nil
	}
	return m.print("%s", text)
}

// some scores some CIDs and says why.
func (c *scoreCmd) some(ctx context.Context, m *Main, a *api, read *whowhenv1.Read) error {
	const moved = 5
	answer, err := a.models.Score(ctx, connect.NewRequest(&whowhenv1.ScoreRequest{App: m.flags.App, Name: c.Model, Version: c.Version, Cids: c.CIDs, Moved: moved, Read: read}))
	if err != nil {
		return err
	}
	r := answer.Msg
	m.warn(r.Warnings)
	if m.flags.JSON {
		return m.printMessage(r)
	}
	t := newTable("cid", ">probability", ">odds times", "because of", "")
	for i, s := range r.Scores {
		switch {
		case !s.Known:
			t.add(c.CIDs[i], "-", "", "not heard of by then", "")
			continue
		case !s.Eligible:
			t.add(c.CIDs[i], percent(s.Probability), "", "not one the model speaks of", "")
		default:
			t.add(c.CIDs[i], percent(s.Probability), "", "", "")
		}
		for _, moved := range s.Moved {
			t.add("", "", number(math.Exp(moved.LogOdds), 2), moved.Column, valueText(moved.Value))
		}
	}
	lines := append(t.lines(), "", fmt.Sprintf("Version %s of model %s, as of %s. The average is %s.", r.Version, c.Model, stamp(r.AsOf), percent(r.Average)))
	return m.printLines(lines)
}

func valueText(v *whowhenv1.Value) string {
	switch k := v.GetKind().(type) {
	case *whowhenv1.Value_String_:
		return "is " + k.String_
	case *whowhenv1.Value_Number:
		return "is " + strconv.FormatFloat(k.Number, 'g', 6, 64)
	}
	return "is missing"
}

// moment returns which moment is asked for.
func (c *scoreCmd) moment(ctx context.Context, m *Main, a *api) (*whowhenv1.Read, error) {
	if c.Cutoff == "" {
		return c.read(ctx, a, m.flags.App)
	}
	if c.AsOf != "" {
		return nil, usageError("--cutoff and --as-of are two ways to name one day: give one of them.")
	}
	day, err := propensity.ParseDay(c.Cutoff)
	if err != nil {
		return nil, usageError("--cutoff takes a day such as 2026-01-31, not %s.", strconv.Quote(c.Cutoff))
	}
	zone, err := a.zone(ctx, m.flags.App)
	if err != nil {
		return nil, err
	}
	return &whowhenv1.Read{AtLeastPosition: c.AtLeastPosition, AsOf: timestamppb.New(day.Start(zone).Add(-1))}, nil
}

// publishes says whether the scores go into the store, and otherwise why not. It fails where there is nothing to score with.
func (c *scoreCmd) publishes(ctx context.Context, m *Main, a *api, read *whowhenv1.Read) (ok bool, why string, err error) {
	if c.Model == sendTimeModel {
		return true, "", nil // which the server refuses, and says what to ask instead
	}
	answer, err := a.models.Get(ctx, connect.NewRequest(&whowhenv1.GetModelRequest{App: m.flags.App, Name: c.Model, Version: c.Version}))
	if err != nil {
		return false, "", err
	}
	model, version := answer.Msg.Model, answer.Msg.Version.Version
	switch {
	case read.GetAsOf() != nil:
		return false, "scores of a chosen day do not go into the store", nil
	case model.Problem != "":
		return false, fmt.Sprintf("which version of model %s is active is not known (%s)", c.Model, model.Problem), nil
	case model.Active == version:
		return true, "", nil
	case model.Active == "":
		return false, fmt.Sprintf("no version of model %s is active", c.Model), nil
	}
	return false, fmt.Sprintf("version %s of model %s is active, not %s", model.Active, c.Model, version), nil
}

// run scores, and writes the file if there is to be one. A file that is there is replaced only once the new one is whole.
func (c *scoreCmd) run(ctx context.Context, m *Main, a *api, request *whowhenv1.ScoreAllRequest) (*whowhenv1.ScoreAllResponse, error) {
	switch c.Out {
	case "":
		return m.scoreAll(ctx, a, request, nil)
	case "-":
		return m.scoreAll(ctx, a, request, m.Stdout)
	}
	f, err := os.CreateTemp(filepath.Dir(c.Out), filepath.Base(c.Out)+".tmp*")
	if err != nil {
		return nil, failure("%s cannot be written: %v.", c.Out, innermost(err))
	}
	defer os.Remove(f.Name())
	last, err := m.scoreAll(ctx, a, request, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return nil, err
	}
	return last, os.Rename(f.Name(), c.Out)
}

// probabilityText is a score as expressions can be asked about it.
func probabilityText(p float64) string {
	if code, ok := segments.ScoreAtLeast(p); ok {
		return segments.ScoreText(code)
	}
	return strconv.FormatFloat(p, 'f', -1, 64)
}

// scoreAll has everybody scored and writes them as CSV to out, which may be nil. It returns what was told last, with version and moment.
func (m *Main) scoreAll(ctx context.Context, a *api, request *whowhenv1.ScoreAllRequest, out io.Writer) (*whowhenv1.ScoreAllResponse, error) {
	stream, err := a.models.ScoreAll(ctx, connect.NewRequest(request))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	bar := m.newProgress("CIDs")
	defer bar.end()
	var w *csv.Writer
	headed := false // what is refused, or fails while it is computed, leaves nothing behind
	header := func() error {
		if headed {
			return nil
		}
		headed = true
		return w.Write([]string{"cid", "probability"})
	}
	if out != nil {
		buffer := bufio.NewWriterSize(out, 64<<10)
		defer buffer.Flush()
		w = csv.NewWriter(buffer)
	}
	texts := map[float64]string{} // 65,536 at most
	var head, last *whowhenv1.ScoreAllResponse
	for stream.Receive() {
		last = stream.Msg()
		if head == nil {
			head = &whowhenv1.ScoreAllResponse{Version: last.Version, AsOf: last.AsOf, Position: last.Position, Warnings: last.Warnings}
		}
		bar.count("Scoring", last.Done, last.All)
		for i, cid := range last.Cids {
			if w == nil {
				break
			}
			if err := header(); err != nil {
				return nil, err
			}
			p := last.Probabilities[i]
			text, known := texts[p]
			if !known {
				text = probabilityText(p)
				texts[p] = text
			}
			if err := w.Write([]string{cid, text}); err != nil {
				return nil, err
			}
		}
		head.Done, head.All, head.Scored, head.PublishedPosition = last.Done, last.All, last.Scored, last.PublishedPosition
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	if w != nil {
		if err := header(); err != nil {
			return nil, err
		}
		if w.Flush(); w.Error() != nil {
			return nil, w.Error()
		}
	}
	return head, nil
}
