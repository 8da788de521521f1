package plan

// Worker plans one CID after the other. It keeps buffers and the frame used last, so it belongs to one goroutine.
type Worker struct {
	planner *Planner
	zone    *Zone
	place   string
	frame   *frame
	chance  []Chance // of each hour
	sum     []uint64 // of chances times seconds of all hours before
	score   []uint64 // of each candidate
}

// Worker returns a new worker of the planner.
func (p *Planner) Worker() *Worker { return &Worker{planner: p} }

// Plan answers for a CID. Whatever *a held is overwritten; its Alternatives are reused.
func (w *Worker) Plan(s *Subject, a *Answer) {
	p := w.planner
	*a = Answer{Zone: s.Zone, ZoneFrom: s.ZoneFrom, Evidence: s.Evidence, ActiveDays: s.ActiveDays, Alternatives: a.Alternatives[:0],
		Decision: Decision{Message: p.key, Subject: mix(hash(s.CID) ^ p.key)}}
	if s.ActiveDays == 0 {
		a.Reasons |= NoData
	}
	if a.Zone == nil {
		a.Zone, a.ZoneFrom = p.app, FromApp
	}
	if a.ZoneFrom == FromApp {
		a.Reasons |= UnknownZone
	}
	w.goTo(a.Zone, s.Place)
	w.evaluate(s.Curve)
	where := mix(a.Decision.Subject)
	if s.Known {
		where = spread(p.key, s.Ordinal)
	}
	if p.message.Class == Transactional {
		a.Choice = w.choice(0, s, where)
		a.SendAtUnix, a.NotAfterUnix = a.StartUnix, p.span.end
		a.Reasons |= TransactionalNow | w.frame.candidates[0].days
		return
	}
	chosen, reasons := w.choose()
	a.Reasons |= reasons
	if chosen < 0 {
		return
	}
	a.Choice = w.choice(chosen, s, where)
	a.Reasons |= w.frame.candidates[chosen].days
	for range p.message.Alternatives {
		next := w.next(a)
		if next < 0 {
			break
		}
		a.Alternatives = append(a.Alternatives, w.choice(next, s, where))
	}
}

func (w *Worker) goTo(zone *Zone, place string) {
	if w.frame == nil || w.zone != zone || w.place != place {
		w.zone, w.place, w.frame = zone, place, w.planner.frame(zone, place)
	}
}

func (w *Worker) choice(i int, s *Subject, where uint64) Choice {
	c, width := &w.frame.candidates[i], w.frame.widthSeconds
	return Choice{
		Window:     Window{c.startUnix, c.startUnix + width},
		SendAtUnix: c.startUnix + below(where, width), NotAfterUnix: c.notAfterUnix, OffsetSeconds: c.offset,
		Probability: w.anyIn(c, s), Engagement: float64(w.score[i]) / float64(width) / float64(Certain),
	}
}
