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
		"count": count, "share": Share, "odds": odds, "days": days, "brief": brief, "long": func(text string) bool { return brief(text) != text }, "exact": exact, "few": fewPercent, "narrow": narrow,
		"f3":     func(v float64) string { return fmt.Sprintf("%.3f", v) },
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
	Beyond     bool      // whether a coefficient lies beyond the scale
	Moved      []drifted // the columns that moved most, and the others
	MovedRest  []drifted
	FarMoved   bool     // whether a bar of them is cut
	LogLosses  []string // of the cut-offs, "" for those that have none
	BestTenth  string
	ByShares   []ShareThreshold // those of the table
	Examples   []Threshold
}

// card is one figure with its interval, large.
type card struct{ Name, Value, Interval, Meaning string }

// other is a row of the comparison with baselines.
type other struct {
	Name   string
	F      Means
	Better string // than this, in log loss, with interval; "" for the model itself
	Class  string
	// LogLoss and Brier are written with digits that tell the rows apart.
	LogLoss, Brier string
}

func newSheet(r *Report) *sheet {
	s := &sheet{Report: r, Pictures: []*picture{gain(r), lift(r), calibration(r), distribution(r), disturbed(r)}, Timeline: newTimeline(r)}
	s.Cards = []card{
		newCard("AUC", 3, r.AUC, r.Intervals["auc"], "chance that one who did scores above one who did not; 0.5 is guessing"),
		newCard("Log loss", max(4, digitsFor(r.LogLoss, 3)), r.LogLoss, r.Intervals["log_loss"], "lower is better; what the gate judges by"),
		newCard("Lift at 10 %", 2, r.LiftAt10, r.Intervals["lift_at_10"], "positives among the best tenth, against all"),
		newCard("Brier", max(4, digitsFor(r.Brier, 3)), r.Brier, r.Intervals["brier"], "mean squared error of the probability"),
		newCard("Calibration error", max(3, digitsFor(r.CalibrationError, 2)), r.CalibrationError, r.Intervals["calibration_error"], "mean gap between predicted and observed"),
	}
	s.Others, s.LogLosses = others(r), logLosses(r.Cutoffs)
	if len(r.Deciles) > 0 {
		s.BestTenth = Share(r.Deciles[0].Observed)
	}
	s.Forest, s.Marks = forest(r.Coefficients)
	s.Beyond = slices.ContainsFunc(s.Forest, func(c strip) bool { return c.Less || c.More })
	s.Forest, s.ForestRest = split(s.Forest, 18)
	for _, d := range r.Drift {
		s.Moved = append(s.Moved, newDrifted(d))
	}
	s.FarMoved = slices.ContainsFunc(s.Moved, func(d drifted) bool { return d.Cut })
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

func newCard(name string, digits int, value float64, interval [2]float64, meaning string) card {
	c := card{Name: name, Value: fmt.Sprintf("%.*f", digits, value), Meaning: meaning}
	if interval[0] != 0 || interval[1] != 0 {
		c.Interval = fmt.Sprintf("%.*f to %.*f", digits, interval[0], digits, interval[1])
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
	switch {
	case v >= 1e6 || v < 0.01:
		return fmt.Sprintf("%.2g", v)
	case v >= 10:
		return count(int(math.Round(v)))
	}
	return fmt.Sprintf("%.2f", v)
}

// drifted is a row of the table of drift.
type drifted struct {
	Drift
	Width          float64 // of the bar, in percent
	Cut            bool    // whether the bar would be longer
	Class, Verdict string
}

// longestBar is the index of drift whose bar takes all the room.
const longestBar = 0.5

func newDrifted(d Drift) drifted {
	out := drifted{Drift: d, Width: round1(min(d.PSI/longestBar, 1) * 100), Cut: d.PSI > longestBar, Class: "good", Verdict: "little"}
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
