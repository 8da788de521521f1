package training

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/training/report"
)

// result puts together what is shipped and what is said of it.
func (j *job) result(m *fitted, trials []*trial) (*Result, error) {
	r, err := j.report(m, trials)
	if err != nil {
		return nil, err
	}
	a := &models.Artifact{
		Name: j.question.Definition.Name, Version: j.options.Version, Created: j.options.CreatedAt, Definition: r.Definition.TOML,
		Training: models.Training{
			FirstDay: j.known.first.String(), LastDay: j.cutoffs.lastDay(j.question.Definition.HorizonDays).String(),
			Cutoffs: texts(j.cutoffs.Train), TestCutoffs: texts(j.cutoffs.Test), HorizonDays: j.question.Definition.HorizonDays, Fingerprint: m.print,
		},
		Metrics: figures(r.Figures), Baselines: map[string]map[string]models.Figure{},
		Model: m.Model, Effects: m.Effects, ColumnBins: m.ColumnBins, ScoreBins: m.ScoreBins,
	}
	for _, p := range m.populations {
		a.Training.Rows += int64(p.kept)
		a.Training.Positives += int64(p.keptPositives)
	}
	for name, b := range r.Baselines {
		a.Baselines[name] = figures(b.Figures)
		if name == activeModel && j.activeSawTest() {
			continue // it knows the answers
		}
		gain, err := paired(trials, name)
		if err != nil {
			return nil, err
		}
		a.Baselines[name][GainFigure] = models.Figure{Value: gain.Value, Low: gain.Low, High: gain.High}
	}
	return &Result{Artifact: a, Report: r}, nil
}

// GainFigure is the figure of a baseline that says by how much the model's log loss is less, over the rows of all test cut-offs in pairs: what the
// gate goes by, also that of who activates the artifact.
const GainFigure = "log_loss_gain"

// lastDay is the last day whose outcomes the model was fitted to.
func (c Cutoffs) lastDay(horizonDays int) propensity.Day {
	return c.Train[len(c.Train)-1] + propensity.Day(horizonDays) - 1
}

func texts(days []propensity.Day) []string {
	out := make([]string, len(days))
	for i, d := range days {
		out[i] = d.String()
	}
	return out
}

func figures(f report.Figures) map[string]models.Figure {
	out := map[string]models.Figure{}
	for key, v := range map[string]float64{"auc": f.AUC, "log_loss": f.LogLoss, "brier": f.Brier, "calibration_error": f.CalibrationError, "lift_at_10": f.LiftAt10} {
		out[key] = models.Figure{Value: v, Low: f.Intervals[key][0], High: f.Intervals[key][1]}
	}
	return out
}

// fingerprint tells one training table from another.
func fingerprint(t models.Table) string {
	h := sha256.New()
	var buffer []byte
	flush := func() {
		h.Write(buffer) // never fails
		buffer = buffer[:0]
	}
	for i, c := range t.Columns {
		buffer = append(buffer, c.Name...)
		buffer = append(buffer, 0)
		for _, v := range t.Values[i] {
			if buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v)); len(buffer) > 1<<16 {
				flush()
			}
		}
	}
	for i, y := range t.Label {
		buffer = binary.LittleEndian.AppendUint64(buffer, uint64(t.Group[i])<<1|uint64(index(y)))
		if buffer = binary.LittleEndian.AppendUint32(buffer, uint32(t.Time[i])); len(buffer) > 1<<16 {
			flush()
		}
	}
	flush()
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func (j *job) report(m *fitted, trials []*trial) (*report.Report, error) {
	last := trials[len(trials)-1]
	text, err := j.question.Definition.TOML()
	if err != nil {
		return nil, err
	}
	r := &report.Report{
		Name: j.question.Definition.Name, Version: j.options.Version, CreatedAt: j.options.CreatedAt.UTC(), App: j.app.Name(), Zone: j.app.Zone().String(), Position: j.base.Position(),
		Rows: last.population.eligible, Positives: last.population.positives, Baselines: map[string]report.Baseline{}, TestCutoffs: len(trials),
		Definition: report.Definition{Eligible: j.question.Definition.Eligible, Target: j.question.Definition.Target, HorizonDays: j.question.Definition.HorizonDays, TOML: string(text)},
	}
	var judged []report.Figures
	for _, t := range trials {
		f, err := j.figures(t.rows(theModel))
		if err != nil {
			return nil, err
		}
		judged = append(judged, f)
	}
	r.Figures, r.Mean = judged[len(judged)-1], means(judged)
	baselines := []string{baseRate, recencyOnly}
	if j.options.Active != nil {
		baselines = append(baselines, activeModel)
	}
	for _, name := range baselines {
		if r.Baselines[name], err = j.baseline(last, name); err != nil {
			return nil, err
		}
	}
	if m.bare != nil {
		f, err := j.figures(last.rows(withoutReceipts))
		if err != nil {
			return nil, err
		}
		without := means([]report.Figures{f})
		r.WithoutReceipts = &without
	}
	if r.Gate, err = gate(trials, j.options.Active != nil && !j.activeSawTest()); err != nil {
		return nil, err
	}
	for _, p := range m.populations {
		r.Cutoffs = append(r.Cutoffs, j.cutoff(p, "train", nil))
	}
	for i, t := range trials {
		r.Cutoffs = append(r.Cutoffs, j.cutoff(t.population, "test", &judged[i]))
	}
	if r.Deciles, err = deciles(last.rows(theModel)); err != nil {
		return nil, err
	}
	if r.Gain, err = gain(last.rows(theModel)); err != nil {
		return nil, err
	}
	if r.GainRecency, err = gain(last.rows(recencyOnly)); err != nil {
		return nil, err
	}
	r.Distribution, r.Thresholds = distribution(last.rows(theModel)), thresholds(last.rows(theModel))
	r.Coefficients = coefficients(m.Model, m.Effects, m.frame, m.values)
	if err := j.drift(r, m, last); err != nil {
		return nil, err
	}
	j.describe(r, m)
	return r, nil
}

