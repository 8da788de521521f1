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

type offsetsJSON struct {
	Times  uint64 `json:"times"`
	Least  string `json:"least"`
	Most   string `json:"most"`
	Clocks bool   `json:"clocks"`
}

// newOffsetsJSON returns nil where no time has an offset, or nobody asked.
func newOffsetsJSON(o *load.Offsets) *offsetsJSON {
	if o.Times == 0 {
		return nil
	}
	return &offsetsJSON{o.Times, o.Least, o.Most, o.Clocks}
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
	if s.Offsets.Times > 0 {
		lines = append(lines, offsetsText(&s.Offsets))
	}
	if s.Rejected > 0 {
		reasons := newTable("", ">")
		for _, reason := range byCount(s.RejectedBy) {
			reasons.add("  "+reason, grouped(s.RejectedBy[reason]))
		}
		lines = append(lines, fmt.Sprintf("Rejected rows are in %s, with reasons:", s.RejectsPath))
		lines = append(lines, reasons.lines()[1:]...)
	}
	if s.Position > 0 && s.Rows > 0 {
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

// takenText says what a load that failed had brought in by then; "" where that is nothing.
func takenText(s *load.Summary) string {
	switch {
	case s.Unanswered == 0 && s.Accepted == 0:
		return ""
	case s.Unanswered == 0:
		return plural(s.Accepted, "row was", "rows were") + " taken before that."
	case s.Accepted == 0:
		return "Up to " + plural(s.Unanswered, "row", "rows") + " may have been taken before that."
	}
	return "At least " + plural(s.Accepted, "row was", "rows were") + " taken before that."
}

// offsetsText says what the offsets of times were taken for.
func offsetsText(o *load.Offsets) string {
	times := plural(o.Times, "time has", "times have")
	switch {
	case !o.Clocks:
		return fmt.Sprintf("%s the offset %s, which is taken for the machine's that wrote them; --offsets clock takes it for the CIDs'.", times, o.Least)
	case o.Least == o.Most:
		return fmt.Sprintf("%s the offset %s, which is taken for the clocks of the CIDs.", times, o.Least)
	}
	return fmt.Sprintf("%s an offset of their own, from %s to %s, which are taken for the clocks of the CIDs; --offsets ignore takes them for a machine's.", times, o.Least, o.Most)
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
		Offsets       *offsetsJSON      `json:"offsets"`
		Seconds       float64           `json:"seconds"`
		Warnings      []string          `json:"warnings"`
		Files         []fileJSON        `json:"files"`
	}{
		newCountsJSON(s.Counts), newCountsJSON(s.Earlier), s.AlreadyLoaded(), rejectedBy,
		s.RejectsPath, s.Position, newOffsetsJSON(&s.Offsets), s.Seconds, append([]string{}, s.Warnings...), files,
	})
}
