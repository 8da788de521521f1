package features

import (
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
	// only beyond Bound.
	First []string
	// HorizonDays is how far ahead a model is to look; 0 means 30.
	HorizonDays int
	// Amounts and Codes declare properties, as event.property, to be amounts or not, whatever they look like.
	Amounts, Codes []string
	// WithoutReceipts leaves out columns about messages.
	WithoutReceipts bool
	// MostColumns bounds the choice; 0 means DefaultMostColumns. Only the events of First may exceed it, where there is no less to be said of them.
	MostColumns int
	// Recencies is of how many events that there is no room for the recency is a column all the same, of frequent ones first. They come on top of
	// MostColumns: a rare event may be the one that tells, such as a complaint, and that it happened at all, and when, is most of what it tells.
	Recencies int
	// Bound is how many columns there may be whatever they are of; 0 means that there is no bound.
	Bound int
	// FewSums has sums made of but the declared amounts of each event, or else of the one with the most different values. What others typically are
	// takes a column each, and stays.
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
	Recencies  int // how many columns are those of events that there is no room for
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

// Choose returns the columns for what a catalog knows: for every event its recency, counts, days, sums of amounts and what they typically are, trends,
// regularity, pace, habit and chance, shares of weekends and nights, and how popular what was taken is, rates for receipts, the tenure and the static facts. Where they are too many there are fewer windows
// first, then fewer events, the rarest first; in place of those the columns of anything say whether somebody is there at all. It depends on the catalog alone, so that
// what happened after its day has no part in it.
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
	wanted := newWishes(c.Events, o.First)
	var dropped []LeftOut
	for {
		plan, fits := fitting(c.Day, wanted.subjects, o, most-len(static.Columns))
		if fits && wanted.wantAnything() {
			continue
		}
		if fits {
			return plan.whole(static, wanted.dropped, dropped, o), nil
		}
		if len(wanted.subjects) == 0 {
			return Plan{}, fmt.Errorf("at most %d columns are wanted, which is too few", most)
		}
		bound := len(plan.Columns)
		if o.Bound > 0 {
			bound = o.Bound - len(static.Columns)
		}
		if len(plan.Columns) <= bound && wanted.leastAlready() {
			return plan.whole(static, wanted.dropped, dropped, o), nil
		}
		left := wanted.lessen(most)
		dropped = append(dropped, left...)
	}
}

// fitting returns the richest choice of so many columns at most, or else the poorest one, and whether it fits.
func fitting(day int32, subjects []subject, o Options, most int) (plan Plan, fits bool) {
	for _, tier := range tiers {
		if plan = choose(day, subjects, tier, o); len(plan.Columns) <= most {
			return plan, true
		}
	}
	return plan, false
}

// whole is a plan with the static columns, and with the recencies of events that there was no room for, the rarest of which come first.
func (p Plan) whole(static Plan, events []string, dropped []LeftOut, o Options) Plan {
	most := min(o.Recencies, len(events))
	if o.Bound > 0 {
		most = max(0, min(most, o.Bound-len(static.Columns)-len(p.Columns)))
	}
	for _, name := range slices.Backward(events[len(events)-most:]) {
		p.add(Column{Family: Recency, Name: name, WindowDays: longestDays})
		for i := range dropped {
			if dropped[i].What == eventWords(name) {
				dropped[i].What += " but for its recency"
			}
		}
	}
	p.Recencies = most
	p.Columns = append(p.Columns, static.Columns...)
	p.LeftOut = slices.Concat(p.LeftOut, dropped, static.LeftOut)
	return p
}

func choose(day int32, subjects []subject, tier []int, o Options) Plan {
	p := Plan{Columns: []Column{{Family: Tenure}}}
	for _, s := range subjects {
		if isReceipt(s.Name) {
			p.receipt(day, s, subjects, tier, o)
			continue
		}
		windows := p.windows(day, s, tier)
		p.behaviour(day, s, windows)
		if s.brief {
			p.add(s.within(Gap, longestDays))
			continue
		}
		p.each(s.column(Days), s, windows)
		chance := s.column(Chance)
		chance.SpanDays = o.HorizonDays
		if s.longKnown(day) {
			p.add(s.column(Days), chance)
		}
		p.add(s.within(Gap, longestDays), s.within(Pace, longestDays))
		habit := s.within(Habit, longestDays)
		habit.SpanDays, chance.WindowDays = o.HorizonDays, longestDays
		p.add(habit, chance)
		if s.anything {
			continue
		}
		p.add(s.within(Weekend, habitDays), s.within(Night, habitDays))
		p.sums(s.EventSummary, windows, o)
		p.popularity(s.EventSummary, o)
	}
	return p
}

func (p *Plan) add(c ...Column) { p.Columns = append(p.Columns, c...) }

func (p *Plan) leaveOut(what, why string) { p.LeftOut = append(p.LeftOut, LeftOut{what, why}) }

// windows returns those of a tier that differ for an event: of all that are longer than it is known the shortest.
func (p *Plan) windows(day int32, s subject, tier []int) []int {
	known := int(day-s.FirstDay) + 1
	for i, w := range tier {
		if w >= known && i+1 < len(tier) {
			p.leaveOut(fmt.Sprintf("windows of %s above %dd", s, w), fmt.Sprintf("the event is known for %d days; columns per %dd of data stand for them", known, longestDays))
			return tier[:i+1]
		}
	}
	return tier
}

// each adds a column for every window, and where the longest is left out the scaled one of it. The shortest window beyond the data holds all of them
// at the time of training, and less and less of them later; the scaled column goes on to say who has done much since the beginning. It
// does not replace the other: later on, those who did little have less of it than anybody had in training, and look alike.
func (p *Plan) each(c Column, s subject, windows []int) {
	for _, w := range windows {
		c.WindowDays = w
		p.add(c)
	}
	if !slices.Contains(windows, longestDays) {
		c.WindowDays, c.Scaled, c.SinceDay = longestDays, true, s.FirstDay
		p.add(c)
	}
}

// behaviour adds recency, counts and trends.
func (p *Plan) behaviour(day int32, s subject, windows []int) {
	recency := s.within(Recency, longestDays)
	if s.longKnown(day) {
		recency.WindowDays = 0
	}
	p.add(recency)
	p.each(s.column(Count), s, windows)
	for _, pair := range [][2]int{{7, 30}, {30, 90}, {90, 365}} {
		if slices.Contains(windows, pair[0]) && slices.Contains(windows, pair[1]) {
			trend := s.within(Trend, pair[0])
			trend.LongDays = pair[1]
			p.add(trend)
		}
	}
}

const sent = "push.sent"

// receipt adds the exposure to messages, and the rates given that.
func (p *Plan) receipt(day int32, e subject, all []subject, tier []int, o Options) {
	what := eventWords(e.Name)
	switch {
	case o.WithoutReceipts:
		p.leaveOut(what, "columns about messages are not wanted")
	case e.Name == sent:
		p.behaviour(day, e, p.windows(day, e, tier))
	case e.Name != "push.clicked" && e.Name != "push.dismissed":
		p.leaveOut(what, "of receipts only what was sent, clicked and dismissed makes columns")
	default:
		i := slices.IndexFunc(all, func(other subject) bool { return other.Name == sent })
		if i < 0 {
			p.leaveOut(what, "its rate needs "+value.Quote(sent)+", which is not there")
			return
		}
		for _, w := range p.windows(day, all[i], tier) {
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
