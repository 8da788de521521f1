package sendtime

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
	"whowhen.dev/whowhen/segments"
)

// learnt is a model with what it was fitted to.
type learnt struct {
	model      *model.Model
	line       model.Line // from habit to answers, where a lesson has fitted it
	unfit      string     // why there is no click model, or none to judge, though there were messages enough; or ""
	messages   int
	answered   int
	cids       int // with activity
	activeDays int
	samples    int
	daySamples int
}

// census is what there is to learn from.
type census struct {
	cids       int
	activeDays int
	days       int // with activity and without, of everyone
	messages   int
	countries  map[int64]int
}

// lesson fits more of a model to messages.
type lesson func(ctx context.Context, l *learnt, messages []model.MessageSample) error

// fitClick is the lesson of what became of messages. Where that does not converge habit speaks.
func (j *job) fitClick(ctx context.Context, l *learnt, messages []model.MessageSample) error {
	return l.converged(l.model.FitClick(ctx, messages, *j.options.Fit))
}

// fitClickAndLine teaches also what a click model is judged by.
func (j *job) fitClickAndLine(ctx context.Context, l *learnt, messages []model.MessageSample) error {
	if err := j.fitClick(ctx, l, messages); err != nil || !l.model.Clicks() {
		return err
	}
	line, err := l.model.FitLine(ctx, messages)
	l.line = line
	return l.converged(err)
}

// converged takes a fit that did not converge for the reason why there is no click model. It returns any other error.
func (l *learnt) converged(err error) error {
	if stuck := new(model.NotConvergedError); errors.As(err, &stuck) {
		l.model.Click, l.unfit = nil, strings.TrimPrefix(stuck.Error(), "sendtime: ")
		return nil
	}
	return err
}

// learn fits a model to what happened before a day, and teaches it by the messages before that unless teach is nil.
func (j *job) learn(ctx context.Context, before propensity.Day, teach lesson) (*learnt, error) {
	view, err := j.now.Before(int32(before))
	if err != nil {
		return nil, err
	}
	// Later days than the last with any activity are days the store knows nothing of.
	over := j.over(min(before-1, j.last))
	c, err := j.count(ctx, view, over)
	if err != nil {
		return nil, err
	}
	data, messages, err := j.samples(ctx, view, over, c, j.end(before-1))
	if err != nil {
		return nil, err
	}
	j.progress("fitting", 0, 0)
	m, err := model.Fit(ctx, data, *j.options.Fit)
	if err != nil {
		return nil, err
	}
	l := &learnt{model: m, cids: c.cids, activeDays: c.activeDays, samples: len(data.Near), daySamples: len(data.Days), messages: len(messages)}
	for i := range messages {
		if messages[i].Answered {
			l.answered++
		}
	}
	if teach != nil {
		err = teach(ctx, l, messages)
	}
	return l, err
}

// count goes through the store once to know how much of it to keep.
func (j *job) count(ctx context.Context, v *segments.View, over int32) (*census, error) {
	c := &census{countries: map[int64]int{}}
	var active []rhythm.Active
	err := j.read(ctx, v, "counting days", func(persons []rhythm.Person) error {
		for i := range persons {
			p := &persons[i]
			c.days += max(0, int(over-p.HeardDay))
			for _, e := range p.Events {
				if e.Kind == rhythm.Received {
					c.messages++
				}
			}
			active = rhythm.ActiveDays(p.Events, active[:0])
			if len(active) == 0 {
				continue
			}
			c.cids++
			if p.Country >= 0 {
				c.countries[p.Country]++
			}
			for _, a := range active {
				if a.Day <= over {
					c.activeDays++
				}
			}
		}
		return nil
	})
	return c, err
}

// countries returns those that have a curve.
func (j *job) countries(v *segments.View, c *census) []string {
	return model.CurveCountries(c.countries, func(code int64) string { return v.AttributeText(j.options.Source.CountryAttribute, code) })
}

