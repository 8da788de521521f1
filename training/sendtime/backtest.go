package sendtime

import (
	"context"
	"sync"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

// Backtest fits the model to what happened before a day and judges it on every local day with activity from that day on. It reads one
// version of the store throughout, and keeps in memory the samples and what a rhythm.Reader does. It ends soon after ctx is done.
//
// Of the errors, *OptionError says what to do about what was asked; the rest are failures of the store, of writing Rows, or of a fit.
func Backtest(ctx context.Context, app *segments.App, o Options) (*Report, error) {
	j, err := newJob(ctx, app, o)
	if err != nil {
		return nil, err
	}
	defer j.close()
	return j.backtest(ctx, j.options.From)
}

func (j *job) backtest(ctx context.Context, from propensity.Day) (*Report, error) {
	switch {
	case from <= j.first:
		return nil, badOption("the first day judged, %s, must be later than the first day with activity, %s: the model is fitted to what happened before", from, j.first)
	case from > j.last:
		return nil, badOption("there is no activity on %s or later to judge by: the last is on %s", from, j.last)
	}
	l, err := j.learn(ctx, from, j.fitClickAndLine)
	if err != nil {
		return nil, err
	}
	t := &trial{job: j, from: int32(from), model: l.model, judged: newJudged(), share: 1}
	if t.messages, err = j.newMessageTrial(ctx, l); err != nil {
		return nil, err
	}
	if j.options.Rows != nil {
		t.rows = newRowWriter(j.options.Rows)
	}
	t.ask = j.newQuestions(j.now, l.model.Curves.Countries)
	t.over = j.over(j.last)
	if j.last >= propensity.Day(j.now.Day()) {
		t.over = j.over(propensity.Day(j.now.Day()) - 1) // today is not over
	}
	everyone, err := j.now.Count(ctx, expr.Everyone{})
	if err != nil {
		return nil, err
	}
	if most := j.options.MostJudged; most > 0 {
		// As many days a day as before are expected.
		expected := float64(l.activeDays) / float64(from-j.first) * max(1, float64(t.over-t.from+1))
		t.share = min(1, float64(most)/max(1, expected))
	}
	t.dayRate = mostDaysJudged / (float64(max(everyone, 1)) * max(1, float64(t.over-t.from+1)))
	if err := j.read(ctx, j.now, "judging days", t.take); err != nil {
		return nil, err
	}
	if t.rows != nil {
		if err := t.rows.flush(); err != nil {
			return nil, err
		}
	}
	if t.judged.all[theModel][near][0].days == 0 {
		return nil, badOption("no CID was active on a local day from %s on: there is nothing to judge by", from)
	}
	r, err := j.report(from, l, t.judged)
	if err == nil {
		r.JudgedShare = t.share
	}
	return r, err
}

// trial is the judging of a model.
type trial struct {
	*job
	from    int32
	over    int32 // the last local day that is over: of later ones it is not known that there is no activity
	model   *model.Model
	ask     *questions
	share   float64 // of the CIDs that days with activity are judged of
	dayRate float64
	// messages judges the click model; nil if there is none
	messages *messageTrial
	rows     *rowWriter
	judged   *judged
}

// prediction is a judged day with activity.
type prediction struct {
	day      int32
	hours    uint32
	evidence int // earlier active days
	hour     [model.Hours]float64
	outcomes [methods][settings]outcome
	rank     [methods]int // of the best-ranked hour with activity, the day before being known
}

// dayGuess is a judged day with activity or without.
type dayGuess struct {
	probability float64
	active      bool
}

// personResult is what is judged of a person.
type personResult struct {
	predictions []prediction
	days        []dayGuess
	messages    []messageGuess
}

const (
	personsAtOnce = 256
	// mostDaysJudged bounds the days, with activity and without, by which the model of days is judged.
	mostDaysJudged = 1_000_000
)

// take judges persons, on two goroutines, and adds them up in their order.
func (t *trial) take(persons []rhythm.Person) error {
	texts := cids(t.now, persons)
	for len(persons) > 0 {
		n := min(2*personsAtOnce, len(persons))
		results := make([]personResult, n)
		var wait sync.WaitGroup
		for half := range 2 {
			wait.Go(func() {
				p := newPredictor(t.model)
				for i := half * n / 2; i < (half+1)*n/2; i++ {
					results[i] = t.person(p, &persons[i], texts[i])
				}
			})
		}
		wait.Wait()
		for i := range results {
			if t.rows != nil {
				if err := t.rows.write(texts[i], results[i].predictions); err != nil {
					return err
				}
			}
			t.judged.take(texts[i], &results[i])
		}
		persons, texts = persons[n:], texts[n:]
	}
	return nil
}

func (t *trial) person(p *predictor, who *rhythm.Person, cid string) (r personResult) {
	active := rhythm.ActiveDays(who.Events, nil)
	cursor, before := who.Cursor(), who.Cursor()
	judged := drawn(lot(cid), t.share)
	for _, a := range active {
		if a.Day < t.from || !judged {
			continue
		}
		states := [settings]*rhythm.State{cursor.Before(a.Day), before.Before(a.Day - 1)}
		day := prediction{day: a.Day, hours: a.Hours, evidence: states[near].ActiveDays()}
		for s := range settings {
			q := t.ask.about(who, states[s], a.Day)
			q.Ahead = s == ahead
			for by := range methods {
				hour := p.predict(by, history(states[s]), &q)
				var rank int
				day.outcomes[by][s], rank = judge(hour, a.Hours)
				if s == near {
					day.rank[by] = rank
					if by == theModel {
						day.hour = *hour
					}
				}
			}
		}
		r.predictions = append(r.predictions, day)
	}
	eachDrawnDay(lot(cid), t.dayRate, max(t.from, who.HeardDay+1), t.over, who.Events, active, func(day int32, s *rhythm.State, did bool) {
		q := t.ask.about(who, s, day)
		r.days = append(r.days, dayGuess{p.model.Active(history(s), &q), did})
	})
	if t.messages != nil && drawn(lot(cid), t.messages.rate) {
		r.messages = t.messages.judge(t.ask, who, t.from)
	}
	return r
}
