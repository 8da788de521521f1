package sendtime

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	model "whowhen.dev/whowhen/models/sendtime"
)

// Report is what a backtest found. Its own figures are those of the model, each day with activity weighing the same, the day before being known.
type Report struct {
	App       string    `json:"app"`
	Name      string    `json:"name,omitempty"`    // of the model trained
	Version   string    `json:"version,omitempty"` // of the model trained
	CreatedAt time.Time `json:"created_at"`
	Zone      string    `json:"zone"` // the app's
	Position  uint64    `json:"position"`
	Events    []string  `json:"events"` // that are activity
	From      string    `json:"from"`   // the first day judged
	To        string    `json:"to"`     // the last one
	// JudgedShare is the share of the CIDs that were judged, drawn by CID; 1 for all.
	JudgedShare float64 `json:"judged_share"`

	Figures
	Intervals  Intervals  `json:"intervals"`
	UsersEqual Figures    `json:"users_equal"` // every CID weighing the same
	DayAhead   DayAhead   `json:"day_ahead"`   // the day before being unknown as well
	ByEvidence []Evidence `json:"by_evidence"`
	Baselines  []Baseline `json:"baselines"`

	// HitCurve is, for 1 to 24, the share of the days on which one of so many best-ranked hours held activity.
	HitCurve []float64 `json:"hit_curve"`
	// Calibration tells what came of the probabilities of hours.
	Calibration      []Bin   `json:"calibration"`
	CalibrationError float64 `json:"calibration_error"` // the mean gap
	// ActiveDay judges the probability of activity on a day at all, over a sample of all days.
	ActiveDay ActiveDay `json:"active_day"`
	Fit       Fit       `json:"fit"`
	Gate      Gate      `json:"gate"`
	// Messages judges how it is told whether messages are answered.
	Messages Messages `json:"messages"`

	curves   *model.Curves
	examples []example
}

// DayAhead are the figures of a plan made a day ahead.
type DayAhead struct {
	Figures
	Intervals  Intervals `json:"intervals"`
	UsersEqual Figures   `json:"users_equal"`
}

// Evidence are the figures of the days with so many earlier active days.
type Evidence struct {
	Evidence string `json:"evidence"`
	Figures
	Intervals  Intervals  `json:"intervals"`
	UsersEqual Figures    `json:"users_equal"`
	DayAhead   Figures    `json:"day_ahead"`
	Baselines  []Baseline `json:"baselines,omitempty"`
}

// Baseline are the figures of a plainer way to tell the hours of the same days.
type Baseline struct {
	Name string `json:"name"` // everyone, zone, own_hour, own_smoothed
	Figures
	UsersEqual Figures `json:"users_equal"`
	DayAhead   Figures `json:"day_ahead"`
	// Difference is what the model has more, with intervals; more hits and less loss are better.
	Difference *Difference `json:"difference,omitempty"`
	HitCurve   []float64   `json:"hit_curve,omitempty"`
}

// Difference is one of figures.
type Difference struct {
	HitAt1    float64   `json:"hit_at_1"`
	HitAt3    float64   `json:"hit_at_3"`
	LogLoss   float64   `json:"log_loss"`
	Intervals Intervals `json:"intervals"`
}

// Bin tells what came of some probabilities.
type Bin struct {
	Count     int     `json:"count"`
	Predicted float64 `json:"predicted"` // their mean
	Observed  float64 `json:"observed"`  // share that came true
}

// ActiveDay judges the model of days.
type ActiveDay struct {
	Days             int     `json:"days"` // with activity and without, a sample by CID and day
	Active           float64 `json:"active"`
	Predicted        float64 `json:"predicted"`
	LogLoss          float64 `json:"log_loss"`
	BaseLogLoss      float64 `json:"base_log_loss"` // of the share of active days as it turned out
	CalibrationError float64 `json:"calibration_error"`
	Calibration      []Bin   `json:"calibration"`
}

