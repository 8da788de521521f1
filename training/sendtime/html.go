package sendtime

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed report.gohtml
var page string

// HTML writes the report as one page that needs no other file and runs no script.
func (r *Report) HTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"count": count, "percent": percent, "words": MethodWords,
		"sentence": func(s string) string { return strings.ToUpper(s[:1]) + s[1:] },
		"f3":       func(v float64) string { return fmt.Sprintf("%.3f", v) },
		"f4":       func(v float64) string { return fmt.Sprintf("%.4f", v) },
		"signed":   func(v float64) string { return fmt.Sprintf("%+.4f", v) },
		"moment":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("sendtime: the page's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newSheet(r)); err != nil {
		return fmt.Errorf("sendtime: filling the page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// sheet is what the template fills in.
type sheet struct {
	*Report
	Cards    []card
	Heat     *picture
	Pictures []*picture
	Told     []card     // of messages
	Answers  []*picture // to messages
	Examples []*picture
}

// card is one figure with its interval, large.
type card struct{ Name, Value, Interval, Meaning string }

func newSheet(r *Report) *sheet {
	s := &sheet{Report: r}
	between := func(i Interval) string { return fmt.Sprintf("95 %%: %.4f to %.4f", i[0], i[1]) }
	s.Cards = []card{
		{"First hour hit", fmt.Sprintf("%.1f %%", 100*r.HitAt1), between(r.Intervals.HitAt1), "of the days with activity held some in the hour ranked first"},
		{"One of three hit", fmt.Sprintf("%.1f %%", 100*r.HitAt3), between(r.Intervals.HitAt3), "held some in one of the first three"},
		{"Log loss", fmt.Sprintf("%.4f", r.LogLoss), between(r.Intervals.LogLoss), "of the 24 probabilities; lower is better"},
		{"A day ahead", fmt.Sprintf("%.1f %%", 100*r.DayAhead.HitAt1), between(r.DayAhead.Intervals.HitAt1), "first hour hit when the day before is unknown, too"},
		{"Calibration error", fmt.Sprintf("%.4f", r.CalibrationError), "", "mean gap between predicted and observed"},
	}
	if r.curves != nil {
		s.Heat = heatMap(r.curves)
	}
	s.Pictures = []*picture{
		hitCurves(r), byEvidence(r),
		calibration("What came of probabilities of hours", "On the line, probabilities mean what they say. Dots of fewer than 30 are left out.", r.Calibration, 0.05),
		calibration("What came of probabilities of days", "Activity on a day at all, over days with and without it. Dots of fewer than 30 are left out.", r.ActiveDay.Calibration, 0.05),
	}
	s.Told, s.Answers = messageCards(&r.Messages), messagePictures(&r.Messages)
	for i := range r.examples {
		s.Examples = append(s.Examples, exampleOf(&r.examples[i]))
	}
	return s
}

func messageCards(m *Messages) []card {
	if m.Count == 0 {
		return nil
	}
	return []card{
		{"Answered", percent(float64(m.Answered) / float64(m.Count)), "", fmt.Sprintf("of %s messages to %s CIDs, within a day", count(m.Count), count(m.CIDs))},
		{"The click model", fmt.Sprintf("%.4f", m.LogLoss), fmt.Sprintf("95 %%: %.4f to %.4f", m.LogLossInterval[0], m.LogLossInterval[1]), "log loss; lower is better"},
		{"Habit", fmt.Sprintf("%.4f", m.HabitLogLoss), fmt.Sprintf("the click model has %+.4f, 95 %%: %+.4f to %+.4f", m.LessThanHabit, m.LessThanHabitInterval[0], m.LessThanHabitInterval[1]), "seen through the delays, on the line that fits earlier messages best"},
		{"The same for all", fmt.Sprintf("%.4f", m.BaseLogLoss), fmt.Sprintf("the click model has %+.4f, 95 %%: %+.4f to %+.4f", m.LessThanBase, m.LessThanBaseInterval[0], m.LessThanBaseInterval[1]), "telling the share of earlier messages that were answered"},
	}
}
