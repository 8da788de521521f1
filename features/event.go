package features

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments"
)

// event is what columns want of one event. Its days are gone through once, newest first, and everything is tallied from the newest day on: where
// a window ends, its columns are read off the tally.
type event struct {
	name       string
	anything   bool // then it is all events but receipts, and a day may come several times in a row
	properties []property
	outputs    []output // by window, the shortest first
	// Up to which age each part of the tally is needed; noWindow when it is to the end, 0 when not at all.
	counts, onDays, bounds, weekends, rows, nights int
	habits                                         []span
	tastes                                         []taste
}

// property is a numeric one, and up to which age its values are summed and their logarithms are.
type property struct {
	name       string
	sums, logs int
}

// span is a length of spans, and up to which age they are counted.
type span struct{ days, within int }

// taste is a popularity, and up to which age its events are counted.
type taste struct {
	*popularity
	within int
}

// output is a column, or a part of one, to be read off where a window ends.
type output struct {
	kind     kind
	column   int // or rate, for rateOver
	window   int // days; noWindow when it does not end
	short    int // days of a trend's short window, whose count stands in the column already
	property int
	span     int // days that a chance looks ahead
	habit    int // which of the event's
	taste    int // which of the event's
	scaled   bool
	since    int32 // day that data begin with, of a scaled one
	around   float64
}

type kind uint8

const (
	plainCount kind = iota
	onDays
	recency
	gap
	pace
	flow
	habit
	chance
	popular
	typical
	weekend
	night
	sum
	trend
	rateOver
)

var kinds = map[Family]kind{Recency: recency, Count: plainCount, Days: onDays, Sum: sum, Gap: gap, Pace: pace, Flow: flow, Habit: habit, Chance: chance, Popularity: popular, Typical: typical, Weekend: weekend, Night: night}

// noWindow is longer than any window.
const noWindow = math.MaxInt32

// event is that of a column, by its name or else anything.
func (x *Extractor) event(name string, anything bool) *event {
	for _, e := range x.events {
		if e.name == name && e.anything == anything {
			return e
		}
	}
	e := &event{name: name, anything: anything}
	x.events = append(x.events, e)
	return e
}

func (e *event) property(name string) int {
	if i := slices.IndexFunc(e.properties, func(p property) bool { return p.name == name }); i >= 0 {
		return i
	}
	e.properties = append(e.properties, property{name: name})
	return len(e.properties) - 1
}

// maxHabits bounds the lengths of spans of an event, since a block takes half a megabyte for each.
const maxHabits = 16

func (e *event) habit(days int) (int, error) {
	if i := slices.IndexFunc(e.habits, func(s span) bool { return s.days == days }); i >= 0 {
		return i, nil
	}
	if len(e.habits) == maxHabits {
		return 0, fmt.Errorf("habits of at most %d different lengths can be computed of one event", maxHabits)
	}
	e.habits = append(e.habits, span{days: days})
	return len(e.habits) - 1, nil
}

func (e *event) taste(p *popularity) int {
	if i := slices.IndexFunc(e.tastes, func(t taste) bool { return t.popularity == p }); i >= 0 {
		return i
	}
	e.tastes = append(e.tastes, taste{popularity: p})
	return len(e.tastes) - 1
}

// settle works out what is needed when all outputs are there.
func (e *event) settle() {
	for i := range e.outputs {
		o := &e.outputs[i]
		if o.window == 0 {
			o.window = noWindow
		}
		switch o.kind {
		case plainCount, trend, rateOver:
			e.counts = max(e.counts, o.window)
		case onDays:
			e.onDays = max(e.onDays, o.window)
		case recency:
			e.bounds = max(e.bounds, o.window)
		case gap, chance:
			e.bounds, e.onDays = max(e.bounds, o.window), max(e.onDays, o.window)
		case pace:
			e.bounds, e.counts = max(e.bounds, o.window), max(e.counts, o.window)
		case flow:
			e.bounds, e.rows = max(e.bounds, o.window), max(e.rows, o.window)
			e.properties[o.property].sums = max(e.properties[o.property].sums, o.window)
		case habit:
			e.bounds, e.habits[o.habit].within = max(e.bounds, o.window), max(e.habits[o.habit].within, o.window)
		case popular:
			e.bounds, e.rows, e.tastes[o.taste].within = max(e.bounds, o.window), max(e.rows, o.window), max(e.tastes[o.taste].within, o.window)
		case weekend:
			e.counts, e.weekends = max(e.counts, o.window), max(e.weekends, o.window)
		case night:
			e.counts, e.nights, e.rows = max(e.counts, o.window), max(e.nights, o.window), max(e.rows, o.window)
		case sum:
			e.properties[o.property].sums, e.rows = max(e.properties[o.property].sums, o.window), max(e.rows, o.window)
		case typical:
			e.properties[o.property].logs, e.rows = max(e.properties[o.property].logs, o.window), max(e.rows, o.window)
		}
	}
	if e.anything {
		e.bounds = max(e.bounds, e.onDays) // which tell a day that has been counted
	}
	slices.SortStableFunc(e.outputs, func(a, b output) int { return cmp.Compare(a.window, b.window) })
}

