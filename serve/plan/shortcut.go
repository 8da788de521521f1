package plan

// shortcuts find the window of a CID by its best hours alone, without looking at every candidate, wherever they decide; they find what Worker.choose does. They rest
// on this: the chance of the best hour of a class of days is above that of all others, so a window that has nothing but that hour is above all
// windows of that class that have something else, and of several such ones the first is taken. And where a policy moves that window to one of two
// that have nothing but one hour each, the ranks of these hours say which is better.
type shortcuts struct {
	frame *frame
	// class is the class of all days of the range, bothClasses when there are two.
	class  int
	lone   [2][Hours]lone
	others *Others
	// decides says that some best hours decide, and added, which may be nil, finds out the others.
	decides bool
	added   *added
	// noBest is what is chosen where the range has none of the best hours; unclear when that depends on more.
	noBest outcome
}

const bothClasses = 2

// outcome is the number of the candidate to take, or one of these.
type outcome int32

const (
	noWindow outcome = -1 - iota
	unclear
)

// lone is what there is of windows that have nothing but one hour of one class of days.
type lone struct {
	kind loneKind
	// take is what the first such window comes to when it is wanted; of one that moves where both ways are as good.
	take      outcome
	wantedAt  int32 // the first such window
	ways      [2]int32
	waysHours [2]uint8 // the hours that the windows have to which it moves
	waysClass [2]uint8
	// othersWay is the one of the ways that is better by Others.
	othersWay outcome
}

type loneKind uint8

const (
	partOnly loneKind = iota // no window has nothing but the hour, but some have it
	absent                   // no window has it
	taken
	moving
)

// newShortcuts prepares for a frame. It does not work with what makes hours likelier than they are: then everything is unclear.
func newShortcuts(f *frame, others *Others) *shortcuts {
	s := &shortcuts{frame: f, others: others, noBest: unclear}
	var has [2]bool
	simple, likelier := true, false // every window has one hour, as it is
	for i := range f.parts[:f.hours] {
		p := &f.parts[i]
		class := p.class()
		has[class], likelier = true, likelier || p.scale > unscaled
	}
	switch {
	case has[0] && has[1]:
		s.class = bothClasses
	case has[1]:
		s.class = 1
	}
	if likelier {
		return s // all are partOnly
	}
	for class := range s.lone {
		for hour := range s.lone[class] {
			s.lone[class][hour] = lone{kind: absent, wantedAt: -1}
		}
	}
	for i := range f.candidates {
		for _, p := range f.partsOf(int32(i)) {
			if l := &s.lone[p.class()][p.Like]; l.kind == absent {
				l.kind = partOnly
			}
		}
	}
	for i := range f.candidates {
		class, hour, ok := f.loneHour(int32(i))
		if !ok {
			simple = false
			continue
		}
		if l := &s.lone[class][hour]; l.wantedAt < 0 {
			l.wantedAt, s.decides = int32(i), true
			s.fill(l)
		}
	}
	if simple && s.class != bothClasses {
		s.noBest = s.withoutBest()
	}
	s.added = newAdded(f, others)
	return s
}

func (f *frame) partsOf(candidate int32) []Part {
	c := &f.candidates[candidate]
	return f.parts[c.first : c.first+c.count]
}

// loneHour returns the hour of a window that has nothing else, unscaled.
func (f *frame) loneHour(candidate int32) (class int, hour uint8, ok bool) {
	parts := f.partsOf(candidate)
	class, hour = parts[0].class(), parts[0].Like
	for i := range parts {
		if p := &parts[i]; p.class() != class || p.Like != hour || p.scale != unscaled {
			return 0, 0, false
		}
	}
	return class, hour, true
}

