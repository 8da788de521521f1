package training

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/training/report"
)

// Result is a model as it was judged, and all that is said of it.
type Result struct {
	Artifact *models.Artifact
	Report   *report.Report
}

// Train makes the model that a definition asks for from what an app knows now, and judges it. It reads one version of the store throughout, and
// keeps in memory the rows trained on and a few blocks, however many CIDs there are. It ends soon after ctx is done.
//
// Of the errors, *propensity.DefinitionError, *CutoffError, *PopulationError, *LeakError and those of package models say what to do; the
// rest are failures of the store. A model that its gate holds back is no error: see Report.Gate.
func Train(ctx context.Context, app *segments.App, d propensity.Definition, o Options) (*Result, error) {
	j, err := newJob(ctx, app, d, o)
	if err != nil {
		return nil, err
	}
	defer j.base.Close()
	if err := j.prepare(ctx); err != nil {
		return nil, err
	}
	m, err := j.fit(ctx)
	if err != nil {
		return nil, err
	}
	trials, err := j.judge(ctx, m)
	if err != nil {
		return nil, err
	}
	return j.result(m, trials)
}

// newJob checks what is asked for and pins a version of the store.
func newJob(ctx context.Context, app *segments.App, d propensity.Definition, o Options) (*job, error) {
	q, err := d.Compile()
	if err != nil {
		return nil, err
	}
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	base, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return nil, err
	}
	return &job{app: app, base: base, question: q, options: o}, nil
}

// prepare chooses the cut-offs.
func (j *job) prepare(ctx context.Context) error {
	if err := j.look(ctx); err != nil {
		return err
	}
	cutoffs, err := j.options.Cutoffs.choose(j.known, j.question.Definition.HorizonDays)
	j.cutoffs = cutoffs
	return err
}

// fitted is a model with what it was fitted to.
type fitted struct {
	*models.Result
	frame       frame // of the columns offered to it
	populations []*population
	// kept of the model's own columns, for what is said of them.
	values [][]float32
	label  []bool
	print  string // fingerprint of the table
	// The baselines.
	recency, bare *models.Result // recency is nil where it is the same for everybody, bare where there are no columns of receipts
	recencyColumn features.Column
	base          float64 // share of positives
}

// fit reads the rows of the training cut-offs and fits the model and its baselines. Nothing it reads happened after the horizon of
// the newest of them.
func (j *job) fit(ctx context.Context) (*fitted, error) {
	m := &fitted{}
	newest := j.cutoffs.Train[len(j.cutoffs.Train)-1]
	if err := j.leaveOutLate(ctx, newest); err != nil {
		return nil, err
	}
	each := max(1, j.options.MostRows/len(j.cutoffs.Train))
	for _, day := range j.cutoffs.Train {
		p, err := j.newPopulation(ctx, day, 0, each)
		if err != nil {
			return nil, err
		}
		m.populations = append(m.populations, p)
	}
	if err := j.checkLost(ctx, m.populations); err != nil {
		return nil, err
	}
	var err error
	if m.frame, err = j.plan(ctx, m.populations[len(m.populations)-1]); err != nil {
		return nil, err
	}
	m.recencyColumn = recencyColumn(m.frame, j.question.Event)
	offered := len(m.frame.columns)
	if !slices.Contains(m.frame.columns, m.recencyColumn) {
		m.frame.columns = append(slices.Clone(m.frame.columns), m.recencyColumn)
	}
	t, err := j.table(ctx, m.populations, m.frame)
	if err != nil {
		return nil, err
	}
	m.print = fingerprint(t)
	full := only(t, func(i int) bool { return i < offered })
	if err := j.level(ctx, full, m.frame, j.cutoffs.Train); err != nil {
		return nil, err
	}
	m.base = share(t)
	if m.Result, err = j.fitTable(ctx, "fitting the model", full, *j.options.Fit); err != nil {
		return nil, err
	}
	if err := j.checkLeaks(ctx, newest, m.frame, m.Warnings); err != nil {
		return nil, err
	}
	plain := *j.options.Fit
	plain.Products, plain.Shape, plain.Calibrate, plain.Penalties = 0, models.ShapeLog, models.CalibrateNever, []float64{1}
	alone := only(t, func(i int) bool { return m.frame.columns[i] == m.recencyColumn })
	alone.Columns[0].PenaltyFactor = 0 // it is held back in comparison to nothing
	m.recency, err = j.fitTable(ctx, "fitting the baseline of recency alone", alone, plain)
	if same := (*models.NoColumnsError)(nil); errors.As(err, &same) {
		j.warn("%s is the same for everybody eligible, so that the baseline of recency alone is the base rate", columnWords(m.recencyColumn))
	} else if err != nil {
		return nil, fmt.Errorf("the baseline of recency alone: %w", err)
	}
	if slices.ContainsFunc(m.frame.columns[:offered], features.Column.Receipt) {
		without := only(t, func(i int) bool { return i < offered && !m.frame.columns[i].Receipt() })
		// Chosen for itself: with the other's penalty it would look worse than it is.
		if m.bare, err = j.fitTable(ctx, "fitting the model without receipts", without, *j.options.Fit); err != nil {
			return nil, fmt.Errorf("the model without receipts: %w", err)
		}
	}
	m.values, m.label = m.frame.pick(m.Model, t.Values), t.Label
	markOpposed(m.Model, m.Effects, m.values, m.label)
	return m, nil
}

