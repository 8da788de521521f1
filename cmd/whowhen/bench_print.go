package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"whowhen.dev/whowhen/segments/bench"
)

// print prints the figures, in a fixed order whatever the order of measuring was, and writes the files asked for.
func (r *benchRun) print() error {
	order := benchFigures()
	slices.SortStableFunc(r.report.Figures, func(a, b bench.Figure) int { return benchRank(order, a.Name) - benchRank(order, b.Name) })
	if r.main.flags.JSON && r.command.File == "" {
		if err := writeJSON(r.main.Stdout, r.report); err != nil {
			return err
		}
	} else if err := r.printTable(); err != nil {
		return err
	}
	var errs []error
	if r.command.File != "" {
		text, err := json.MarshalIndent(r.report, "", "  ")
		if err == nil {
			err = os.WriteFile(r.command.File, append(text, '\n'), 0o644)
		}
		errs = append(errs, err)
	}
	if r.command.SVG != "" {
		picture, err := drawBench(r.report)
		if err == nil {
			err = os.WriteFile(r.command.SVG, picture, 0o644)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// benchRank returns the place of a figure; those of bitmaps come last, in the order of their files.
func benchRank(order []string, name string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

func (r *benchRun) printTable() error {
	t := newTable("figure", ">median", ">99 %", ">rounds", ">a second", ">memory", ">library", ">times as fast", ">result")
	for _, f := range r.report.Figures {
		result := ""
		if f.Result != nil {
			result = grouped(*f.Result)
		}
		library := durationText(f.BaselineP50US)
		if f.QuietP50US > 0 {
			library = durationText(f.QuietP50US) + " quiet"
		}
		t.add(f.Name, durationText(f.P50US), durationText(f.P99US), optional(f.Rounds > 0, grouped(uint64(f.Rounds))),
			optional(f.PerSecond > 0, grouped(uint64(f.PerSecond))), optional(f.Bytes > 0, bytesText(uint64(f.Bytes))),
			library, optional(f.Speedup > 0, timesText(f.Speedup)), result)
	}
	if _, err := fmt.Fprintf(r.main.Stdout, "%s\n", r.report.Machine); err != nil {
		return err
	}
	for _, line := range t.lines() {
		if _, err := fmt.Fprintln(r.main.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}

func optional(there bool, text string) string {
	if !there {
		return ""
	}
	return text
}

// durationText prints microseconds as people read them, and nothing for 0.
func durationText(us float64) string {
	switch {
	case us == 0:
		return ""
	case us < 1000:
		return fmt.Sprintf("%.3g us", us)
	case us < 1e6:
		return fmt.Sprintf("%.3g ms", us/1e3)
	}
	return fmt.Sprintf("%.3g s", us/1e6)
}

// timesText prints a ratio.
func timesText(ratio float64) string {
	if ratio < 1 {
		return fmt.Sprintf("%.2f", ratio)
	}
	return fmt.Sprintf("%.1f", ratio)
}
