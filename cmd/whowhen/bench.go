package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"whowhen.dev/whowhen/segments/bench"
)

type benchCmd struct {
	CIDs    int         `name:"cids" default:"10000000" placeholder:"N" help:"How many CIDs to make; default 10,000,000. With 1,000,000 it takes a minute."`
	Only    []string    `placeholder:"FIGURE,..." help:"Measure these figures only; bitmaps stands for those of --bitmaps."`
	Rounds  int         `default:"200" placeholder:"N" help:"How often each query is asked at most; default 200. Each figure takes 5 s for itself at most, less with fewer rounds."`
	Seed    uint64      `default:"1" placeholder:"N" help:"What the data is made from."`
	Dir     string      `placeholder:"DIR" help:"Keep the data in this directory, and use what is there. Default: a temporary one."`
	SVG     string      `name:"svg" placeholder:"FILE" help:"Draw the figures."`
	Draw    []string    `placeholder:"FILE,..." help:"Measure nothing, and draw with --svg how the times in these files, written with --json, grow with the number of CIDs."`
	Profile string      `name:"cpu-profile" placeholder:"FILE" help:"Write a CPU profile of what is measured, for go tool pprof; -tagfocus figure=and5 shows one of the queries."`
	Bitmaps bitmapFiles `placeholder:"FILE..." help:"Also unite and intersect real bitmaps: zip files of comma-separated numbers, as the authors of roaring publish theirs."`
	File    string      `arg:"" optional:"" name:"file" help:"Where --json writes; standard output, in place of the table, when left out."`
}

func (benchCmd) Help() string {
	return `
Makes data from a seed (40 tags, 30 days of 5 events, 4 numbers), asks it the queries below in ever
different ways, of the engine and over RPC on this machine, and asks the roaring library, used well,
the same in the same run: whole bitmaps, run-optimised, changed in place and counted without being
made; a byte for each CID where days and events are counted, which is faster than adding bitmaps up;
a bitmap for each category and day where there is a where. It checks that every answer agrees; one
that does not ends it, with exit code 1. Whatever writes, writes to a copy where the data is kept.

  and5, and5_rpc   (a and b and (c or d)) and not e, at densities .5 .3 .1 .05 .2; over RPC
  and5_wide        and5 of 25 tags in turn, which are more than the processor's caches hold
  and5_cold        the same from the store, when nothing of it is in memory
  days3of30        days("open", within 30d) >= 3, at 3 % a day
  count3of30       count("click", within 30d) >= 3
  where30          did("open" where category = "shoes", within 30d)
  gt10bit          points > 511, a number of 10 bits
  top100k          the 100,000 CIDs with the greatest of a number of 16 bits
  select_packed    streaming half of all CIDs over RPC, 16 bytes each; select_strings as text
  write            65,536 events at a time of known CIDs over RPC, each batch on disk
  load             whowhen load on a CSV file of 5 columns
  restart          from opening the directory to the first answer
  memory           what the process takes beside the cache of fragments
  mixed_p99        and5_rpc at a steady rate while 200,000 events a second come in

Examples:

  whowhen bench --cids 1000000
  whowhen bench --json figures.json --svg figures.svg
  whowhen bench --only and5,days3of30 --dir /tmp/ten-million
  whowhen bench --draw 1m.json,10m.json --svg growth.svg
  whowhen bench --only bitmaps --bitmaps census1881.zip wikileaks.zip
`
}

// bitmapFiles are the values of --bitmaps: as many as follow it and end in .zip, one at least.
type bitmapFiles []string

// Decode takes the files from the command line.
func (b *bitmapFiles) Decode(ctx *kong.DecodeContext) error {
	for {
		var file string
		if err := ctx.Scan.PopValueInto("file", &file); err != nil {
			return err
		}
		*b = append(*b, file)
		next, ok := ctx.Scan.Peek().Value.(string)
		if !ok || strings.HasPrefix(next, "-") || filepath.Ext(next) != ".zip" {
			return nil
		}
	}
}

// benchReport is what a run prints.
type benchReport struct {
	Machine string         `json:"machine"`
	Figures []bench.Figure `json:"figures"`
}

func (c *benchCmd) Run(ctx context.Context, m *Main) error {
	if len(c.Draw) > 0 {
		return c.growth()
	}
	if err := c.check(m); err != nil {
		return err
	}
	run := &benchRun{
		main: m, command: c, notice: m.newNotice(lineEvery),
		pace:   bench.Pace{Rounds: c.Rounds, Budget: min(time.Duration(c.Rounds)*benchPatience/200, benchPatience), Now: m.Clock.Now},
		report: benchReport{Machine: bench.Machine()},
	}
	err := errors.Join(run.all(ctx), run.close())
	run.notice.end()
	if err != nil {
		return err
	}
	return run.print()
}

// benchPatience is for how long a query of a figure is asked.
const benchPatience = 5 * time.Second

func (c *benchCmd) check(m *Main) error {
	const fewest, most = 1000, 100_000_000
	switch {
	case m.flags.Server != "":
		return usageError("bench measures this machine, and cannot be sent to a server.")
	case c.CIDs < fewest || c.CIDs > most:
		return usageError("--cids takes a number from %s to %s, not %d.", grouped(uint64(fewest)), grouped(uint64(most)), c.CIDs)
	case c.Rounds < 1:
		return usageError("--rounds takes a number above 0, not %d.", c.Rounds)
	case c.File != "" && !m.flags.JSON:
		return usageError("what is %s for? To write JSON to it: --json %s.", quoteForShell(c.File), quoteForShell(c.File))
	}
	for _, name := range c.Only {
		if name == benchBitmaps && len(c.Bitmaps) == 0 {
			return usageError("--only %s: name the files with --bitmaps.", benchBitmaps)
		}
		if name != benchBitmaps && !slices.Contains(benchFigures(), name) {
			return usageError("--only: there is no figure %q; there are %s and %s.", name, strings.Join(benchFigures(), ", "), benchBitmaps)
		}
	}
	return nil
}

// wants says whether any of some figures is asked for.
func (c *benchCmd) wants(names ...string) bool {
	if len(c.Only) == 0 {
		return true
	}
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(c.Only, name) })
}
