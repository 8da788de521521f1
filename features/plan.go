package features

import (
	"cmp"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
)

// Options shape the choice of columns.
type Options struct {
	// Static are tags and attributes that do not change, columns of the families Tag and Attribute. No others are chosen, since the store has
	// only their present state.
	Static []Column
	// First are the events that matter most, such as those of the question: when there are too many columns, others are left out for them, and these
	// never.
	First []string
	// HorizonDays is how far ahead a model is to look; 0 means 30.
	HorizonDays int
	// Amounts and Codes declare properties, as event.property, to be amounts or not, whatever they look like.
	Amounts, Codes []string
	// WithoutReceipts leaves out columns about messages.
	WithoutReceipts bool
	// MostColumns bounds the choice; 0 means DefaultMostColumns. Only the events of First may exceed it, where there is no less to be said of them.
	MostColumns int
	// FewSums has sums made of but the declared amounts of each event, or else of the one with the most different values.
	FewSums bool
}

// DefaultMostColumns is how many columns are chosen at most unless options say otherwise.
const DefaultMostColumns = 160

// LeftOut is something that no column was made of.
type LeftOut struct{ What, Why string }

// Plan is a choice of columns.
type Plan struct {
	Columns    []Column
	Properties []Property // the numeric ones, with what they were taken for
	LeftOut    []LeftOut
}

// Windows in days that a plan draws on, from the richest choice to the poorest.
var tiers = [][]int{
	{1, 3, 7, 14, 30, 60, 90, 180, 365},
	{7, 14, 30, 90, 180, 365},
	{7, 30, 90, 365},
	{30, 90, 365},
	{30, 365},
}

const (
	longestDays    = 365
	habitDays      = 180 // of weekends and nights
	latelyDays     = 30  // of popularities
	mostProperties = 4   // of one event
)

// Choose returns the columns for what a catalog knows: for every event its recency, counts, days, sums of amounts, trends, regularity, pace, habit
// and chance, shares of weekends and nights, and how popular what was taken is, rates for receipts, the tenure and the static facts. Where they are too many there are fewer windows
// first, then fewer events, the rarest first. It depends on the catalog alone, so that what happened after its day has no part in it.
func Choose(c *segments.Catalog, o Options) (Plan, error) {
	most := o.MostColumns
	if most == 0 {
		most = DefaultMostColumns
	}
	if o.HorizonDays == 0 {
		o.HorizonDays = 30
	}
	static, err := chooseStatic(c, o.Static)
	if err != nil {
		return Plan{}, err
	}
	if len(static.Columns) >= most {
		return Plan{}, fmt.Errorf("%d static columns leave no room for others: at most %d columns are wanted", len(static.Columns), most)
	}
	events := slices.Clone(c.Events)
	last := func(e segments.EventSummary) int {
		if slices.Contains(o.First, e.Name) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(events, func(a, b segments.EventSummary) int {
		return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(b.Count, a.Count))
	})
	var dropped []LeftOut
	for {
		var plan Plan
		for _, tier := range tiers {
			plan = choose(c.Day, events, tier, o)
			if len(plan.Columns)+len(static.Columns) <= most {
				plan.Columns = append(plan.Columns, static.Columns...)
				plan.LeftOut = slices.Concat(plan.LeftOut, dropped, static.LeftOut)
				return plan, nil
			}
		}
		if len(events) == 0 {
			return Plan{}, fmt.Errorf("at most %d columns are wanted, which is too few", most)
		}
		rarest := events[len(events)-1]
		if last(rarest) == 0 {
			plan.Columns = append(plan.Columns, static.Columns...)
			plan.LeftOut = slices.Concat(plan.LeftOut, dropped, static.LeftOut)
			return plan, nil
		}
		events = events[:len(events)-1]
		dropped = append(dropped, LeftOut{"event " + value.Quote(rarest.Name),
			fmt.Sprintf("there would be more than %d columns, and it is the rarest of those not asked about: it happened %d times", most, rarest.Count)})
	}
}

