package plan

import "math/bits"

// BlockCIDs is how many ordinals Tally.Count looks at, at most: a bit each of 1,024 words.
const BlockCIDs = 1 << 16

// Tally counts when an audience is sent to, exactly as Worker.Plan answers for each CID, without answering for each. It belongs to one goroutine.
//
// CIDs are told by their ordinals, and where they live by the number of a target: a zone and what the policy tells apart of a place.
type Tally struct {
	planner  *Planner
	worker   *Worker
	others   *Others
	base     int64 // the quarter hour, since 1970, that counts begin with
	quarters int
	targets  []target // by number; 0 is none
	quick    []quick  // the same
	numbers  map[frameKey]uint16
	by       map[*frame]*shortcuts
	counts   map[*Zone][]uint32
	none     uint64
	one      [2]bool
	both     bool
	sums     sums
	curve    Curve
}

// target is a zone and place.
type target struct {
	shortcuts *shortcuts
	counts    []uint32 // by quarter hour; shared by the targets of a zone
	class     uint8    // of all days; 0 where there are two
	one       bool     // whether there is one
}

// quick is what Count needs to know of a target: where the windows begin that best hours come to, in seconds after the Tally's base, or one of these.
type quick struct {
	starts *[ranks]int32
	hours  *[BlockCIDs]uint16
	counts []uint32
}

const (
	quickNone    int32 = -1 - iota // there is no window
	quickUnclear                   // byRank may tell
)

// ranks is more than the numbers of hours are, so that none that 5 bits tell need be checked.
const ranks = 1 << hourBits

const hourBits = 5

// maxTargets bounds the targets of a Tally, and so its memory.
const maxTargets = 1 << 14

// NewTally returns a tally of nobody. others is that of all habits.
func (p *Planner) NewTally(others *Others) *Tally {
	base := floorTo(p.span.start, quarterSeconds) / quarterSeconds
	return &Tally{planner: p, worker: p.Worker(), others: others, base: base, quarters: int((p.span.end-1)/quarterSeconds - base + 1),
		targets: make([]target, 1), quick: []quick{{starts: unclearStarts()}}, numbers: map[frameKey]uint16{}, by: map[*frame]*shortcuts{}, counts: map[*Zone][]uint32{}}
}

// Target returns the number of a zone and place, 0 when there are too many.
func (t *Tally) Target(zone *Zone, place string) uint16 {
	key := frameKey{zone, t.planner.Place(place)}
	if number := t.numbers[key]; number > 0 {
		return number
	}
	if len(t.targets) >= maxTargets {
		t.both = true // whoever is counted otherwise is counted by all
		return 0
	}
	f := t.planner.frame(zone, place)
	s := t.by[f]
	if s == nil {
		s = newShortcuts(f, t.others)
		t.by[f] = s
	}
	number := uint16(len(t.targets))
	t.numbers[key] = number
	g := target{shortcuts: s, counts: t.countsOf(zone)}
	if s.class != bothClasses {
		g.one, g.class = true, uint8(s.class)
		t.one[s.class] = true
	} else {
		t.both = true
	}
	t.targets = append(t.targets, g)
	t.quick = append(t.quick, quick{starts: t.startsOf(&g), counts: g.counts})
	return number
}

func unclearStarts() *[ranks]int32 {
	starts := new([ranks]int32)
	for i := range starts {
		starts[i] = quickUnclear
	}
	return starts
}

// startsOf returns what each best hour comes to.
func (t *Tally) startsOf(g *target) *[ranks]int32 {
	starts := unclearStarts()
	if !g.one {
		return starts
	}
	for hour := range starts {
		if t.planner.message.Class == Transactional {
			starts[hour] = t.startOf(g, 0)
		} else if hour < Hours && g.shortcuts.lone[g.class][hour].kind == taken {
			starts[hour] = t.startOf(g, g.shortcuts.lone[g.class][hour].take)
		}
	}
	return starts
}

// startOf returns where a window begins as quick tells it.
func (t *Tally) startOf(g *target, chosen outcome) int32 {
	switch chosen {
	case noWindow:
		return quickNone
	case unclear:
		return quickUnclear
	}
	return int32(g.shortcuts.frame.candidates[chosen].startUnix - t.base*quarterSeconds) // a range is at most a month
}

func (t *Tally) countsOf(zone *Zone) []uint32 {
	c := t.counts[zone]
	if c == nil {
		c = make([]uint32, t.quarters)
		t.counts[zone] = c
	}
	return c
}

