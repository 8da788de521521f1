package main

import (
	"context"
	"fmt"
	"strings"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type statusCmd struct{}

func (statusCmd) Help() string {
	return `
Prints the names in use, with how many CIDs or events each has, and the state of the log and
the index. It is the place to look up how something is spelt.

Examples:

  whowhen status
  whowhen status --json
`
}

func (c *statusCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	answer, err := a.admin.Status(ctx, connect.NewRequest(&whowhenv1.StatusRequest{App: m.flags.App}))
	if err != nil {
		return err
	}
	if m.flags.JSON {
		return writeJSON(m.Stdout, newStatusJSON(answer.Msg))
	}
	for _, line := range statusLines(answer.Msg, m.page().width) {
		if _, err := fmt.Fprintln(m.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}

func statusLines(s *whowhenv1.StatusResponse, width int) []string {
	state := "takes writes"
	if !s.Writable {
		state = "read-only: " + s.WhyReadOnly
	}
	summary := &table{headers: []string{"", ""}}
	summary.add("app", fmt.Sprintf("%s, days of %s", s.App, s.Zone))
	summary.add("state", state)
	summary.add("CIDs", grouped(s.Cids))
	summary.add("log", fmt.Sprintf("%s, on disk up to position %s", bytesText(s.LogBytes), grouped(s.DurablePosition)))
	summary.add("index", fmt.Sprintf("%s, visible up to position %s, saved up to %s", bytesText(s.IndexBytes), grouped(s.VisiblePosition), grouped(s.CheckpointPosition)))
	summary.add("memory", fmt.Sprintf("%s not saved yet, %s of %s cache%s", bytesText(s.DirtyBytes), bytesText(s.CacheBytes), bytesText(s.CacheBudgetBytes), hitRate(s.CacheHits, s.CacheMisses)))
	summary.add("version", fmt.Sprintf("%s, opened at %s", s.Version, stamp(s.StartedAt)))
	summary.add("process", fmt.Sprintf("%s of memory, %s", bytesText(s.MemoryBytes), plural(s.Goroutines, "goroutine", "goroutines")))
	if s.WhyNoSnapshot != "" {
		summary.add("snapshot", "none can be made: "+s.WhyNoSnapshot)
	}
	if s.Recovery != "" {
		summary.add("opening", s.Recovery)
	}
	lines := summary.lines()[1:] // without the empty headers
	section := func(t *table) {
		if len(t.rows) > 0 {
			lines = append(append(lines, ""), t.lines()...)
		}
	}

	events := newTable("event", ">count", "first day", "last day", "properties")
	for _, e := range s.Events {
		events.add(e.Name, grouped(e.Count), e.FirstDay, e.LastDay, "")
	}
	used := 0 // columns before the properties, which take what is left
	for _, line := range events.lines() {
		used = max(used, len([]rune(line)))
	}
	wrapped := newTable(events.headers...)
	for i, e := range s.Events {
		cells := events.rows[i]
		for _, names := range wrap(strings.Join(e.Properties, ", "), width-used-2) {
			cells[4] = names
			wrapped.add(cells...)
			cells = []string{"", "", "", "", ""}
		}
	}
	section(wrapped)

	attributes := newTable("attribute", "type", ">CIDs")
	for _, f := range s.Attributes {
		attributes.add(f.Name, f.Type, grouped(f.Cids))
	}
	section(attributes)

	tags := newTable("tag", ">CIDs")
	for _, f := range s.Tags {
		tags.add(f.Name, grouped(f.Cids))
	}
	section(tags)
	section(retentionTable(s.Retentions))
	section(modelTable(s.Models))
	for _, m := range s.Models {
		for _, finding := range m.Check.GetFindings() {
			lines = append(lines, fmt.Sprintf("%s: %s", m.Name, sentence(finding)))
		}
	}
	return lines
}

// modelTable says how the active models are. The findings of the last check follow it, as they are sentences.
func modelTable(models []*whowhenv1.ModelStatus) *table {
	t := newTable("model", ">active", "in the store", ">CIDs", ">stability")
	for _, m := range models {
		stored, cids, stability := "", "", ""
		if p := m.Published; p != nil {
			stored, cids = storedText(p), grouped(p.Cids)
		}
		if m.Check != nil {
			stability = number(m.Check.ScoreStability, 3)
		}
		if m.Problem != "" {
			stored = m.Problem
		}
		t.add(m.Name, m.Active, stored, cids, stability)
	}
	return t
}

// hitRate says which share of the fragments that queries used were in memory; nothing before the first query.
func hitRate(hits, misses uint64) string {
	if hits+misses == 0 {
		return ""
	}
	return fmt.Sprintf(", where %.1f %% of what queries used was found", 100*float64(hits)/float64(hits+misses))
}
