package plan

import "math"

// Worker plans one CID after the other. It keeps buffers and the frame used last, so it belongs to one goroutine.
type Worker struct {
	planner *Planner
	zone    *Zone
	place   string
	frame   *frame
	chance  []float64 // of each hour
	score   []float64 // of each candidate
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
	if w.frame == nil || w.zone != a.Zone || w.place != s.Place {
		w.zone, w.place, w.frame = a.Zone, s.Place, p.frame(a.Zone, s.Place)
	}
	w.evaluate(s.Curve)
	if p.message.Class == Transactional {
		a.Choice = w.choice(0, a.Decision)
		a.SendAtUnix, a.NotAfterUnix = a.StartUnix, p.span.end
		a.Reasons |= TransactionalNow | w.frame.candidates[0].days
		return
	}
	chosen, reasons := w.choose()
	a.Reasons |= reasons
	if chosen < 0 {
		return
	}
	a.Choice = w.choice(chosen, a.Decision)
	a.Reasons |= w.frame.candidates[chosen].days
	for range p.message.Alternatives {
		next := w.next(a)
		if next < 0 {
			break
		}
		a.Alternatives = append(a.Alternatives, w.choice(next, a.Decision))
	}
}

// evaluate computes the score of every candidate.
func (w *Worker) evaluate(curve Curve) {
	f := w.frame
	w.chance, w.score = resize(w.chance, f.hours), resize(w.score, len(f.candidates))
	if curve.Any != nil {
		for i := range f.candidates {
			c := &f.candidates[i]
			w.score[i] = unit(curve.Any(f.parts[c.first : c.first+c.count : c.first+c.count]))
		}
		return
	}
	for i := range f.hours {
		part := &f.parts[i]
		w.chance[i] = 0
		if curve.Hour != nil {
			w.chance[i] = unit(curve.Hour(part.Day, int(part.Like)) * float64(part.Factor))
		}
	}
	for i := range f.candidates {
		c := &f.candidates[i]
		if c.whole && c.count == 1 {
			w.score[i] = w.chance[c.first]
			continue
		}
		w.score[i] = 1 - w.miss(c)
	}
}

// miss is the chance of no activity in a window, were hours independent.
func (w *Worker) miss(c *candidate) float64 {
	miss := 1.0
	if c.whole {
		for _, chance := range w.chance[c.first : c.first+c.count] {
			miss *= 1 - chance
		}
		return miss
	}
	f := w.frame
	for i := c.first; i < c.first+c.count; i++ {
		switch rest := 1 - w.chance[f.hourOf[i]]; f.parts[i].Share {
		case 1:
			miss *= rest
		case 0.5:
			miss *= math.Sqrt(rest)
		default:
			miss *= math.Pow(rest, float64(f.parts[i].Share))
		}
	}
	return miss
}

// choose returns the candidate to take, or -1, and what the policy had to do with it. Equal scores go to the earlier window.
func (w *Worker) choose() (int, Reasons) {
	cs := w.frame.candidates
	wanted := w.best(func(*candidate) bool { return true })
	if wanted < 0 {
		return -1, NoWindow
	}
	c := &cs[wanted]
	if c.action == allow {
		return wanted, 0
	}
	chosen := -1
	switch c.action {
	case drop:
		return -1, NoWindow | c.cause
	case move, moveDay:
		chosen = w.better(c)
	}
	if chosen < 0 {
		chosen = w.best(func(c *candidate) bool { return c.action == allow })
	}
	if chosen < 0 {
		return -1, NoWindow | c.cause
	}
	reasons := c.cause & Holiday
	if c.cause&QuietHours != 0 {
		reasons |= MovedFromQuiet
	}
	return chosen, reasons
}

// better returns the better of the two candidates that c moves to; of two equals the nearer one, and of two as near the earlier one.
func (w *Worker) better(c *candidate) int {
	cs := w.frame.candidates
	switch e, l := int(c.earlier), int(c.later); {
	case e < 0 || l < 0:
		return max(e, l)
	case w.score[l] > w.score[e]:
		return l
	case w.score[l] < w.score[e]:
		return e
	case cs[l].startUnix-c.startUnix < c.startUnix-cs[e].startUnix:
		return l
	default:
		return e
	}
}

func (w *Worker) best(eligible func(*candidate) bool) int {
	best := -1
	for i := range w.frame.candidates {
		if (best < 0 || w.score[i] > w.score[best]) && eligible(&w.frame.candidates[i]) {
			best = i
		}
	}
	return best
}

// next returns the best open candidate that touches no window of the answer, or -1.
func (w *Worker) next(a *Answer) int {
	width := w.frame.widthSeconds
	return w.best(func(c *candidate) bool {
		if c.action != allow || c.startUnix < a.EndUnix && c.startUnix+width > a.StartUnix {
			return false
		}
		for i := range a.Alternatives {
			if c.startUnix < a.Alternatives[i].EndUnix && c.startUnix+width > a.Alternatives[i].StartUnix {
				return false
			}
		}
		return true
	})
}

func (w *Worker) choice(i int, d Decision) Choice {
	c, width := &w.frame.candidates[i], w.frame.widthSeconds
	return Choice{
		Window:     Window{c.startUnix, c.startUnix + width},
		SendAtUnix: c.startUnix + below(mix(d.Subject), width), NotAfterUnix: c.notAfterUnix,
		OffsetSeconds: c.offset, Probability: w.score[i],
	}
}

// unit returns the nearest number from 0 to 1, and 0 for what is no number.
func unit(x float64) float64 {
	switch {
	case x >= 0 && x <= 1:
		return x
	case x > 1:
		return 1
	default:
		return 0
	}
}

func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
