package plan

import "math"

// evaluate computes the score of every candidate. It is exact, so what finds the best of them in a shorter way finds the same.
func (w *Worker) evaluate(curve *Curve) {
	f := w.frame
	w.chance = resize(w.chance, f.hours)
	for i := range f.hours {
		part := &f.parts[i]
		w.chance[i] = 0
		if curve != nil {
			w.chance[i] = curve[part.class()][part.Like].scaled(part.scale)
		}
	}
	w.addUp()
}

// addUp computes the scores from the chances of the hours.
func (w *Worker) addUp() {
	f := w.frame
	w.sum, w.score = resize(w.sum, f.hours+1), resize(w.score, len(f.candidates))
	sum := uint64(0)
	w.sum[0] = 0
	for i, chance := range w.chance {
		sum += uint64(chance) * secondsOfHour // of a long range it may overflow, and differences are right all the same
		w.sum[i+1] = sum
	}
	for i := range f.candidates {
		c := &f.candidates[i]
		if c.whole {
			sum = w.sum[c.first+c.count] - w.sum[c.first]
		} else {
			sum = 0
			for k := c.first; k < c.first+c.count; k++ {
				sum += uint64(w.chance[f.hourOf[k]]) * uint64(f.parts[k].seconds)
			}
		}
		w.score[i] = score(sum, c.seconds, f.widthSeconds)
	}
}

// choose returns the candidate to take, or -1, and what the policy had to do with it. Equal scores go to the earlier window.
func (w *Worker) choose() (int, Reasons) {
	cs := w.frame.candidates
	wanted := w.best()
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
		chosen = w.bestOpen()
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

// better returns the better of the two candidates that c moves to.
func (w *Worker) better(c *candidate) int {
	if c.earlier < 0 || c.later < 0 {
		return int(max(c.earlier, c.later))
	}
	switch e, l := w.score[c.earlier], w.score[c.later]; {
	case l > e:
		return int(c.later)
	case l < e:
		return int(c.earlier)
	}
	return int(w.frame.nearer(c))
}

// nearer returns which of the two candidates that c moves to is nearer; of two as near the earlier one.
func (f *frame) nearer(c *candidate) int32 {
	if f.candidates[c.later].startUnix-c.startUnix < c.startUnix-f.candidates[c.earlier].startUnix {
		return c.later
	}
	return c.earlier
}

func (w *Worker) best() int {
	best := -1
	for i, s := range w.score {
		if best < 0 || s > w.score[best] {
			best = i
		}
	}
	return best
}

func (w *Worker) bestOpen() int {
	best := -1
	for i, s := range w.score {
		if (best < 0 || s > w.score[best]) && w.frame.candidates[i].action == allow {
			best = i
		}
	}
	return best
}

// next returns the best open candidate that touches no window of the answer, or -1.
func (w *Worker) next(a *Answer) int {
	width, best := w.frame.widthSeconds, -1
	for i, s := range w.score {
		c := &w.frame.candidates[i]
		if best >= 0 && s <= w.score[best] || c.action != allow || c.touches(a.Window, width) {
			continue
		}
		free := true
		for k := range a.Alternatives {
			free = free && !c.touches(a.Alternatives[k].Window, width)
		}
		if free {
			best = i
		}
	}
	return best
}

func (c *candidate) touches(w Window, widthSeconds int64) bool {
	return c.startUnix < w.EndUnix && c.startUnix+widthSeconds > w.StartUnix
}

// anyIn is the chance of any activity in a window.
func (w *Worker) anyIn(c *candidate, s *Subject) float64 {
	f := w.frame
	if s.Any != nil {
		return unit(s.Any(f.parts[c.first : c.first+c.count : c.first+c.count]))
	}
	miss := 1.0
	for k := c.first; k < c.first+c.count; k++ {
		miss *= math.Pow(1-w.chance[f.hourOf[k]].Float(), float64(f.parts[k].Share))
	}
	return 1 - miss
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

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