func choose(day int32, events []segments.EventSummary, tier []int, o Options) Plan {
	p := Plan{Columns: []Column{{Family: Tenure}}}
	for _, e := range events {
		if isReceipt(e.Name) {
			p.receipt(day, e, events, tier, o)
			continue
		}
		windows := p.windows(day, e, tier)
		p.behaviour(day, e, windows)
		p.each(Column{Family: Days, Name: e.Name}, e, windows)
		if longKnown(day, e) {
			p.add(Column{Family: Days, Name: e.Name}, Column{Family: Chance, Name: e.Name, SpanDays: o.HorizonDays})
		}
		p.add(Column{Family: Gap, Name: e.Name, WindowDays: longestDays})
		p.add(Column{Family: Pace, Name: e.Name, WindowDays: longestDays})
		for _, f := range []Family{Habit, Chance} {
			p.add(Column{Family: f, Name: e.Name, WindowDays: longestDays, SpanDays: o.HorizonDays})
		}
		for _, f := range []Family{Weekend, Night} {
			p.add(Column{Family: f, Name: e.Name, WindowDays: habitDays})
		}
		p.sums(e, windows, o)
		p.popularity(e, o)
	}
	return p
}

func (p *Plan) add(c ...Column) { p.Columns = append(p.Columns, c...) }

func (p *Plan) leaveOut(what, why string) { p.LeftOut = append(p.LeftOut, LeftOut{what, why}) }

// windows returns those of a tier that differ for an event: of all that are longer than it is known the shortest.
func (p *Plan) windows(day int32, e segments.EventSummary, tier []int) []int {
	known := int(day-e.FirstDay) + 1
	for i, w := range tier {
		if w >= known && i+1 < len(tier) {
			p.leaveOut(fmt.Sprintf("windows of %s above %dd", value.Quote(e.Name), w), fmt.Sprintf("the event is known for %d days; columns per %dd of data stand for them", known, longestDays))
			return tier[:i+1]
		}
	}
	return tier
}

// each adds a column for every window, and where the longest is left out the scaled one of it. The shortest window beyond the data holds all of them
// at the time of training, and less and less of them later; the scaled column goes on to say who has done much since the beginning. It
// does not replace the other: later on, those who did little have less of it than anybody had in training, and look alike.
func (p *Plan) each(c Column, e segments.EventSummary, windows []int) {
	for _, w := range windows {
		c.WindowDays = w
		p.add(c)
	}
	if !slices.Contains(windows, longestDays) {
		c.WindowDays, c.Scaled, c.SinceDay = longestDays, true, e.FirstDay
		p.add(c)
	}
}

// longKnown says whether an event is known for longer than the longest window. Who has not done it for so long has nothing in any window: only
// how long ago it was, and what came of it in all, tell those who may come back from those who will not.
func longKnown(day int32, e segments.EventSummary) bool { return day-e.FirstDay >= longestDays }

// behaviour adds recency, counts and trends.
func (p *Plan) behaviour(day int32, e segments.EventSummary, windows []int) {
	recency := Column{Family: Recency, Name: e.Name, WindowDays: longestDays}
	if longKnown(day, e) {
		recency.WindowDays = 0
	}
	p.add(recency)
	p.each(Column{Family: Count, Name: e.Name}, e, windows)
	for _, pair := range [][2]int{{7, 30}, {30, 90}, {90, 365}} {
		if slices.Contains(windows, pair[0]) && slices.Contains(windows, pair[1]) {
			p.add(Column{Family: Trend, Name: e.Name, WindowDays: pair[0], LongDays: pair[1]})
		}
	}
}

// sums adds the sums of an event's amounts: the declared ones first, then those of the most different values, which tell most.
func (p *Plan) sums(e segments.EventSummary, windows []int, o Options) {
	taken, summed := 0, 0
	declared := func(property segments.PropertySummary) int {
		if slices.Contains(o.Amounts, e.Name+"."+property.Name) {
			return 0
		}
		return 1
	}
	properties := slices.SortedStableFunc(slices.Values(e.Properties), func(a, b segments.PropertySummary) int {
		return cmp.Or(cmp.Compare(declared(a), declared(b)), cmp.Compare(b.Distinct, a.Distinct))
	})
	for _, property := range properties {
		if property.Numbers == 0 {
			continue
		}
		j := judge(e.Name, property, o)
		p.Properties = append(p.Properties, j)
		what := "property " + value.Quote(e.Name+"."+property.Name)
		switch {
		case !j.Amount:
			p.leaveOut(what, "it is no amount: "+j.Why)
		case taken == mostProperties:
			p.leaveOut(what, fmt.Sprintf("%d amounts of the event stand before it", mostProperties))
		default:
			taken++
			if o.FewSums && summed > 0 && declared(property) == 1 {
				p.leaveOut("the sums of "+value.Quote(e.Name+"."+property.Name), "another amount of the event tells more CIDs apart, and there is data for few columns; declare it an amount to have them")
				continue
			}
			summed++
			p.each(Column{Family: Sum, Name: e.Name, Property: property.Name}, e, windows)
			p.add(Column{Family: Flow, Name: e.Name, Property: property.Name, WindowDays: longestDays})
		}
	}
}

