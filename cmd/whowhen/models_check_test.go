package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// TestStabilityTable holds that columns which move in any case are marked.
func TestStabilityTable(t *testing.T) {
	lines := stabilityTable(&whowhenv1.ModelCheck{ScoreStability: 0.1, Columns: []*whowhenv1.ColumnStability{
		{Column: "tenure", Stability: 0.5434, Grows: true}, {Column: `recency("open")`, Stability: 0.3}, {Column: `recency("buy")`, Stability: 0.1}}}, 2).lines()
	for i, want := range []string{"stability", "score 0.100", "tenure 0.543 grows", `recency("open") 0.300`} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if len(lines) != 4 {
		t.Errorf("%q", lines)
	}
}

// TestForetoldLines holds that what was foretold stands apart from what another version would have foretold.
func TestForetoldLines(t *testing.T) {
	at := timestamppb.New(time.Date(2026, 2, 1, 0, 5, 0, 0, time.UTC))
	tenths := func(probability float64) []*whowhenv1.Outcome {
		return []*whowhenv1.Outcome{{Cids: 100, Positives: 40, Probability: probability}, {Cids: 300, Positives: 20, Probability: probability / 2}}
	}
	newest := func(version string) *whowhenv1.Foretold {
		return &whowhenv1.Foretold{Cutoff: "2026-02-01", Version: version, At: at, Cids: 400, Probability: 0.25, Outcomes: tenths(0.4)}
	}
	same, instead, gone := newest("3"), newest("1"), newest("2")
	instead.Instead, instead.InsteadSaw = tenths(0.8), true
	gone.Outcomes, gone.Problem = nil, "the files of version 2 are not there any more"
	base := func(f ...*whowhenv1.Foretold) *whowhenv1.ModelCheck {
		return &whowhenv1.ModelCheck{Version: "3", Outcomes: tenths(0.4), OutcomesCutoff: "2026-02-01", Foretold: f}
	}
	damaged := base()
	damaged.ForetoldProblem = "scorings.jsonl cannot be read"
	later := base(same)
	later.OutcomesCutoff = "2026-02-05"
	for _, test := range []struct {
		name      string
		of        *whowhenv1.ModelCheck
		has, none []string
	}{
		{"nothing was", base(), []string{"No scores in the store have been judged yet", "Of those eligible on 2026-02-01 version 3 would have foretold"}, []string{"by version"}},
		{"that is not known", damaged, []string{"Of those eligible on 2026-02-01 version 3 would have foretold"}, []string{"No scores", "scorings.jsonl"}},
		{"by this version", base(same), []string{"For 2026-02-01, by version 3", "25.0 %", "15.0 %"}, []string{"would have"}},
		{"by this version, on another day", later, []string{"For 2026-02-01, by version 3", "Of those eligible on 2026-02-05 version 3 would have"}, nil},
		{"by another", base(instead), []string{"For 2026-02-01, by version 1", "For 2026-02-01 version 3, which was trained on a part of what came, would have foretold:", "50.0 %"}, []string{"Of those eligible"}},
		{"earlier by one that is gone", base(same, gone), []string{"2026-02-01: the files of version 2 are not there any more."}, []string{"by version 2"}},
		{"by one that is gone", base(gone), []string{"not known", "Of those eligible on 2026-02-01 version 3 would have"}, []string{"by version 2"}},
	} {
		text := strings.Join(foretoldLines(test.of), "\n")
		for _, want := range test.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", test.name, want, text)
			}
		}
		for _, bad := range test.none {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q in\n%s", test.name, bad, text)
			}
		}
	}
	if testing.Verbose() {
		t.Log("\n" + strings.Join(foretoldLines(base(instead, gone)), "\n"))
	}
}

// TestOpposedIsShown has a column that goes the other way than it would alone, which is said of it and of no other.
func TestOpposedIsShown(t *testing.T) {
	lines := shownLines(&whowhenv1.GetModelResponse{Model: &whowhenv1.Model{Name: "churn"}, Version: &whowhenv1.ModelVersion{Version: "1"}, Effects: []*whowhenv1.ModelEffect{
		{Column: "a", Kind: "number", From: 1, To: 2, LogOdds: 0.5, StandardError: 0.1},
		{Column: "b", Kind: "number", From: 1, To: 2, LogOdds: -0.4, StandardError: 0.1, Opposed: true},
	}})
	told := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "a ") || strings.HasPrefix(line, "b ") {
			told++
		}
		if strings.HasPrefix(line, "a ") != strings.HasSuffix(line, "2.01") || strings.HasPrefix(line, "b ") != strings.HasSuffix(line, "alone the other way") {
			t.Errorf("%q", line)
		}
	}
	if told != 2 {
		t.Errorf("%q", lines)
	}
}
