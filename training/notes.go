package training

import (
	"fmt"
	"slices"
	"strings"

	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
	"whowhen.dev/whowhen/training/report"
)

// describe says how the model came about, and what was left out.
func (j *job) describe(r *report.Report, m *fitted, last *trial) {
	c := m.Model.Calibration()
	calibration := "none, since none is better on data not fitted to"
	if m.Calibrated {
		calibration = fmt.Sprintf("log-odds x %.3f %+.3f, chosen on data not fitted to", c.Slope, c.Intercept)
	}
	r.Fit = report.Fit{
		Rows: m.Rows, Positives: m.Positives, Columns: len(m.Model.Columns()), Terms: len(m.Model.Coefficients()), Penalty: m.Model.Penalty(),
		Calibration: calibration, First: j.known.first.String(), Last: j.known.last.String(),
	}
	if note := choiceNote(m.Result); note != "" {
		r.Fit.Note("%s", note)
	}
	r.Fit.Note("numbers take part as %s", shapeWords(m.Shape))
	for _, p := range m.Products {
		if p.Taken {
			r.Fit.Note("%s x %s earns its place: log loss is less by %.4f on the folds (standard error %.4f)", p.A, p.B, p.Gain, p.StandardError)
		}
	}
	r.Fit.Notes = append(r.Fit.Notes, j.notes...)
	for _, p := range m.populations {
		if p.kept < p.eligible {
			r.Fit.Note("of the %d rows of %s a sample of %d by CID was read, and weighed", p.eligible, p.day, p.kept)
		}
	}
	for _, d := range m.Dropped {
		j.leftOut = append(j.leftOut, d.Column+": "+d.Reason)
	}
	j.warnOff(r, m, last)
	r.Warnings, r.LeftOut = append([]string{}, j.warnings...), append([]string{}, j.leftOut...)
}

// warnOff warns of probabilities that are off on the whole at the test cut-off.
func (j *job) warnOff(r *report.Report, m *fitted, last *trial) {
	foretold, came, all, variance := 0.0, 0.0, 0.0, 0.0
	for i, p := range last.predictions[theModel] {
		w := float64(last.weight[i])
		all, foretold, variance = all+w, foretold+w*p, variance+w*w*p*(1-p)
		if last.label[i] {
			came += w
		}
	}
	if metrics.Off(foretold, came, variance) {
		newest := m.populations[len(m.populations)-1]
		j.warn("the target holds for %s at the test cut-off, and the model foretold %s: probabilities are off by as much. At the newest cut-off trained on it held for %s",
			report.Share(came/all), report.Share(foretold/all), report.Share(ratio(float64(newest.positives), float64(newest.eligible))))
	}
}

// choiceNote says what of a fit was chosen by data, and by which; "" where nothing was.
func choiceNote(m *models.Result) string {
	var penalties, shapes, what []string
	for _, t := range m.Trials {
		penalties, shapes = append(penalties, fmt.Sprint(t.Penalty)), append(shapes, string(t.Shape))
	}
	several := func(all []string) bool {
		slices.Sort(all)
		return len(slices.Compact(all)) > 1
	}
	if several(penalties) {
		what = append(what, "the penalty")
	}
	if several(shapes) {
		what = append(what, "the shape of columns")
	}
	if len(m.Products) > 0 {
		what = append(what, "products of columns")
	}
	if len(what) == 0 || m.Folds.Kind == models.FoldsNone {
		return ""
	}
	list := what[0]
	if n := len(what) - 1; n > 0 {
		list = strings.Join(what[:n], ", ") + " and " + what[n]
	}
	// What was chosen is one thing or more; one that is plural counts as more.
	verb := "were"
	if list == "the penalty" || list == "the shape of columns" {
		verb = "was"
	}
	switch {
	case m.Folds.Kind == models.FoldsByGroup:
		return fmt.Sprintf("%s %s chosen on %s by CID, since there are too few cut-offs for folds by time", list, verb, countWords(m.Folds.Count, "fold"))
	case m.Folds.Count == 1:
		return fmt.Sprintf("%s %s chosen on 1 fold by time: trained on earlier cut-offs and tested on the newest", list, verb)
	}
	return fmt.Sprintf("%s %s chosen on %s by time: each trained on earlier cut-offs and tested on the next", list, verb, countWords(m.Folds.Count, "fold"))
}

// countWords is a number of things by the word for one.
func countWords(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// shapeWords says how numbers become terms of the sum.
func shapeWords(s models.Shape) string {
	switch s {
	case models.ShapeLinear:
		return "they are"
	case models.ShapeLog:
		return "they are, or as sign(x) log(1 + |x|) where that is less skewed"
	}
	return "restricted cubic splines, of sign(x) log(1 + |x|) where that is less skewed"
}