func (j *job) cutoff(p *population, use string, f *report.Figures) report.Cutoff {
	return report.Cutoff{
		Day: p.day.String(), HorizonEnd: (p.day + propensity.Day(j.question.Definition.HorizonDays)).String(), Use: use,
		Rows: p.eligible, Positives: p.positives, Kept: p.kept, Lost: p.lost, Figures: f,
	}
}

// much is from which population stability index on a column is told of.
const much = 0.25

// drift compares the columns and the score at a test cut-off with those of training.
func (j *job) drift(r *report.Report, m *fitted, t *trial) error {
	var err error
	if r.ScoreDrift, err = m.ScoreBins.PSI(t.scores); err != nil {
		return err
	}
	moved, worst, most := 0, 0.0, ""
	covered := int(j.cutoffs.Train[0] - j.known.first)
	for i, c := range m.Model.Columns() {
		psi, err := m.ColumnBins[i].PSI(t.columns[i])
		if err != nil {
			return err
		}
		column, err := features.Parse(c.Name)
		if err != nil {
			return err
		}
		r.Drift = append(r.Drift, report.Drift{Column: c.Name, Words: columnWords(column), PSI: psi})
		if psi >= much && !column.Grows(covered) {
			moved++
			if psi > worst {
				worst, most = psi, columnWords(column)
			}
		}
	}
	slices.SortStableFunc(r.Drift, func(a, b report.Drift) int { return cmp.Compare(b.PSI, a.PSI) })
	if moved > 0 {
		j.warn("%d of %d columns moved much between training and test, most of all: %s (index %.2f)", moved, len(r.Drift), most, worst)
	}
	if r.ScoreDrift >= much {
		j.warn("the score itself moved much between training and test (index %.2f): the world is another one", r.ScoreDrift)
	}
	return nil
}

// describe says how the model came about, and what was left out.
func (j *job) describe(r *report.Report, m *fitted) {
	c := m.Model.Calibration()
	calibration := "none, since none is better on data not fitted to"
	if m.Calibrated {
		calibration = fmt.Sprintf("log-odds x %.3f %+.3f, chosen on data not fitted to", c.Slope, c.Intercept)
	}
	r.Fit = report.Fit{
		Rows: m.Rows, Positives: m.Positives, Columns: len(m.Model.Columns()), Terms: len(m.Model.Coefficients()), Penalty: m.Model.Penalty(),
		Calibration: calibration, First: j.known.first.String(), Last: j.known.last.String(),
	}
	switch m.Folds.Kind {
	case models.FoldsByTime:
		r.Fit.Note("penalty and shape were chosen on %d folds by time: each trained on earlier cut-offs and tested on the next", m.Folds.Count)
	case models.FoldsByGroup:
		r.Fit.Note("penalty and shape were chosen on %d folds by CID, since there are too few cut-offs for folds by time", m.Folds.Count)
	}
	r.Fit.Note("numbers take part as: %s", m.Shape)
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
	first, last := r.Cutoffs[0].BaseRate(), r.Cutoffs[len(r.Cutoffs)-1].BaseRate()
	for _, c := range r.Cutoffs {
		if c.Use == "train" {
			first = c.BaseRate()
		}
	}
	if math.Abs(last-first) > 0.3*min(first, last) {
		j.warn("the target holds for %.1f %% at the test cut-off and held for %.1f %% at the newest training one: probabilities are off by as much", 100*last, 100*first)
	}
	r.Warnings, r.LeftOut = append([]string{}, j.warnings...), append([]string{}, j.leftOut...)
}
