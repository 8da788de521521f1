package serve

import (
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/plan"
)

// sendFacts are what the store knows of a CID's send time.
type sendFacts struct {
	codes         [hours.Columns]uint16
	hasHours      bool
	zone, country uint32 // codes of attributes, or segments.NoCode
}

// sendWorker plans one CID after the other. It belongs to one goroutine.
type sendWorker struct {
	plan   *sendPlan
	worker *plan.Worker
	homes  *homes

	// Of the CID at hand:
	curve   plan.Curve
	daily   daily
	subject plan.Subject
	answer  plan.Answer
}

func (p *sendPlan) newWorker() *sendWorker {
	w := &sendWorker{plan: p, worker: p.planner.Worker(), homes: p.newHomes()}
	w.subject.Any = func(parts []plan.Part) float64 { return anyIn(p.predictor, &w.daily, parts) }
	return w
}

// answerFor plans for a CID; ordinal is segments.NoOrdinal if the app does not know it. The answer is good until the next call.
func (w *sendWorker) answerFor(cid string, ordinal uint32, f *sendFacts) *plan.Answer {
	p, s := w.plan, &w.subject
	s.CID, s.Ordinal, s.Known = cid, ordinal, ordinal != segments.NoOrdinal
	zone, place := w.homes.zoneOf(f.zone), w.homes.placeOf(f.country)
	var lives *abode
	if f.hasHours {
		h := p.hours.Decode(&f.codes, p.nowHour)
		s.Evidence, s.ActiveDays = plan.Evidence(h.Level), uint32(h.ActiveDays)
		w.daily.ofHours(&h, &p.nobody)
		habit := plan.Habit{Others: p.others}
		for class := range habit.Hour {
			p.readHabit(&habit, class, f.codes[class], f.codes[2+class])
		}
		habit.Curve(&w.curve)
		s.Curve = &w.curve
		lives = w.homes.abodeIn(zone, uint8(f.codes[4]), f.codes[5])
	} else {
		r := w.homes.restOf(zone, place)
		s.Evidence, s.ActiveDays, s.Curve = r.level, 0, &r.engagement
		w.daily.ofRest(r)
		lives = zone.unseen
	}
	s.Place, s.Zone, s.ZoneFrom = place.name, lives.zone, lives.from
	w.worker.Plan(s, &w.answer)
	w.answer.Decision.Message = p.decision
	if p.over {
		w.answer.Choice, w.answer.Alternatives = plan.Choice{}, w.answer.Alternatives[:0]
		w.answer.Reasons |= plan.NoWindow
	}
	return &w.answer
}

// readHabit reads a class of days of a habit from columns 0 or 1 and 2 or 3.
func (p *sendPlan) readHabit(to *plan.Habit, class int, ranked, chances uint16) {
	to.Hour[class], to.Chance[class] = hours.Ranked(ranked), p.hours.Chances(chances)
}