// Fit says what the judged model was fitted to.
type Fit struct {
	CIDs       int  `json:"cids"`
	ActiveDays int  `json:"active_days"`
	Samples    int  `json:"samples"`
	DaySamples int  `json:"day_samples"`
	Trained    bool `json:"trained"` // false: too little to fit, habits are shrunk by rule
}

// JSON returns the report for programs.
func (r *Report) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	err := e.Encode(r)
	return b.Bytes(), err
}

// report puts together what was judged.
func (j *job) report(from propensity.Day, l *learnt, d *judged) (*Report, error) {
	the := &d.all[theModel]
	r := &Report{
		App: j.app.Name(), CreatedAt: j.options.CreatedAt.UTC(), Zone: j.app.Zone().String(), Position: j.now.Position(),
		Events: j.options.Source.Engaged, From: from.String(), To: propensity.Day(d.lastDay).String(),
		Figures: the[near][0].figures(), Intervals: the[near][0].intervals(), UsersEqual: the[near][0].equal(),
		DayAhead: DayAhead{the[ahead][0].figures(), the[ahead][0].intervals(), the[ahead][0].equal()},
		HitCurve: hitCurve(&d.ranks[theModel]),
		Fit:      Fit{l.cids, l.activeDays, l.samples, l.daySamples, l.model.Trained},
		curves:   l.model.Curves, examples: d.examples,
	}
	for k, e := range evidences[1:] {
		t := &the[near][k+1]
		part := Evidence{Evidence: e.name, Figures: t.figures(), Intervals: t.intervals(), UsersEqual: t.equal(), DayAhead: the[ahead][k+1].figures()}
		for by := theModel + 1; by < methods; by++ {
			part.Baselines = append(part.Baselines, baseline(d, by, k+1))
		}
		r.ByEvidence = append(r.ByEvidence, part)
	}
	for by := theModel + 1; by < methods; by++ {
		b := baseline(d, by, 0)
		more := &d.better[by][near]
		b.Difference = &Difference{more.mean(0), more.mean(1), more.mean(2), more.intervals()}
		b.HitCurve = hitCurve(&d.ranks[by])
		r.Baselines = append(r.Baselines, b)
	}
	r.Calibration, r.CalibrationError = d.hours.list()
	r.ActiveDay = d.activeDay()
	r.Messages = d.messages.report(l)
	r.Gate = gate(r)
	return r, nil
}

func baseline(d *judged, by method, evidence int) Baseline {
	t := &d.all[by][near][evidence]
	return Baseline{Name: methodNames()[by], Figures: t.figures(), UsersEqual: t.equal(), DayAhead: d.all[by][ahead][evidence].figures()}
}

func hitCurve(ranks *[model.Hours + 1]float64) []float64 {
	total, sum := 0.0, 0.0
	for _, n := range ranks {
		total += n
	}
	curve := make([]float64, model.Hours)
	for k := range curve {
		sum += ranks[k]
		curve[k] = sum / total
	}
	return curve
}

// list returns the bins that hold something, and the mean gap between what was predicted and what came.
func (b *bins) list() (list []Bin, gap float64) {
	total := 0.0
	for _, bin := range b {
		if bin.count == 0 {
			continue
		}
		total += bin.count
		gap += math.Abs(bin.predicted - bin.observed)
		list = append(list, Bin{int(bin.count), bin.predicted / bin.count, bin.observed / bin.count})
	}
	if total > 0 {
		gap /= total
	}
	return list, gap
}

func (d *judged) activeDay() ActiveDay {
	a := ActiveDay{Days: int(d.guesses)}
	if d.guesses == 0 {
		return a
	}
	for _, bin := range d.days {
		a.Predicted += bin.predicted / d.guesses
	}
	a.Active, a.LogLoss = d.activeDays/d.guesses, d.dayLoss/d.guesses
	a.BaseLogLoss = a.Active*lossOf(a.Active, true) + (1-a.Active)*lossOf(a.Active, false)
	a.Calibration, a.CalibrationError = d.days.list()
	return a
}