// Classes says of which classes of days there are targets that have only the one, whose hours Count looks at; and whether there are targets of both, so
// that AddHabit looks at all. Where there is none of a class, nothing of it in a habit is looked at.
func (t *Tally) Classes() (one [2]bool, both bool) { return t.one, t.both }

// Count counts those of who whose windows their best hours alone decide, and takes them out of who. first is the ordinal of the first. The best
// hours have 5 bits each, the best in the lowest; their chances fall from each to the next and to Others. Those whose target is 0 stay.
func (t *Tally) Count(first uint32, who *[BlockCIDs / 64]uint64, targets *[BlockCIDs]uint16, hours *[2]*[BlockCIDs]uint16) {
	for i := range t.quick {
		t.quick[i].hours = hours[t.targets[i].class]
	}
	width, key := t.spreadSeconds(), t.planner.key
	// First all windows of 64 CIDs are found, then the moments in them: together, what is not foreseen of the one would hold up the other.
	var found [64]struct {
		start     int32
		target, x uint16
	}
	for w, word := range who {
		n, kept := 0, uint64(0)
		for left := word; left != 0; left &= left - 1 {
			x := uint16(w<<6 + bits.TrailingZeros64(left))
			target := targets[x]
			q := &t.quick[target]
			code := q.hours[x]
			start := q.starts[code%ranks]
			if start == quickUnclear {
				if start = t.byRank(&t.targets[target], code); start == quickUnclear {
					kept |= left & -left
					continue
				}
			}
			f := &found[n%64]
			f.start, f.target, f.x = start, target, x
			n++
		}
		who[w] = kept
		for i := range found[:n] {
			f := &found[i]
			if f.start < 0 {
				t.none++
				continue
			}
			t.quick[f.target].counts[uint64(int64(f.start)+below(spread(key, first+uint32(f.x)), width))/quarterSeconds]++
		}
	}
}

func (t *Tally) byRank(g *target, code uint16) int32 {
	if !g.one {
		return quickUnclear
	}
	return t.startOf(g, g.shortcuts.byRank(code))
}

// spreadSeconds is over how long the messages of a window are spread.
func (t *Tally) spreadSeconds() int64 {
	if t.planner.message.Class == Transactional {
		return 1 // they are sent at its beginning
	}
	return t.planner.width
}

// add counts a CID in the quarter hour that it is sent to in.
func (t *Tally) add(g *target, chosen outcome, ordinal uint32) {
	if chosen < 0 {
		t.none++
		return
	}
	start := g.shortcuts.frame.candidates[chosen].startUnix - t.base*quarterSeconds
	g.counts[uint64(start+below(spread(t.planner.key, ordinal), t.spreadSeconds()))/quarterSeconds]++
}

// AddHabit counts one CID by its habit.
func (t *Tally) AddHabit(number uint16, ordinal uint32, h *Habit) {
	g := &t.targets[number]
	chosen := g.shortcuts.byChance(h)
	if chosen == unclear && g.shortcuts.added != nil {
		chosen = g.shortcuts.added.choose(&t.sums, h)
	}
	if chosen == unclear {
		h.Curve(&t.curve)
		chosen = t.choose(g.shortcuts.frame, &t.curve)
	}
	t.add(g, chosen, ordinal)
}

// Fixed is what is chosen for all CIDs of a target that share a curve.
type Fixed struct {
	target uint16
	chosen outcome
}

// Fix returns what is chosen for a curve.
func (t *Tally) Fix(number uint16, curve *Curve) Fixed {
	return Fixed{number, t.choose(t.targets[number].shortcuts.frame, curve)}
}

// AddFixed counts one CID.
func (t *Tally) AddFixed(f Fixed, ordinal uint32) { t.add(&t.targets[f.target], f.chosen, ordinal) }

// AddCurve counts one CID that has no target.
func (t *Tally) AddCurve(zone *Zone, place string, ordinal uint32, curve *Curve) {
	f := t.planner.frame(zone, place)
	g := target{shortcuts: &shortcuts{frame: f}, counts: t.countsOf(zone)}
	t.add(&g, t.choose(f, curve), ordinal)
}

func (t *Tally) choose(f *frame, curve *Curve) outcome {
	if t.planner.message.Class == Transactional {
		return 0
	}
	t.worker.frame = f
	t.worker.evaluate(curve)
	chosen, _ := t.worker.choose()
	return outcome(chosen)
}

// AddTo adds what was counted to a histogram.
func (t *Tally) AddTo(h *Histogram) {
	h.AddNone(t.none)
	for zone, counts := range t.counts {
		for i, n := range counts {
			if n > 0 {
				h.AddAt(zone, (t.base+int64(i))*quarterSeconds, uint64(n))
			}
		}
	}
}
