package serve

import (
	"strings"
	"testing"

	"whowhen.dev/whowhen/models"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// TestWhatItsReportShows holds that nobody is told to train again because of days that the training itself judged by.
func TestWhatItsReportShows(t *testing.T) {
	a := &models.Artifact{Training: models.Training{Cutoffs: []string{"2026-01-01"}, TestCutoffs: []string{"2026-02-12", "2026-02-20"}, HorizonDays: 30}}
	for _, test := range []struct{ cutoff, want string }{
		{"2026-02-12", "%, as its report shows"},
		{"2026-02-15", "%, as its report shows"},
		{"2026-02-20", "%, as its report shows"},
		{"2026-02-21", "%: train again"},
	} {
		c := &whowhenv1.ModelCheck{Version: "1", Eligible: 1000, OutcomesCutoff: test.cutoff, Outcomes: []*whowhenv1.Outcome{{Cids: 1000, Positives: 300, Probability: 0.1}}}
		if f := findingsOf(a, c, "", ""); len(f) != 1 || !strings.HasSuffix(f[0], test.want) {
			t.Errorf("%s: %q", test.cutoff, f)
		}
	}
}

// TestColumnsThatGrow holds that columns are told as moved but for those that do so in any case.
func TestColumnsThatGrow(t *testing.T) {
	c := &whowhenv1.ModelCheck{Columns: []*whowhenv1.ColumnStability{
		{Column: "tenure", Stability: 3, Grows: true}, {Column: `count("open", within 7d)`, Stability: 0.5}, {Column: `recency("open")`, Stability: 0.2}}}
	if f := findingsMoved(c); len(f) != 1 || !strings.HasPrefix(f[0], `count("open", within 7d) is not distributed`) {
		t.Errorf("%q", f)
	}
	y := newYears(t, 20)
	for _, column := range y.check("1").Columns { // trained with a month of history
		if want := column.Column == `recency("open")`; column.Grows != want {
			t.Errorf("%v", column)
		}
	}
}