// fitTable fits with the options that every fit of the job shares.
func (j *job) fitTable(ctx context.Context, what string, t models.Table, o models.Options) (*models.Result, error) {
	o.Seed, o.Workers = j.options.Seed, j.options.Workers
	if j.question.Definition.Penalty > 0 {
		o.Penalties = []float64{j.question.Definition.Penalty}
	}
	j.progress(what, 0, 0)
	// Folds by CID are all of one time, and so say nothing of how the world moves on, for which coefficients closer to 0 are better.
	o.Cautious = true
	return models.Fit(ctx, t, o, func(step string) { j.progress(what+": "+step, 0, 0) })
}

// recencyColumn is the recency of an event, as the plan has it if it does.
func recencyColumn(f frame, event string) features.Column {
	for _, c := range f.columns {
		if c.Family == features.Recency && c.Name == event {
			return c
		}
	}
	return features.Column{Family: features.Recency, Name: event}
}

// only returns the table with some of its columns.
func only(t models.Table, wanted func(i int) bool) models.Table {
	some := t
	some.Columns, some.Values = nil, nil
	for i := range t.Columns {
		if wanted(i) {
			some.Columns, some.Values = append(some.Columns, t.Columns[i]), append(some.Values, t.Values[i])
		}
	}
	return some
}

// share is the share of positives in a table.
func share(t models.Table) float64 {
	all, positive := 0.0, 0.0
	for i, y := range t.Label {
		all += float64(t.Weight[i])
		if y {
			positive += float64(t.Weight[i])
		}
	}
	return ratio(positive, all)
}

// activeSawTest says whether the active model was fitted to outcomes that the new one is judged by.
func (j *job) activeSawTest() bool {
	return j.options.Active != nil && j.options.ActiveLastDay >= j.cutoffs.Test[0]
}

// judge has the model and the baselines predict the rows of the test cut-offs.
func (j *job) judge(ctx context.Context, m *fitted) ([]*trial, error) {
	contenders := []contender{{name: theModel, model: m.Model}, {name: recencyOnly, constant: m.base}, {name: baseRate, constant: m.base}}
	if m.recency != nil {
		contenders[1].model = m.recency.Model
	}
	if m.bare != nil {
		contenders = append(contenders, contender{name: withoutReceipts, model: m.bare.Model})
	}
	if j.activeSawTest() {
		j.warn("the active model was fitted to outcomes up to %s, those of the test cut-off %s among them: it looks better here than it is, and the gate does not ask about it", j.options.ActiveLastDay, j.cutoffs.Test[0])
	}
	var trials []*trial
	var tested []*population
	for _, day := range j.cutoffs.Test {
		p, err := j.newPopulation(ctx, day, 0, j.options.MostRows)
		if err != nil {
			return nil, err
		}
		if p.positives == 0 || p.positives == p.eligible {
			return nil, badCutoff("nothing can be judged at the test cut-off %s: of %d eligible the target holds for %d", day, p.eligible, p.positives)
		}
		t := &trial{population: p, rowsOf: newRowsOf(p.kept), predictions: map[string][]float64{}}
		if err := j.try(ctx, p, t, m.frame, contenders, m.Result); err != nil {
			return nil, err
		}
		if j.options.Active != nil {
			f, err := framed(j.options.Active)
			if err != nil {
				return nil, fmt.Errorf("the active model: %w", err)
			}
			if err := j.try(ctx, p, t, f, []contender{{name: activeModel, model: j.options.Active}}, nil); err != nil {
				return nil, fmt.Errorf("the active model: %w", err)
			}
		}
		trials, tested = append(trials, t), append(tested, p)
	}
	return trials, j.checkLost(ctx, tested)
}