// walk makes the columns of an event.
func (x *Extractor) walk(e *event) error {
	today := x.source.view.Day()
	from := int32(math.MinInt32)
	if longest := e.outputs[len(e.outputs)-1].window; longest < noWindow {
		from = today - int32(longest) + 1
	}
	few := x.few()
	x.tally.prepare(e)
	if x.tally.crowded = x.tally.crowded || few == nil; x.tally.crowded {
		x.tally.reset(e)
	} else {
		defer x.tally.clearFew(e, few)
	}
	left := e.outputs
	for _, d := range x.days(e, from) {
		age := int(today - d.Day())
		for len(left) > 0 && left[0].window <= age {
			x.readOff(e, left[0])
			left = left[1:]
		}
		if err := x.tally.day(e, d, age, x.members, few); err != nil {
			return err
		}
	}
	for _, o := range left {
		x.readOff(e, o)
	}
	return nil
}

// days returns those of an event from a day on, newest first.
func (x *Extractor) days(e *event, from int32) []segments.EventDay {
	if e.anything {
		return x.reader.DaysOfAll(x.source.anything, from)
	}
	return x.reader.Days(e.name, from)
}

// readOff makes a column what has been tallied so far.
func (x *Extractor) readOff(e *event, o output) {
	t := x.tally
	if o.kind == rateOver {
		to := x.rates[o.column].per
		for row, who := range x.ordinals {
			to[row] = float32(t.count[who])
		}
		return
	}
	to := x.columns[o.column]
	switch o.kind {
	case plainCount:
		for row, who := range x.ordinals {
			to[row] = float32(t.count[who])
		}
	case onDays:
		for row, who := range x.ordinals {
			to[row] = float32(t.days[who])
		}
	case recency:
		for row, who := range x.ordinals {
			if to[row] = missing; t.newest[who] > 0 {
				to[row] = float32(t.newest[who] - 1)
			}
		}
	case gap:
		for row, who := range x.ordinals {
			to[row] = missing
			if n := t.days[who]; n > 1 {
				usual := float64(t.oldest[who]-t.newest[who]) / float64(n-1)
				to[row] = float32(float64(t.newest[who]-1) / usual)
			}
		}
	case pace:
		for row, who := range x.ordinals {
			to[row] = t.each30Days(float64(t.count[who]), who)
		}
	case flow:
		t.sums[o.property].read(to, x.ordinals)
		for row, who := range x.ordinals {
			to[row] = t.each30Days(float64(to[row]), who)
		}
	case habit:
		h := t.habits[o.habit]
		for row, who := range x.ordinals {
			to[row] = missing
			if t.oldest[who] > 0 {
				begun := (t.oldest[who]-1)/int32(h.days) + 1
				to[row] = float32((float64(h.count[who]) + 0.5) / float64(begun+1))
			}
		}
	case chance:
		for row, who := range x.ordinals {
			to[row] = missing
			if n := t.days[who]; n > 0 {
				to[row] = x.chances.of(n-1, t.oldest[who]-t.newest[who], t.oldest[who], o.span)
			}
		}
	case popular:
		t.tastes[o.taste].read(to, x.ordinals)
	case typical:
		t.logs[o.property].read(to, x.ordinals, o.around)
	case weekend:
		for row, who := range x.ordinals {
			to[row] = share(float64(t.weekend[who]), float64(t.count[who]))
		}
	case night:
		for row, who := range x.ordinals {
			to[row] = share(float64(t.night[who]), float64(t.count[who]))
		}
	case sum:
		t.sums[o.property].read(to, x.ordinals)
	case trend:
		short, long := float64(o.short), float64(o.window)
		for row, who := range x.ordinals {
			to[row] = share(float64(to[row])/short, float64(t.count[who])/long)
		}
	}
	if o.scaled {
		scale(to, o.window, x.source.view.Day()-o.since+1)
	}
}
