package plan

import (
	"math"
	"slices"

	"whowhen.dev/whowhen/serve/plan/calendar"
)

// A frame is all that planning knows before it knows the CID: the candidate windows of one message in one zone and place, and what the policy
// makes of each.
//
//   - Candidates are in the order of their starts, which are distinct: the message's From; the beginning of each local hour; and, so that a window
//     can move right up to quiet hours, the beginning of each allowed stretch and the last start before its end, or before Until.
//   - hours are the local hours of the range, each once, in order; parts[:len(hours)] are these as whole parts, so that a window of whole hours is
//     a stretch of parts. Windows that cut an hour have parts of their own behind.
type frame struct {
	parts        []Part
	hourOf       []int32 // the hour that a part is of
	hours        int
	candidates   []candidate
	widthSeconds int64
}

type candidate struct {
	startUnix    int64
	notAfterUnix int64
	first, count int32 // of its parts
	seconds      int64 // of its parts
	earlier      int32 // the open candidate that it moves to, if it moves; -1 is none
	later        int32
	offset       int32   // seconds
	whole        bool    // every part is a whole hour
	action       action  // allow is open
	cause        Reasons // QuietHours and Holiday: what it is against
	days         Reasons // Holiday and ShiftedHours: what its days are
}

// block is a span of Unix time in which a rule is against windows.
type block struct {
	span
	action action
	cause  Reasons
}

type builder struct {
	policy  *Policy
	place   string
	periods []period
	span    span
	width   int64
	frame   *frame
	days    map[int64]dayRules // by wall day
	hourAt  map[int64]int32    // by wall hour
}

// newFrame prepares the windows of a width, in seconds, in a span that the periods cover. When free, nothing is against any window and the
// span's beginning is the only candidate; the rhythm of days holds all the same.
func newFrame(policy *Policy, place string, ps []period, s span, width int64, free bool) *frame {
	b := &builder{policy: policy, place: place, periods: ps, span: s, width: width, frame: &frame{widthSeconds: width},
		days: map[int64]dayRules{}, hourAt: map[int64]int32{}}
	b.addHours()
	if free {
		b.addCandidates([]int64{s.start}, nil)
		return b.frame
	}
	blocks := b.blocks()
	b.addCandidates(b.starts(blocks), blocks)
	b.addMoves()
	return b.frame
}

func (b *builder) day(wallDay int64) dayRules {
	r, ok := b.days[wallDay]
	if !ok {
		r = b.policy.on(b.place, calendar.Date(wallDay))
		b.days[wallDay] = r
	}
	return r
}

func (b *builder) addHours() {
	for _, wall := range wallSpans(b.periods, b.span) {
		for h := floorTo(wall.start, secondsOfHour) / secondsOfHour; h*secondsOfHour < wall.end; h++ {
			if _, ok := b.hourAt[h]; ok {
				continue
			}
			b.hourAt[h] = int32(len(b.frame.parts))
			b.frame.hourOf = append(b.frame.hourOf, int32(len(b.frame.parts)))
			b.frame.parts = append(b.frame.parts, b.part(h))
		}
	}
	b.frame.hours = len(b.frame.parts)
}

func (b *builder) part(wallHour int64) Part {
	wallDay := floorTo(wallHour, 24) / 24
	hour := uint8(wallHour - 24*wallDay)
	r := b.day(wallDay)
	p := Part{Day: r.day, Hour: hour, Like: hour, Factor: 1, Share: 1, seconds: secondsOfHour, scale: unscaled}
	if r.season != nil {
		p.Like, p.Factor = r.season.hours[hour].like, r.season.hours[hour].factor
		p.scale = uint32(math.Round(float64(p.Factor) * unscaled))
	}
	return p
}

// blocks returns what rules are against, by start.
func (b *builder) blocks() []block {
	var all []block
	var spans []span
	add := func(wall span, a action, cause Reasons) {
		spans = unixSpans(spans[:0], b.periods, wall)
		for _, s := range spans {
			all = append(all, block{s, a, cause})
		}
	}
	walls := wallSpans(b.periods, b.span)
	if b.policy == nil || len(walls) == 0 {
		return nil
	}
	// Quiet hours of the day before may reach into the first one. A day that the calendar left out has quiet hours, too: they may reach into
	// the next.
	first := floorTo(walls[0].start, secondsOfDay)/secondsOfDay - 1
	last := floorTo(walls[len(walls)-1].end-1, secondsOfDay) / secondsOfDay
	for d := first; d <= last; d++ {
		r := b.day(d)
		for _, q := range r.quiet {
			add(span{d*secondsOfDay + int64(q.startMinute)*60, d*secondsOfDay + int64(q.endMinute)*60}, q.action, QuietHours)
		}
		if r.holiday != allow && r.holiday != weekend {
			add(span{d * secondsOfDay, (d + 1) * secondsOfDay}, r.holiday, Holiday)
		}
	}
	slices.SortFunc(all, func(x, y block) int {
		if x.start != y.start {
			return int(max(-1, min(1, x.start-y.start)))
		}
		return int(max(-1, min(1, x.end-y.end)))
	})
	return all
}

