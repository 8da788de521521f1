package plan

import (
	"cmp"
	"slices"
)

// added finds the window of a CID by adding up what its best hours bring to the windows that have them. All other windows have the hours of Others alone, of which there
// is an order that is the same for everybody, so only the first of them need be looked at. Chances of a Habit are such that all is exact, and the end is
// that of Worker.choose.
type added struct {
	frame  *frame
	others *Others
	// base is what windows have of Others, in seconds, by class of days; less what is in of an hour of them.
	base [][2]uint64
	in   [2][Hours][]secondsIn
	// order are the windows that have days of one class only, by base, and mixed the others.
	order [2][]int32
	mixed []int32
}

// secondsIn is how much of an hour a window has.
type secondsIn struct {
	candidate int32
	seconds   uint32
}

// newAdded prepares for a frame. It returns nil for one with hours that are scaled, or time that comes twice, whose windows do not add up simply.
func newAdded(f *frame, others *Others) *added {
	a := &added{frame: f, others: others, base: make([][2]uint64, len(f.candidates))}
	for i := range f.candidates {
		if f.candidates[i].seconds != f.widthSeconds {
			return nil
		}
		var of [2]bool
		for _, p := range f.partsOf(int32(i)) {
			if p.scale != unscaled {
				return nil
			}
			class := p.class()
			of[class] = true
			a.base[i][class] += uint64(others.of(class, p.Like)) * uint64(p.seconds)
			in := &a.in[class][p.Like]
			if n := len(*in); n > 0 && (*in)[n-1].candidate == int32(i) {
				(*in)[n-1].seconds += uint32(p.seconds)
			} else {
				*in = append(*in, secondsIn{int32(i), uint32(p.seconds)})
			}
		}
		switch {
		case of[0] && of[1]:
			a.mixed = append(a.mixed, int32(i))
		case of[0]:
			a.order[0] = append(a.order[0], int32(i))
		default:
			a.order[1] = append(a.order[1], int32(i))
		}
	}
	for class, list := range a.order {
		slices.SortStableFunc(list, func(x, y int32) int { return cmp.Compare(a.base[y][class], a.base[x][class]) })
	}
	return a
}

// sums are the scores of some windows. They belong to one goroutine.
type sums struct {
	turn    uint32
	turns   []uint32 // in which turn a window was touched
	score   []uint64
	touched []int32
}

func (s *sums) begin(candidates int) {
	if len(s.turns) < candidates || s.turn == 1<<32-1 {
		s.turn, s.turns, s.score = 0, make([]uint32, candidates), make([]uint64, candidates)
	}
	s.turn++
	s.touched = s.touched[:0]
}

// choose returns what is chosen; unclear when what the policy passes over must be known.
func (a *added) choose(s *sums, h *Habit) outcome {
	s.begin(len(a.frame.candidates))
	least := [2]uint64{uint64(h.Chance[0][BestHours-1]), uint64(h.Chance[1][BestHours-1])}
	for class := range h.Hour {
		for rank, hour := range h.Hour[class] {
			if hour >= Hours || rank > 0 && hour == h.Hour[class][0] || rank > 1 && hour == h.Hour[class][1] {
				continue
			}
			more := uint64(h.best(class, rank) - h.other(class, hour))
			for _, in := range a.in[class][hour] {
				if s.turns[in.candidate] != s.turn {
					a.touch(s, in.candidate, &least)
				}
				s.score[in.candidate] += more * uint64(in.seconds)
			}
		}
	}
	for _, c := range a.mixed {
		if s.turns[c] != s.turn {
			a.touch(s, c, &least)
		}
	}
	best, most := int32(-1), uint64(0)
	for _, c := range s.touched {
		if score := s.score[c]; best < 0 || score > most || score == most && c < best {
			best, most = c, score
		}
	}
	for class, list := range a.order {
		for _, c := range list {
			if s.turns[c] == s.turn {
				continue
			}
			if score := a.base[c][class] * least[class]; best < 0 || score > most || score == most && c < best {
				best, most = c, score
			}
			break
		}
	}
	return a.moved(s, best, &least)
}

func (a *added) touch(s *sums, c int32, least *[2]uint64) {
	s.turns[c] = s.turn
	s.score[c] = a.base[c][0]*least[0] + a.base[c][1]*least[1]
	s.touched = append(s.touched, c)
}

// moved returns what the window that is wanted comes to.
func (a *added) moved(s *sums, wanted int32, least *[2]uint64) outcome {
	if wanted < 0 {
		return noWindow
	}
	c := &a.frame.candidates[wanted]
	switch c.action {
	case allow:
		return outcome(wanted)
	case drop:
		return noWindow
	case move, moveDay:
		if c.earlier < 0 && c.later < 0 {
			return unclear
		}
		if c.earlier < 0 || c.later < 0 {
			return outcome(max(c.earlier, c.later))
		}
		for _, way := range [...]int32{c.earlier, c.later} {
			if s.turns[way] != s.turn {
				a.touch(s, way, least)
			}
		}
		switch e, later := s.score[c.earlier], s.score[c.later]; {
		case later > e:
			return outcome(c.later)
		case later < e:
			return outcome(c.earlier)
		}
		return outcome(a.frame.nearer(c))
	}
	return unclear
}
