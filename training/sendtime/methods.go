package sendtime

import (
	model "whowhen.dev/whowhen/models/sendtime"
)

// method is a way to tell the hours; the others are what the model has to beat.
type method int

const (
	theModel method = iota
	everyoneCurve
	zoneCurve
	ownHour
	ownSmoothed
	methods
)

func methodNames() [methods]string {
	return [methods]string{"model", "everyone", "zone", "own_hour", "own_smoothed"}
}

// setting is what is known of the day before.
type setting int

const (
	near  setting = iota // everything
	ahead                // nothing
	settings
)

// predictor tells hours by all methods. It is one goroutine's.
type predictor struct {
	model     *model.Model
	untrained *model.Model
	answer    model.Answer
}

func newPredictor(m *model.Model) *predictor {
	return &predictor{model: m, untrained: model.Untrained(m.Curves)}
}

func (p *predictor) predict(by method, h *model.History, q *model.Question) *[model.Hours]float64 {
	switch by {
	case theModel:
		p.model.Predict(h, q, &p.answer)
	case everyoneCurve:
		p.answer.Hour = p.model.Curves.Everyone.On(q)
	case zoneCurve:
		p.answer.Hour = p.model.Curves.OfZone(q).On(q)
	case ownHour:
		p.ownHour(h, q)
	case ownSmoothed:
		p.untrained.Predict(h, q, &p.answer)
	}
	return &p.answer.Hour
}

// ownHour takes the CID's histogram as it is; hours it tells nothing of are in the order of the zone's curve.
func (p *predictor) ownHour(h *model.History, q *model.Question) {
	const little = 1e-6 // breaks ties and no more: it is below what probabilities are clipped to
	curve := p.model.Curves.OfZone(q).On(q)
	days := 0.0
	for _, n := range h.Days {
		days += float64(n)
	}
	if days == 0 {
		p.answer.Hour = curve
		return
	}
	for i, n := range h.Hours {
		p.answer.Hour[i] = float64(n)/days + little*curve[i]
	}
}
