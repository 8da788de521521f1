package eval

import (
	"cmp"
	"context"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/value"
)

// Survey is what an event and the values of its properties look like, up to as_of.
type Survey struct {
	Count             uint64
	FirstDay, LastDay int32
	Late              []LateCount // of all events, ascending
	Looked            int         // events whose properties were looked at
	Properties        []PropertySurvey
}

// LateCount says how many events are late by how many days at most, and more than those of the count before it.
type LateCount struct {
	Days   int32
	Events uint64
}

// PropertySurvey sums up the values of a property of the events that were looked at.
type PropertySurvey struct {
	ID                  uint32
	Present, Numbers    int
	Round, Negative     int // numbers that are whole multiples of ten; those below 0
	Decimals            uint8
	Distinct            int
	Least, Median, Most float64
	// Mode is how many of the numbers are the most common one, as far as different ones are told apart.
	Mode int
	// Values is how many different strings and whole numbers there are, Valued how many events have one of them, and Shared for how many of
	// these another CID has it, too.
	Values, Valued, Shared int
}

const (
	// mostSurveyed is from how many events on a part of the days is looked at.
	mostSurveyed = 1 << 20
	// MostDistinct is how many different numbers, and how many different values, are told apart.
	MostDistinct = 1 << 16
)

// surveyor gathers a survey.
type surveyor struct {
	env   *Env
	found []*propertyTally // by property
}

type propertyTally struct {
	PropertySurvey
	counts map[value.Decimal]int
	values map[int64]valueTally // by code
}

// valueTally says how many events have a value.
type valueTally struct {
	events int
	cid    int // ordinal of the first one
	shared bool
}

// Survey looks at an event. Of very many events it looks at the properties on some days in some shards, the same at every call.
func (e *Env) Survey(ctx context.Context, event uint32) (Survey, error) {
	r := e.bareRun(ctx, nil)
	defer r.end()
	r.reader.Enter()
	r.inside = true
	all := events{id: event, keptFrom: e.Version.KeptFrom(e.Schema.Events()[event], e.Today), span: e.ever()}
	var found Survey
	type shardDay struct {
		*index.EventDay
		shard int
	}
	var days []shardDay
	for shard := range e.Version.Shards() {
		r.shard = shard
		for _, d := range all.days(r) {
			n, err := e.happened(&all, d)
			if err != nil {
				return found, err
			}
			if n == 0 {
				continue
			}
			if found.Count == 0 {
				found.FirstDay, found.LastDay = d.Day, d.Day
			}
			found.FirstDay, found.LastDay = min(found.FirstDay, d.Day), max(found.LastDay, d.Day)
			found.Count += uint64(n)
			d.EachLate(found.late)
			days = append(days, shardDay{d, shard})
		}
	}
	s := &surveyor{env: e}
	step := max(1, int(found.Count/mostSurveyed))
	for i := 0; i < len(days); i += step {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		n, err := s.look(days[i].EventDay, days[i].shard*bitmap.ShardOrdinals)
		if err != nil {
			return found, err
		}
		found.Looked += n
		r.leave() // what was read may go
		r.reader.Enter()
		r.inside = true
	}
	for _, p := range s.found {
		if p != nil {
			p.finish()
			found.Properties = append(found.Properties, p.PropertySurvey)
		}
	}
	return found, nil
}

func (s *Survey) late(days int32, events int) {
	i, known := slices.BinarySearchFunc(s.Late, days, func(c LateCount, days int32) int { return cmp.Compare(c.Days, days) })
	if !known {
		s.Late = slices.Insert(s.Late, i, LateCount{Days: days})
	}
	s.Late[i].Events += uint64(events)
}

// happened returns how many events of a day there were up to as_of.
func (e *Env) happened(all *events, d *index.EventDay) (int, error) {
	switch all.access(d) {
	case skip:
		return 0, nil
	case rows:
		return d.Events(), nil
	}
	chunks, err := d.Chunks()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, c := range chunks {
		for row := range c.Len() {
			if e.past(d.Day, c, row) {
				n++
			}
		}
	}
	return n, nil
}

// past says whether a row is not after as_of.
func (e *Env) past(day int32, c *column.Chunk, row int) bool {
	return floorSecond(civil.DayStart(day)+c.Offset(row)) <= e.AsOfSeconds
}

// look takes in the events of a day in the shard that begins with an ordinal, and returns how many there are.
func (s *surveyor) look(d *index.EventDay, first int) (int, error) {
	chunks, err := d.Chunks()
	if err != nil {
		return 0, err
	}
	n := 0
	whole := floorSecond(d.HighMillis) <= s.env.AsOfSeconds
	for _, c := range chunks {
		for row := range c.Len() {
			if whole || s.env.past(d.Day, c, row) {
				n++
			}
		}
		for _, id := range c.Props(nil) {
			t := s.property(id)
			p := c.Prop(id)
			for row := range c.Len() {
				if kind := p.Kind(row); kind != value.Absent && (whole || s.env.past(d.Day, c, row)) {
					t.take(kind, p.Cell(row))
					t.takeValue(kind, p.Cell(row), func() int { return first + int(c.Ordinal(row)) })
				}
			}
		}
	}
	return n, nil
}

func (s *surveyor) property(id uint32) *propertyTally {
	for int(id) >= len(s.found) {
		s.found = append(s.found, nil)
	}
	if s.found[id] == nil {
		s.found[id] = &propertyTally{PropertySurvey: PropertySurvey{ID: id}, counts: map[value.Decimal]int{}, values: map[int64]valueTally{}}
	}
	return s.found[id]
}

func (t *propertyTally) take(kind value.Kind, c column.Cell) {
	t.Present++
	if kind != value.Number {
		return
	}
	d, err := value.NewDecimal(c.Data, int(c.Scale))
	if err != nil {
		return // the index holds none beyond the range
	}
	n := d.Float()
	if t.Numbers == 0 {
		t.Least, t.Most = n, n
	}
	t.Numbers++
	t.Least, t.Most, t.Decimals = min(t.Least, n), max(t.Most, n), max(t.Decimals, d.Scale)
	if d.Coef < 0 {
		t.Negative++
	}
	const ten = 10
	if d.Scale == 0 && d.Coef%ten == 0 {
		t.Round++
	}
	if _, known := t.counts[d]; known || len(t.counts) < MostDistinct {
		t.counts[d]++
	}
}

// takeValue notes who has a value, if it is a string or a whole number.
func (t *propertyTally) takeValue(kind value.Kind, c column.Cell, cid func() int) {
	code, ok := codeOf(kind, c)
	if !ok {
		return
	}
	v, known := t.values[code]
	switch {
	case !known && len(t.values) == MostDistinct:
		return
	case !known:
		v.cid = cid()
	case !v.shared:
		v.shared = v.cid != cid()
	}
	v.events++
	t.values[code] = v
}

func (t *propertyTally) finish() {
	t.Values = len(t.values)
	for _, v := range t.values {
		t.Valued += v.events
		if v.shared {
			t.Shared += v.events
		}
	}
	t.Distinct = len(t.counts)
	numbers, total := make([]value.Decimal, 0, len(t.counts)), 0
	for d, n := range t.counts {
		numbers = append(numbers, d)
		total += n
		t.Mode = max(t.Mode, n)
	}
	slices.SortFunc(numbers, value.Decimal.Cmp)
	seen := 0
	for _, d := range numbers {
		if seen += t.counts[d]; 2*seen >= total {
			t.Median = d.Float()
			return
		}
	}
}
