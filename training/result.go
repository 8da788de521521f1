package training

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"

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
	shown := last.rows(theModel)
	r.Distribution, r.Thresholds, r.ByShare = distribution(shown, r.Deciles), thresholds(shown), byShare(shown)
	r.Coefficients = coefficients(m.Model, m.Effects, m.frame, m.values, m.label)
	if err := j.drift(r, m, last); err != nil {
		return nil, err
	}
	j.describe(r, m, last)
	return r, nil
}

func (j *job) cutoff(p *population, use string, f *report.Figures) report.Cutoff {
	return report.Cutoff{
		Day: p.day.String(), HorizonEnd: (p.day + propensity.Day(j.question.Definition.HorizonDays)).String(), Use: use,
		Rows: p.eligible, Positives: p.positives, Kept: p.kept, Lost: p.lost, Figures: f,
	}
}