// starts returns where windows may start, in order, each once.
func (b *builder) starts(blocks []block) []int64 {
	all := append(starts(b.periods), b.span.start)
	closed := make([]span, 0, len(blocks)+1)
	for _, bl := range blocks {
		closed = append(closed, bl.span)
	}
	open := b.span.start
	for _, c := range append(union(closed), span{b.span.end, b.span.end}) {
		for _, edge := range []int64{open, c.start - b.width} {
			if edge >= open && edge+b.width <= c.start && !repeated(b.periods, edge) {
				all = append(all, edge)
			}
		}
		open = max(open, c.end)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(at int64) bool { return at < b.span.start || at+b.width > b.span.end })
}

func (b *builder) addCandidates(at []int64, blocks []block) {
	for _, start := range at {
		c := candidate{startUnix: start, notAfterUnix: b.span.end, earlier: -1, later: -1}
		end := start + b.width
		for _, p := range b.periods {
			if start >= p.start && start < p.end {
				c.offset = int32(p.offset)
			}
		}
		for _, bl := range blocks {
			if bl.start >= end {
				c.notAfterUnix = min(c.notAfterUnix, bl.start)
				break // the rest start later
			}
			if bl.end > start {
				c.action = max(c.action, bl.action)
				c.cause |= bl.cause
			}
		}
		b.addParts(&c, span{start, end})
		b.frame.candidates = append(b.frame.candidates, c)
	}
}

func (b *builder) addParts(c *candidate, s span) {
	f := b.frame
	var own []Part
	var ofHour []int32
	c.whole = true
	for _, wall := range wallSpans(b.periods, s) {
		for h := floorTo(wall.start, secondsOfHour) / secondsOfHour; h*secondsOfHour < wall.end; h++ {
			seconds := min(wall.end, (h+1)*secondsOfHour) - max(wall.start, h*secondsOfHour)
			i := b.hourAt[h]
			if n := len(ofHour); n > 0 && ofHour[n-1] == i {
				own[n-1].seconds += seconds
			} else {
				p := f.parts[i]
				p.seconds = seconds
				own, ofHour = append(own, p), append(ofHour, i)
			}
		}
	}
	for i := range own {
		p := &own[i]
		p.Share = float32(p.seconds) / secondsOfHour
		c.seconds += p.seconds
		c.whole = c.whole && p.seconds == secondsOfHour && ofHour[i] == ofHour[0]+int32(i)
		r := b.day(int64(p.Day.Date))
		if r.season != nil {
			c.days |= ShiftedHours
		}
		if r.holiday == weekend {
			c.days |= Holiday
		}
	}
	c.count = int32(len(own))
	if c.whole {
		c.first = ofHour[0]
		return
	}
	c.first = int32(len(f.parts))
	f.parts, f.hourOf = append(f.parts, own...), append(f.hourOf, ofHour...)
}

// addMoves finds, for each candidate that moves, where to.
func (b *builder) addMoves() {
	cs := b.frame.candidates
	byClock := map[int64]int32{} // open candidates, by wall time
	for i, c := range cs {
		if c.action == allow {
			byClock[c.startUnix+int64(c.offset)] = int32(i)
		}
	}
	open := int32(-1)
	for i := range cs {
		if cs[i].action == allow {
			open = int32(i)
		}
		cs[i].earlier = open
	}
	open = -1
	for i := len(cs) - 1; i >= 0; i-- {
		if cs[i].action == allow {
			open = int32(i)
		}
		cs[i].later = open
		if cs[i].action == moveDay {
			earlier, later := nearestDay(byClock, cs[i], -1), nearestDay(byClock, cs[i], 1)
			if earlier >= 0 || later >= 0 {
				cs[i].earlier, cs[i].later = earlier, later
			}
		}
	}
}

func nearestDay(byClock map[int64]int32, c candidate, step int64) int32 {
	for days := int64(1); days <= MaxRangeDays; days++ {
		if i, ok := byClock[c.startUnix+int64(c.offset)+step*days*secondsOfDay]; ok {
			return i
		}
	}
	return -1
}

// bytes is about what the frame takes.
func (f *frame) bytes() int { return 256 + 44*len(f.parts) + 64*len(f.candidates) }
