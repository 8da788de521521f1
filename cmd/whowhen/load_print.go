package main

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"whowhen.dev/whowhen/cmd/internal/load"
)

type countsJSON struct {
	Rows     uint64 `json:"rows"`
	Accepted uint64 `json:"accepted"`
	Rejected uint64 `json:"rejected"`
	Skipped  uint64 `json:"skipped"`
}

type fileJSON struct {
	Path   string `json:"path"`
	LoadID string `json:"load_id"`
	countsJSON
	Earlier       countsJSON `json:"earlier"`
	AlreadyLoaded bool       `json:"already_loaded"`
	Position      uint64     `json:"position"`
}

func newCountsJSON(c load.Counts) countsJSON {
	return countsJSON{c.Rows, c.Accepted, c.Rejected, c.Skipped}
}

// printLoad prints what became of the rows.
func printLoad(m *Main, s *load.Summary) error {
	if m.flags.JSON {
		return printLoadJSON(m, s)
	}
	t := newTable("file", ">rows", ">taken", ">rejected", ">left out")
	for i := range s.Files {
		f := &s.Files[i]
		t.add(filepath.Base(f.Path), grouped(f.Rows), grouped(f.Accepted), grouped(f.Rejected), grouped(f.Skipped))
	}
	lines := t.lines()
	for i := range s.Files {
		f := &s.Files[i]
		switch {
		case f.AlreadyLoaded:
			lines = append(lines, fmt.Sprintf("%s was loaded before, with the same flags: nothing to do.", filepath.Base(f.Path)))
		case f.Earlier.Rows > 0:
			lines = append(lines, fmt.Sprintf("%s went on from row %s, where an earlier load had been interrupted.", filepath.Base(f.Path), grouped(f.Earlier.Rows+1)))
		}
	}
	if s.Rejected > 0 {
		reasons := newTable("", ">")
		for _, reason := range byCount(s.RejectedBy) {
			reasons.add("  "+reason, grouped(s.RejectedBy[reason]))
		}
		lines = append(lines, fmt.Sprintf("Rejected rows are in %s, with reasons:", s.RejectsPath))
		lines = append(lines, reasons.lines()[1:]...)
	}
	if s.Rows > 0 {
		last := fmt.Sprintf("The app's log is at position %d now", s.Position)
		if s.Seconds >= 0.1 && s.Rows >= 1000 { // less says nothing about a rate
			last += fmt.Sprintf("; %s rows/s in %.1f s", grouped(uint64(float64(s.Rows)/s.Seconds)), s.Seconds)
		}
		lines = append(lines, last+".")
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(m.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// byCount returns the reasons, the most frequent first.
func byCount(counts map[string]uint64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

func printLoadJSON(m *Main, s *load.Summary) error {
	files := []fileJSON{}
	for i := range s.Files {
		f := &s.Files[i]
		files = append(files, fileJSON{f.Path, f.LoadID, newCountsJSON(f.Counts), newCountsJSON(f.Earlier), f.AlreadyLoaded, f.Position})
	}
	rejectedBy := s.RejectedBy
	if rejectedBy == nil {
		rejectedBy = map[string]uint64{}
	}
	return writeJSON(m.Stdout, struct {
		countsJSON
		Earlier       countsJSON        `json:"earlier"`
		AlreadyLoaded bool              `json:"already_loaded"`
		RejectedBy    map[string]uint64 `json:"rejected_by"`
		RejectsPath   string            `json:"rejects_path"`
		Position      uint64            `json:"position"`
		Seconds       float64           `json:"seconds"`
		Warnings      []string          `json:"warnings"`
		Files         []fileJSON        `json:"files"`
	}{
		newCountsJSON(s.Counts), newCountsJSON(s.Earlier), s.AlreadyLoaded(), rejectedBy,
		s.RejectsPath, s.Position, s.Seconds, append([]string{}, s.Warnings...), files,
	})
}