func (s *shortcuts) fill(l *lone) {
	f := s.frame
	c := &f.candidates[l.wantedAt]
	l.kind, l.take = taken, unclear
	switch c.action {
	case allow:
		l.take = outcome(l.wantedAt)
	case drop:
		l.take = noWindow
	case move, moveDay:
		if c.earlier < 0 || c.later < 0 {
			if way := max(c.earlier, c.later); way >= 0 {
				l.take = outcome(way)
			}
			return
		}
		l.ways = [2]int32{c.earlier, c.later}
		for i, way := range l.ways {
			class, hour, ok := f.loneHour(way)
			if !ok {
				return
			}
			l.waysClass[i], l.waysHours[i] = uint8(class), hour
		}
		l.kind, l.take = moving, outcome(f.nearer(c))
		l.othersWay = l.take
		if l.waysClass[0] != l.waysClass[1] {
			l.othersWay = unclear
			return
		}
		class := int(l.waysClass[0])
		switch e, later := s.others.of(class, l.waysHours[0]), s.others.of(class, l.waysHours[1]); {
		case later > e:
			l.othersWay = outcome(l.ways[1])
		case later < e:
			l.othersWay = outcome(l.ways[0])
		}
	}
}

// withoutBest chooses by Others alone. All windows have one hour each, so how likely the least of the best hours is does not matter.
func (s *shortcuts) withoutBest() outcome {
	var curve Curve
	for class := range curve {
		for hour := range curve[class] {
			curve[class][hour] = Chance(s.others.of(class, uint8(hour)))
		}
	}
	w := Worker{frame: s.frame}
	w.evaluate(&curve)
	chosen, _ := w.choose()
	return outcome(chosen) // -1 is noWindow
}

// byRank chooses by the best hours of the one class of days that there is. hours has 5 bits for each, the best in the lowest.
func (s *shortcuts) byRank(hours uint16) outcome {
	if s.class == bothClasses {
		return unclear
	}
	best := [BestHours]uint8{uint8(hours % ranks), uint8(hours >> hourBits % ranks), uint8(hours >> (2 * hourBits) % ranks)}
	for _, hour := range best {
		if hour >= Hours {
			return unclear
		}
		l := &s.lone[s.class][hour]
		switch l.kind {
		case absent:
			continue
		case taken:
			return l.take
		case moving:
			if l.waysHours[0] == l.waysHours[1] {
				return l.take
			}
			for _, b := range best { // the first of the best that is one of both ways is better than the other
				if b == l.waysHours[0] {
					return outcome(l.ways[0])
				}
				if b == l.waysHours[1] {
					return outcome(l.ways[1])
				}
			}
			return l.othersWay
		}
		return unclear
	}
	return s.noBest
}

// byChance chooses by the best hours of both classes of days and their chances.
func (s *shortcuts) byChance(h *Habit) outcome {
	if !s.decides {
		return unclear
	}
	var wanted [2]*lone // the windows of the best hour of each class that the range has
	var chance [2]uint32
	for class := range wanted {
		chance[class] = h.Chance[class][BestHours-1] // of what is not among the best it is less
		if s.class != bothClasses && s.class != class {
			chance[class] = 0
			continue
		}
		if least := h.Chance[class][BestHours-1]; least == 0 || h.Chance[class][0] <= h.Chance[class][1] || h.Chance[class][1] <= least {
			return unclear
		}
		for i, hour := range h.Hour[class] {
			if hour >= Hours {
				return unclear
			}
			l := &s.lone[class][hour]
			if l.kind == absent {
				continue
			}
			if l.kind == partOnly {
				return unclear
			}
			wanted[class], chance[class] = l, h.Chance[class][i]
			break
		}
	}
	l := wanted[0]
	switch {
	case wanted[0] == nil && wanted[1] == nil:
		return s.noBest
	case chance[0] == chance[1] || wanted[0] == nil && chance[0] > chance[1] || wanted[1] == nil && chance[1] > chance[0]:
		return unclear
	case chance[1] > chance[0]:
		l = wanted[1]
	}
	if l.kind == taken {
		return l.take
	}
	e, later := h.at(int(l.waysClass[0]), l.waysHours[0]), h.at(int(l.waysClass[1]), l.waysHours[1])
	switch {
	case e > later:
		return outcome(l.ways[0])
	case later > e:
		return outcome(l.ways[1])
	}
	return l.take
}
