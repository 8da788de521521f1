package features

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
)

// sums adds the sums of an event's amounts: the declared ones first, then those of the most different values, which tell most. Of all but the first there
// is the typical value, too, if values differ: of the first the flow over the pace says the same.
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
			if taken++; taken > 1 && tellsTypical(property) {
				p.add(Column{Family: Typical, Name: e.Name, Property: property.Name, Around: property.Median, WindowDays: longestDays})
			}
			if o.FewSums && summed > 0 && declared(property) == 1 {
				p.leaveOut("the sums of "+value.Quote(e.Name+"."+property.Name), "another amount of the event tells more CIDs apart, and few columns are wanted, so that of this one there is the typical value at most; declare it an amount to have them")
				continue
			}
			summed++
			p.each(Column{Family: Sum, Name: e.Name, Property: property.Name}, subject{EventSummary: e}, windows)
			p.add(Column{Family: Flow, Name: e.Name, Property: property.Name, WindowDays: longestDays})
		}
	}
}

// tellsTypical says whether typical values of a number differ. Where one is that of half of the events, it is what people usually have; and those much
// below 1 are not told apart well.
func tellsTypical(p segments.PropertySummary) bool {
	const least = 1.0 / 1024
	return 2*p.Mode < p.Numbers && (p.Median == 0 || math.Abs(p.Median) >= least)
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
	popularities := 0
	for _, c := range p.Columns {
		if c.Family == Popularity {
			popularities++
		}
	}
	switch {
	case best.Name == "":
	case popularities == maxPopularities:
		p.leaveOut("the popularity of "+value.Quote(e.Name+"."+best.Name), fmt.Sprintf("there are %d others", maxPopularities))
	default:
		p.add(Column{Family: Popularity, Name: e.Name, Property: best.Name, SpanDays: latelyDays, WindowDays: longestDays})
	}
}
