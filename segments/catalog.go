package segments

import (
	"cmp"
	"context"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments/internal/eval"
	"whowhen.dev/whowhen/segments/internal/index"
)

// Catalog says what a view knows of, for those who choose what to compute from it.
type Catalog struct {
	Day        int32           // the view's
	Events     []EventSummary  // by name; those that happened
	Tags       []string        // by name
	Attributes []AttributeKind // by name
}

// AttributeKind is an attribute with its type: string, number, bool, time or list.
type AttributeKind struct{ Name, Type string }

// EventSummary is an event as it happened up to a view's moment.
type EventSummary struct {
	Name              string
	Count             uint64 // events
	FirstDay, LastDay int32
	// Late says how many of the events of its days were received how late, ascending by days.
	Late       []LateCount
	Properties []PropertySummary // by name; those that events had
}

// LateCount says how many events were received at most so many app days after the day on which they happened, and later than those of
// the count before it. A day is 0 for what was received on its own day, or in a bulk load, whose records are history; beyond three days
// there are steps, and LateForever is any number above 90.
type LateCount struct {
	Days   int32
	Events uint64
}

// LateForever is how late an event is that was received more than 90 days after its day.
const LateForever = index.LateForever

// LateWithin returns the least number of days by which a share of an event's records, from 0 to 1, had been received.
func (e *EventSummary) LateWithin(share float64) (days int32) {
	total, seen := uint64(0), uint64(0)
	for _, l := range e.Late {
		total += l.Events
	}
	for _, l := range e.Late {
		if days = l.Days; float64(seen+l.Events) >= share*float64(total) {
			return days
		}
		seen += l.Events
	}
	return days
}

// LateWithin returns, by the name of each event, the least number of days by which a share of its records had been received: what
// View.WithoutLate can allow for.
func (c *Catalog) LateWithin(share float64) map[string]int32 {
	within := map[string]int32{}
	for i := range c.Events {
		within[c.Events[i].Name] = c.Events[i].LateWithin(share)
	}
	return within
}

// PropertySummary describes the values of an event's property: of all events, or of those on some of the days where there are more than
// a million.
type PropertySummary struct {
	Name     string
	Events   int // that were looked at
	Present  int // of them, with a value of any type
	Numbers  int // of them, with a number
	Round    int // numbers that are whole multiples of ten
	Negative int // numbers below 0
	// Decimals is the most digits after the point that a number has; 0 when all are whole.
	Decimals uint8
	// Distinct is how many different numbers there are, or MostDistinct when there are as many or more.
	Distinct int
	// Least and Most are of all the numbers, Median of the first MostDistinct different ones as often as they come.
	Least, Median, Most float64
	// Mode is how many of these numbers are the most common one.
	Mode int
	// Values is how many different strings and whole numbers there are, or MostDistinct when there are as many or more; Valued how many events have one of
	// the first so many, and Shared for how many of these another CID has it, too.
	Values, Valued, Shared int
}

// MostDistinct is how many different numbers, and how many different values, of a property are told apart.
const MostDistinct = eval.MostDistinct

// Catalog looks at what there is. It says nothing of events after the view's moment; tags and attributes have no history. What retention hides is
// not there.
func (v *View) Catalog(ctx context.Context) (*Catalog, error) {
	schema := v.env.Schema
	c := &Catalog{Day: v.env.AsOfDay, Tags: slices.Sorted(slices.Values(schema.Tags()))}
	for _, name := range schema.Attributes() {
		c.Attributes = append(c.Attributes, AttributeKind{name, v.AttributeType(name)})
	}
	slices.SortFunc(c.Attributes, func(a, b AttributeKind) int { return cmp.Compare(a.Name, b.Name) })
	for id, name := range schema.Events() {
		found, err := v.env.Survey(ctx, uint32(id))
		if err != nil {
			return nil, err
		}
		if found.Count > 0 {
			c.Events = append(c.Events, summaryOf(name, &found, schema.Properties(uint32(id))))
		}
	}
	slices.SortFunc(c.Events, func(a, b EventSummary) int { return cmp.Compare(a.Name, b.Name) })
	return c, nil
}

// LastEventDay returns the last app day on which anybody did anything, of what is kept, also when that is after the view's moment; ok is false when
// there is none.
func (v *View) LastEventDay() (day int32, ok bool) {
	version := v.env.Version
	for id, name := range v.env.Schema.Events() {
		kept := version.KeptFrom(name, v.env.Today)
		for shard := range version.Shards() {
			for _, d := range version.EventDays(shard, uint32(id), kept, math.MaxInt32) {
				if !ok || d.Day > day {
					day, ok = d.Day, true
				}
			}
		}
	}
	return day, ok
}

func summaryOf(name string, s *eval.Survey, properties []string) EventSummary {
	e := EventSummary{Name: name, Count: s.Count, FirstDay: s.FirstDay, LastDay: s.LastDay}
	for _, l := range s.Late {
		e.Late = append(e.Late, LateCount(l))
	}
	for _, p := range s.Properties {
		if p.Present == 0 {
			continue
		}
		e.Properties = append(e.Properties, PropertySummary{
			Name: properties[p.ID], Events: s.Looked, Present: p.Present, Numbers: p.Numbers, Round: p.Round, Negative: p.Negative,
			Decimals: p.Decimals, Distinct: p.Distinct, Least: p.Least, Median: p.Median, Most: p.Most, Mode: p.Mode, Values: p.Values, Valued: p.Valued, Shared: p.Shared,
		})
	}
	slices.SortFunc(e.Properties, func(a, b PropertySummary) int { return cmp.Compare(a.Name, b.Name) })
	return e
}
