package training

import (
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/training/report"
)

// TestDriftOfGrowth holds that a score which moved with columns that grow with the data is said to have done so, and that another is not excused by
// them.
func TestDriftOfGrowth(t *testing.T) {
	w := newWorld(13, 1200, 120)
	j, m := fit(t, w.app(t, w.first+120, nil), opens(), quick())
	trials, err := j.judge(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	at := trials[len(trials)-1]
	var before report.Report
	if err := j.drift(&before, m, at); err != nil {
		t.Fatal(err)
	}
	grows, stays := -1, -1
	for i, c := range m.Model.Columns() {
		k := slices.IndexFunc(before.Drift, func(d report.Drift) bool { return d.Column == c.Name })
		switch d := before.Drift[k]; {
		case d.Grows && grows < 0:
			grows = i
		case !d.Grows && len(m.ColumnBins[i].Shares) > 4 && stays < 0:
			stays = i
		}
	}
	if grows < 0 || stays < 0 {
		t.Fatalf("the columns are %+v", before.Drift)
	}
	// Puts all that was counted into one bin.
	move := func(counts []int64) []int64 {
		moved := make([]int64, len(counts))
		for _, n := range counts {
			moved[len(counts)-2] += n
		}
		return moved
	}
	columns := slices.Clone(at.columns)
	for _, test := range []struct {
		name    string
		moved   []int
		score   bool
		says    []string
		notSays string
	}{
		{"nothing", nil, false, nil, "moved"},
		{"a column that grows", []int{grows}, false, nil, "moved"},
		{"the score, too", []int{grows}, true, []string{"so did columns that grow with the data, and no others", "need not mean that the world is another one"}, ": those who are eligible are others than"},
		{"one that does not grow", []int{grows, stays}, true, []string{"columns moved much", "one more moved that grows with the data", ": those who are eligible are others than"}, "and no others"},
		{"the score alone", nil, true, []string{": those who are eligible are others than"}, "and no others"},
	} {
		trial := *at
		trial.columns = slices.Clone(columns)
		// Where a column has moved of itself, as time has passed, it is put back.
		for i := range trial.columns {
			trial.columns[i] = as(m.ColumnBins[i].Shares)
		}
		trial.scores = as(m.ScoreBins.Shares)
		for _, i := range test.moved {
			trial.columns[i] = move(trial.columns[i])
		}
		if test.score {
			trial.scores = move(trial.scores)
		}
		j.warnings = nil
		var r report.Report
		if err := j.drift(&r, m, &trial); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(j.warnings, "\n")
		for _, says := range test.says {
			if !strings.Contains(all, says) {
				t.Errorf("%s: the warnings do not say %q: %s", test.name, says, all)
			}
		}
		if strings.Contains(all, test.notSays) {
			t.Errorf("%s: the warnings say %q: %s", test.name, test.notSays, all)
		}
	}
}

// as makes counts of shares.
func as(shares []float64) []int64 {
	counts := make([]int64, len(shares))
	for i, s := range shares {
		counts[i] = int64(s * 1e6)
	}
	return counts
}
