package features

import (
	"cmp"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments"
)

// event is what columns want of one event. Its days are gone through once, newest first, and everything is tallied from the newest day on: where
// a window ends, its columns are read off the tally.
type event struct {
	name       string
	properties []string // that are summed
	outputs    []output // by window, the shortest first
	// Up to which age each part of the tally is needed; noWindow when it is to the end, 0 when not at all.
	counts, onDays, bounds, weekends, rows, nights int
	sums                                           []int // by property
}

// output is a column, or a part of one, to be read off where a window ends.
type output struct {
	kind     kind
	column   int // or rate, for rateOver
	window   int // days; noWindow when it does not end
	short    int // days of a trend's short window, whose count stands in the column already
	property int
}

type kind uint8

const (
	plainCount kind = iota
	onDays
	recency
	gap
	weekend
	night
	sum
	trend
	rateOver
)

var kinds = map[Family]kind{Recency: recency, Count: plainCount, Days: onDays, Sum: sum, Gap: gap, Weekend: weekend, Night: night}

// noWindow is longer than any window.
const noWindow = math.MaxInt32

func (x *Extractor) event(name string) *event {
	for _, e := range x.events {
		if e.name == name {
			return e
		}
	}
	e := &event{name: name}
	x.events = append(x.events, e)
	return e
}

func (e *event) property(name string) int {
	if i := slices.Index(e.properties, name); i >= 0 {
		return i
	}
	e.properties = append(e.properties, name)
	e.sums = append(e.sums, 0)
	return len(e.properties) - 1
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
		case gap:
			e.bounds, e.onDays = max(e.bounds, o.window), max(e.onDays, o.window)
		case weekend:
			e.counts, e.weekends = max(e.counts, o.window), max(e.weekends, o.window)
		case night:
			e.counts, e.nights, e.rows = max(e.counts, o.window), max(e.nights, o.window), max(e.rows, o.window)
		case sum:
			e.sums[o.property], e.rows = max(e.sums[o.property], o.window), max(e.rows, o.window)
		}
	}
	slices.SortStableFunc(e.outputs, func(a, b output) int { return cmp.Compare(a.window, b.window) })
}

// walk makes the columns of an event.
func (x *Extractor) walk(e *event) error {
	today := x.view.Day()
	from := int32(math.MinInt32)
	if longest := e.outputs[len(e.outputs)-1].window; longest < noWindow {
		from = today - int32(longest) + 1
	}
	x.tally.reset(e)
	left := e.outputs
	for _, d := range x.reader.Days(e.name, from) {
		age := int(today - d.Day())
		for len(left) > 0 && left[0].window <= age {
			x.readOff(left[0])
			left = left[1:]
		}
		if err := x.tally.day(e, d, age, x.members); err != nil {
			return err
		}
	}
	for _, o := range left {
		x.readOff(o)
	}
	return nil
}

// readOff makes a column what has been tallied so far.
func (x *Extractor) readOff(o output) {
	t := &x.tally
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
}

// tally is what has been counted of an event from the newest day on, by ordinal in the block.
type tally struct {
	count, days, weekend, night [segments.BlockCIDs]uint32
	newest, oldest              [segments.BlockCIDs]int32 // age of a day plus one; 0 when there is none
	sums                        []*exactSums
}

// reset makes everything 0 that the event needs.
func (t *tally) reset(e *event) {
	if e.counts > 0 {
		clear(t.count[:])
	}
	if e.onDays > 0 {
		clear(t.days[:])
	}
	if e.bounds > 0 {
		clear(t.newest[:])
		clear(t.oldest[:])
	}
	if e.weekends > 0 {
		clear(t.weekend[:])
	}
	if e.nights > 0 {
		clear(t.night[:])
	}
	for len(t.sums) < len(e.properties) {
		t.sums = append(t.sums, new(exactSums))
	}
	for i := range e.properties {
		t.sums[i].reset()
	}
}

// day adds a day, newest first.
func (t *tally) day(e *event, d segments.EventDay, age int, members *segments.Words) error {
	const thursday = 4 // 1970-01-01, where Sunday is 0
	weekday := ((int(d.Day())+thursday)%7 + 7) % 7
	atWeekend := age < e.weekends && (weekday == 0 || weekday == 6)
	if age < max(e.counts, e.onDays, e.bounds) {
		who, err := d.Who()
		if err != nil {
			return err
		}
		if age < e.counts {
			add(&t.count, who, 1)
		}
		if age < e.onDays {
			add(&t.days, who, 1)
		}
		if age < e.bounds {
			bound(&t.newest, &t.oldest, who, int32(age)+1)
		}
		if atWeekend {
			add(&t.weekend, who, 1)
		}
	}
	if age < e.counts {
		err := d.More(func(who []uint16, weight uint32) {
			add(&t.count, who, weight)
			if atWeekend {
				add(&t.weekend, who, weight)
			}
		})
		if err != nil {
			return err
		}
	}
	if age >= e.rows {
		return nil
	}
	return d.Rows(members, func(rows segments.EventRows) { t.rows(e, rows, age) })
}

func add(to *[segments.BlockCIDs]uint32, who []uint16, weight uint32) {
	for _, x := range who {
		to[x] += weight
	}
}

// bound notes an age that is the greatest so far.
func bound(newest, oldest *[segments.BlockCIDs]int32, who []uint16, age int32) {
	for _, x := range who {
		if newest[x] == 0 {
			newest[x] = age
		}
		oldest[x] = age
	}
}

func (t *tally) rows(e *event, rows segments.EventRows, age int) {
	if age < e.nights {
		const daySeconds, nightSeconds = 86_400, 6 * 3600
		seconds := rows.LocalSeconds()
		for i, x := range rows.Who() {
			second := seconds[i] % daySeconds
			if second < 0 {
				second += daySeconds
			}
			if second < nightSeconds {
				t.night[x]++
			}
		}
	}
	for i, name := range e.properties {
		if age < e.sums[i] {
			rows.Numbers(name, t.sums[i].add)
		}
	}
}