// popularity adds that of what people take, if a property says so: one whose values, of which there are many, are no amounts and mostly shared with
// others. Of several it is the one with the most values, which says most.
func (p *Plan) popularity(e segments.EventSummary, o Options) {
	const fewestValues = 10
	best := segments.PropertySummary{Values: fewestValues - 1}
	for _, property := range e.Properties {
		switch {
		case property.Values <= best.Values || 2*property.Valued < property.Events || 4*property.Shared < 3*property.Valued:
		case slices.Contains(timeWords, lastWord(property.Name)):
		case property.Numbers > 0 && judge(e.Name, property, o).Amount:
		default:
			best = property
		}
	}
	if best.Name != "" {
		p.add(Column{Family: Popularity, Name: e.Name, Property: best.Name, SpanDays: latelyDays, WindowDays: longestDays})
	}
}

const sent = "push.sent"

// receipt adds the exposure to messages, and the rates given that.
func (p *Plan) receipt(day int32, e segments.EventSummary, events []segments.EventSummary, tier []int, o Options) {
	what := "event " + value.Quote(e.Name)
	switch {
	case o.WithoutReceipts:
		p.leaveOut(what, "columns about messages are not wanted")
	case e.Name == sent:
		p.behaviour(day, e, p.windows(day, e, tier))
	case e.Name != "push.clicked" && e.Name != "push.dismissed":
		p.leaveOut(what, "of receipts only what was sent, clicked and dismissed makes columns")
	default:
		i := slices.IndexFunc(events, func(other segments.EventSummary) bool { return other.Name == sent })
		if i < 0 {
			p.leaveOut(what, "its rate needs "+value.Quote(sent)+", which is not there")
			return
		}
		for _, w := range p.windows(day, events[i], tier) {
			if w >= 7 { // a rate of a day or three is mostly none
				p.add(Column{Family: Rate, Name: e.Name, Per: sent, WindowDays: w})
			}
		}
		p.add(Column{Family: Recency, Name: e.Name, WindowDays: longestDays})
	}
}

// chooseStatic takes the facts that are declared static, and names the others.
func chooseStatic(c *segments.Catalog, static []Column) (Plan, error) {
	var p Plan
	for _, s := range static {
		if err := s.Check(); err != nil {
			return p, fmt.Errorf("static column %s: %w", s, err)
		}
		if !s.Static() {
			return p, fmt.Errorf("static column %s: only tags and attributes can be static", s)
		}
	}
	wanted := func(c Column) bool { return slices.Contains(static, c) }
	for _, name := range c.Tags {
		if col := (Column{Family: Tag, Name: name}); wanted(col) {
			p.add(col)
		} else {
			p.leaveOut("tag "+value.Quote(name), "it is not declared static, and tags have no history")
		}
	}
	for _, a := range c.Attributes {
		switch col := (Column{Family: Attribute, Name: a.Name}); {
		case !wanted(col):
			p.leaveOut("attribute "+value.Quote(a.Name), "it is not declared static, and attributes have no history")
		case a.Type == "list":
			p.leaveOut("attribute "+value.Quote(a.Name), "its values are lists")
		default:
			p.add(col)
		}
	}
	for _, s := range static {
		if !slices.Contains(p.Columns, s) && !slices.ContainsFunc(c.Attributes, func(a segments.AttributeKind) bool { return s.Family == Attribute && a.Name == s.Name }) {
			return p, fmt.Errorf("static column %s: the app has no such tag or attribute", s)
		}
	}
	return p, nil
}