// samples goes through the store again and keeps what the model is fitted to, and the messages that it is taught by. Nothing is known from endSeconds on.
func (j *job) samples(ctx context.Context, v *segments.View, over int32, c *census, endSeconds int64) (d model.Data, told []model.MessageSample, err error) {
	countries := j.countries(v, c)
	ask, curves := j.newQuestions(v, countries), model.NewCurveSums(countries)
	rate := float64(j.options.MostSamples) / float64(max(c.activeDays, 1))
	messageRate := float64(j.options.MostSamples) / float64(max(c.messages, 1))
	// Half of the room is for active days, which may be rare.
	half := float64(j.options.MostSamples) / 2
	activeRate, idleRate := min(1, half/float64(max(c.activeDays, 1))), min(1, half/float64(max(c.days-c.activeDays, 1)))
	d.ActiveFavour = activeRate / idleRate
	var active []rhythm.Active
	var messages []rhythm.Message
	err = j.read(ctx, v, "reading rhythms", func(persons []rhythm.Person) error {
		texts := cids(v, persons)
		for i := range persons {
			p := &persons[i]
			lot := lot(texts[i])
			active = rhythm.ActiveDays(p.Events, active[:0])
			whole := p.Cursor()
			if all := whole.Before(over + 1); all.ActiveDays() > 0 {
				curves.Add(history(all), ask.about(p, all, over))
			}
			if drawn(lot, rate) {
				near, ahead := p.Cursor(), p.Cursor()
				for _, a := range active {
					if a.Day > over {
						break
					}
					d.Near = append(d.Near, sample(ask, p, near.Before(a.Day), a))
					far := sample(ask, p, ahead.Before(a.Day-1), a)
					far.Question.Ahead = true
					d.Ahead = append(d.Ahead, far)
				}
			}
			if drawn(lot, messageRate) {
				messages = rhythm.AppendMessages(messages[:0], p.Events, endSeconds)
				d.Delays = rhythm.AppendDelays(d.Delays, messages)
				told = appendMessageSamples(told, ask, p, messages)
			}
			take := func(day int32, s *rhythm.State, did bool) {
				d.Days = append(d.Days, model.DaySample{History: *history(s), Question: ask.about(p, s, day), Active: did})
			}
			first := p.HeardDay + 1
			eachDrawnDay(lot, idleRate, first, over, p.Events, active, func(day int32, s *rhythm.State, did bool) {
				if !did {
					take(day, s, did)
				}
			})
			cursor := p.Cursor()
			for _, a := range active {
				if a.Day >= first && a.Day <= over && drawn(mix(lot^uint64(a.Day)), activeRate) {
					take(a.Day, cursor.Before(a.Day), true)
				}
			}
		}
		return nil
	})
	d.Curves = curves.Curves()
	return d, told, err
}

func sample(ask *questions, p *rhythm.Person, s *rhythm.State, a rhythm.Active) model.Sample {
	return model.Sample{History: *history(s), Question: ask.about(p, s, a.Day), Hours: a.Hours}
}

// eachDrawnDay calls yield with a sample of the days from one to another, active or not, as drawn by lot.
func eachDrawnDay(lot uint64, rate float64, from, to int32, events []rhythm.Event, active []rhythm.Active, yield func(day int32, s *rhythm.State, did bool)) {
	random := rand.New(rand.NewPCG(lot, 0))
	cursor := rhythm.NewCursor(events)
	at := 0
	for day := int64(from); ; day++ {
		if rate < 1 {
			// How many days are passed over is geometric.
			day += int64(min(math.Log(1-random.Float64())/math.Log1p(-rate), math.MaxInt32))
		}
		if day > int64(to) {
			return
		}
		for at < len(active) && active[at].Day < int32(day) {
			at++
		}
		yield(int32(day), cursor.Before(int32(day)), at < len(active) && active[at].Day == int32(day))
	}
}
