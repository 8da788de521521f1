package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"

	"whowhen.dev/whowhen/segments/bench"
)

// figure is how long an engine takes for a query.
type figure struct {
	Name   string `json:"name"`
	Engine string `json:"engine"`
	CIDs   int    `json:"cids"`
	// P50US is the median of the medians of the rounds, in microseconds, LowUS and HighUS the least and the greatest of them.
	P50US  float64 `json:"p50_us"`
	LowUS  float64 `json:"low_us"`
	HighUS float64 `json:"high_us"`
	Rounds int     `json:"rounds"`
	// Result is the answer to the plain form of the query, which all engines gave.
	Result uint64 `json:"result"`
	// Ratio is how many times whowhen's time that is; left out where whowhen was not asked.
	Ratio float64 `json:"ratio,omitempty"`
	// Note says what was asked of what.
	Note string `json:"note"`
}

// report is what --json writes.
type report struct {
	Machine string `json:"machine"`
	// LoadAverage is how many threads wanted a processor in the minute before; left out where the system does not tell.
	LoadAverage *float64  `json:"load_average,omitempty"`
	Figures     []figure  `json:"figures"`
	Skipped     []skipped `json:"skipped,omitempty"`
}

// print prints the figures, and writes the file asked for.
func (c *comparison) print(stdout io.Writer) error {
	r := report{bench.Machine(), c.loadAverage, c.figures, c.skipped}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // there is "<" and "&" in notes
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return err
	}
	switch c.options.json {
	case "-":
		_, err := stdout.Write(text.Bytes())
		return err
	case "":
	default:
		if err := os.WriteFile(c.options.json, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return r.table(stdout, c.contenders)
}

func (r report) table(stdout io.Writer, contenders []*contender) error {
	var text bytes.Buffer
	fmt.Fprintln(&text, r.Machine)
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "figure\tengine\tCIDs\tmedian\tlowest\thighest\ttimes whowhen\tresult\t")
	for _, f := range r.Figures {
		ratio := ""
		if f.Ratio > 0 {
			ratio = fmt.Sprintf("%.3g", f.Ratio)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%d\t\n", f.Name, f.Engine, f.CIDs, timeText(f.P50US), timeText(f.LowUS), timeText(f.HighUS), ratio, f.Result)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, c := range contenders {
		fmt.Fprintf(&text, "%s: %s\n", c.name, c.what)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(&text, "%s: skipped: %s\n", s.Engine, s.Reason)
	}
	if load := r.LoadAverage; load != nil && *load > busy*float64(runtime.NumCPU()) {
		fmt.Fprintf(&text, "The machine was busy with other things (load average %.1f on %d cores), which draws out long queries more than short ones: "+
			"measure again when it is quiet.\n", *load, runtime.NumCPU())
	}
	_, err := stdout.Write(text.Bytes())
	return err
}

// busy is from which load average for each processor on figures are not to be trusted.
const busy = .25

// loadAverage returns the load average of the last minute, or nil where the system does not tell.
func loadAverage() *float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return nil
	}
	return &load
}

// timeText prints microseconds as people read them.
func timeText(us float64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%.3g us", us)
	case us < 1e6:
		return fmt.Sprintf("%.3g ms", us/1e3)
	}
	return fmt.Sprintf("%.3g s", us/1e6)
}
