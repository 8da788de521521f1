package sendtime

import (
	"context"

	"whowhen.dev/whowhen/features/propensity"
	model "whowhen.dev/whowhen/models/sendtime"
	"whowhen.dev/whowhen/segments"
)

// Result is a model and how it was judged.
type Result struct {
	Artifact *model.Artifact
	Report   *Report
}

// ModelName is the name of the model of send time in the registry.
const ModelName = "send-time"

// Train fits the model to all that an app knows, after judging, as Backtest does, one that was fitted to what happened before the last fifth of the days. It
// reads one version of the store throughout. Its errors are those of Backtest; with less than a fortnight of activity there is
// nothing to judge by, which is one. A model that its gate holds back is no error: see Report.Gate. It has a click model only if that was surely better than habit on the
// days judged: see Messages.
func Train(ctx context.Context, app *segments.App, o Options) (*Result, error) {
	j, err := newJob(ctx, app, o)
	if err != nil {
		return nil, err
	}
	defer j.close()
	if j.options.MostJudged == 0 {
		j.options.MostJudged = j.options.MostSamples
	}
	from := j.options.From
	if from == 0 {
		if from, err = j.chooseFrom(); err != nil {
			return nil, err
		}
	}
	report, err := j.backtest(ctx, from)
	if err != nil {
		return nil, err
	}
	var teach lesson
	if report.Messages.ClicksSpeak {
		teach = j.fitClick
	}
	l, err := j.learn(ctx, propensity.Day(j.now.Day()), teach)
	if err != nil {
		return nil, err
	}
	if report.Messages.ClicksSpeak && !l.model.Clicks() {
		report.Messages.silence(l)
	}
	report.Name, report.Version = ModelName, j.options.Version
	return &Result{Artifact: j.artifact(report, l, from), Report: report}, nil
}

// chooseFrom returns where the days to judge by begin.
func (j *job) chooseFrom() (propensity.Day, error) {
	const least, most = 14, 365
	days := int(j.last-j.first) + 1
	if days < least {
		return 0, badOption("there is activity on %d days, from %s to %s: at least %d are needed to learn from some and judge by others. Until then, answers rest on each CID's own histogram, its zone's and everyone's", days, j.first, j.last, least)
	}
	return j.last + 1 - propensity.Day(min(days/5, most)), nil
}

// GateFigure is the figure that is 1 for a model that its gate lets pass, and missing for others.
const GateFigure = "gate_passed"

func (j *job) artifact(r *Report, l *learnt, from propensity.Day) *model.Artifact {
	s := j.options.Source
	a := &model.Artifact{
		Name: r.Name, Version: r.Version, Created: j.options.CreatedAt,
		Source: model.Source{Engaged: s.Engaged, Received: s.Received, Displayed: s.Displayed, Clicked: s.Clicked,
			ZoneAttribute: s.ZoneAttribute, CountryAttribute: s.CountryAttribute},
		Training: model.Training{
			FirstDay: j.first.String(), LastDay: j.last.String(), JudgedFrom: from.String(), CIDs: int64(l.cids), ActiveDays: int64(l.activeDays),
			Samples: int64(l.samples), DaySamples: int64(l.daySamples), LogPosition: j.now.Position(),
		},
		Metrics: map[string]float64{"days": float64(r.Days), "calibration_error": r.CalibrationError, "active_day_log_loss": r.ActiveDay.LogLoss},
		Model:   l.model,
	}
	r.Messages.metrics(a.Metrics)
	if r.Gate.Passed {
		a.Metrics[GateFigure] = 1
	}
	figures := map[string]Figures{"": r.Figures, "users_equal_": r.UsersEqual, "day_ahead_": r.DayAhead.Figures}
	for _, b := range r.Baselines {
		figures["baseline_"+b.Name+"_"] = b.Figures
	}
	for prefix, f := range figures {
		a.Metrics[prefix+"hit_at_1"], a.Metrics[prefix+"hit_at_3"], a.Metrics[prefix+"log_loss"] = f.HitAt1, f.HitAt3, f.LogLoss
	}
	return a
}
