package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"time"
)

//go:embed report.gohtml
var page string

// HTML writes the report as one page that needs no other file and runs no script.
func (r *Report) HTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"count": count, "share": Share, "odds": odds, "days": days, "brief": brief, "long": func(text string) bool { return brief(text) != text }, "exact": exact, "few": fewPercent,
		"f3":     func(v float64) string { return fmt.Sprintf("%.3f", v) },
		"f4":     func(v float64) string { return fmt.Sprintf("%.4f", v) },
		"f2":     func(v float64) string { return fmt.Sprintf("%.2f", v) },
		"moment": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") },
		"has":    func(c Cutoff) bool { return c.Figures != nil },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("report: the page's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newSheet(r)); err != nil {
		return fmt.Errorf("report: filling the page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// sheet is what the template fills in.
type sheet struct {
	*Report
	Cards      []card
	Others     []other
	Pictures   []*picture
	Timeline   *timeline
	Forest     []strip // the coefficients that matter most, and the others
	ForestRest []strip
	Marks      []label   // of the scale of the forest
	Moved      []drifted // the columns that moved most, and the others
	MovedRest  []drifted
	BestTenth  string
	ByShares   []ShareThreshold // those of the table
	Examples   []Threshold
}

// card is one figure with its interval, large.
type card struct{ Name, Value, Interval, Meaning string }

// other is a row of the comparison with baselines.
type other struct {
	Name   string
	F      Figures
	Better string // than this, in log loss, with interval; "" for the model itself
	Class  string
}

func newSheet(r *Report) *sheet {
	s := &sheet{Report: r, Pictures: []*picture{gain(r), lift(r), calibration(r), distribution(r), disturbed(r)}, Timeline: newTimeline(r)}
	s.Cards = []card{
		newCard("AUC", "%.3f", r.AUC, r.Intervals["auc"], "chance that one who did scores above one who did not; 0.5 is guessing"),
		newCard("Log loss", "%.4f", r.LogLoss, r.Intervals["log_loss"], "lower is better; what the gate judges by"),
		newCard("Lift at 10 %", "%.2f", r.LiftAt10, r.Intervals["lift_at_10"], "positives among the best tenth, against all"),
		newCard("Brier", "%.4f", r.Brier, r.Intervals["brier"], "mean squared error of the probability"),
		newCard("Calibration error", "%.3f", r.CalibrationError, r.Intervals["calibration_error"], "mean gap between predicted and observed"),
	}
	s.Others = []other{{Name: "this model", F: r.Figures, Class: "us"}}
	for _, name := range []string{"recency", "base_rate", "active"} {
		b, there := r.Baselines[name]
		if !there {
			continue
		}
		words := map[string]string{"recency": "recency only", "base_rate": "base rate of training", "active": "the active model"}[name]
		by := signed(b.Better, b.BetterInterval[0], b.BetterInterval[1])
		s.Others = append(s.Others, other{Name: words, F: b.Figures, Better: fmt.Sprintf("%s (%s to %s)", by[0], by[1], by[2])})
	}
	if len(r.Deciles) > 0 {
		s.BestTenth = Share(r.Deciles[0].Observed)
	}
	s.Forest, s.Marks = forest(r.Coefficients)
	s.Forest, s.ForestRest = split(s.Forest, 18)
	for _, d := range r.Drift {
		s.Moved = append(s.Moved, newDrifted(d))
	}
	s.Moved, s.MovedRest = split(s.Moved, 12)
	s.Examples, s.ByShares = examples(r.Thresholds), byShares(r)
	return s
}

// split parts a list after so many, unless what is left would be next to nothing.
func split[T any](all []T, after int) (shown, rest []T) {
	if len(all) <= after+2 {
		return all, nil
	}
	return all[:after], all[after:]
}

func newCard(name, format string, value float64, interval [2]float64, meaning string) card {
	c := card{Name: name, Value: fmt.Sprintf(format, value), Meaning: meaning}
	if interval[0] != 0 || interval[1] != 0 {
		c.Interval = fmt.Sprintf(format+" to "+format, interval[0], interval[1])
	}
	return c
}

// examples are the thresholds shown as a table: every tenth, but for those that reach nobody, or the same people as the one before.
func examples(all []Threshold) []Threshold {
	var some []Threshold
	for _, t := range all {
		tenth := t.Score * 10
		if math.Abs(tenth-math.Round(tenth)) > 1e-6 || t.Score < 0.05 || t.Score > 0.95 || t.Messaged == 0 {
			continue
		}
		if len(some) > 0 && some[len(some)-1].Messaged == t.Messaged {
			continue
		}
		some = append(some, t)
	}
	return some
}

// byShares are the shares shown as a table. Where nearly all are positive, those who need not be messaged are more telling.
func byShares(r *Report) []ShareThreshold {
	wanted := []float64{0.001, 0.01, 0.05, 0.1, 0.2, 0.5}
	if r.Positives > r.Rows/10*9 {
		wanted = append(wanted, 0.8, 0.9, 0.95, 0.99)
	}
	var some []ShareThreshold
	for _, t := range r.ByShare {
		if slices.Contains(wanted, t.Share) {
			some = append(some, t)
		}
	}
	return some
}

// exact writes a threshold as an expression takes it.
func exact(score float64) string { return strconv.FormatFloat(score, 'f', -1, 64) }

func odds(v float64) string {
	if v >= 10 || v < 0.01 {
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// drifted is a row of the table of drift.
type drifted struct {
	Drift
	Width          float64 // of the bar, in percent
	Class, Verdict string
}

func newDrifted(d Drift) drifted {
	out := drifted{Drift: d, Width: round1(min(d.PSI/0.5, 1) * 100), Class: "good", Verdict: "little"}
	switch {
	case d.Grows:
		out.Class, out.Verdict = "grows", "grows with the data"
	case d.PSI >= 0.25:
		out.Class, out.Verdict = "bad", "much"
	case d.PSI >= 0.1:
		out.Class, out.Verdict = "fair", "some"
	}
	return out
}

// LastTest is the index of the test cut-off that the report's figures are of.
func (s *sheet) LastTest() int {
	for i := len(s.Cutoffs) - 1; i >= 0; i-- {
		if s.Cutoffs[i].Use == "test" {
			return i
		}
	}
	return 0
}
