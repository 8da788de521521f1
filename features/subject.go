package features

import (
	"cmp"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
)

// subject is what columns can be of: an event, or anything.
type subject struct {
	segments.EventSummary
	anything bool // then there is no name, and no property
	brief    bool // with fewer columns, as there is no room for all
}

// wishes are subjects in the order in which they are wanted.
type wishes struct {
	subjects []subject
	firsts   int      // of them that are asked about
	lessened bool     // by an event that is no receipt: while each has columns of its own, those of anything say the same
	anything *subject // nil when there are not several events, and when it has had its turn
	dropped  []string // events but those about messages, the rarest first
}

// newWishes wants the events that are asked about before others, and frequent ones before rare ones.
func newWishes(events []segments.EventSummary, first []string) wishes {
	w := wishes{anything: together(events)}
	for _, e := range events {
		w.subjects = append(w.subjects, subject{EventSummary: e})
		if slices.Contains(first, e.Name) {
			w.firsts++
		}
	}
	later := func(s subject) int {
		if slices.Contains(first, s.Name) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(w.subjects, func(a, b subject) int {
		return cmp.Or(cmp.Compare(later(a), later(b)), cmp.Compare(b.Count, a.Count))
	})
	return w
}

// leastAlready says whether but those are wanted that are asked about.
func (w *wishes) leastAlready() bool { return len(w.subjects) <= w.firsts }

// lessen wants less, as there would be more than so many columns, and returns what is left out now. Anything goes in two steps.
func (w *wishes) lessen(most int) (left []LeftOut) {
	n := len(w.subjects) - 1
	last := w.subjects[n]
	if last.anything && !last.brief {
		w.subjects[n].brief = true
		return nil
	}
	w.subjects = w.subjects[:n]
	if last.anything {
		return []LeftOut{{"events of any kind, taken together", fmt.Sprintf("there would be more than %d columns", most)}}
	}
	if !isReceipt(last.Name) {
		w.lessened, w.dropped = true, append(w.dropped, last.Name)
	}
	why := "there would be more than %d columns, and it is the rarest of those not asked about: it happened %d times"
	if n < w.firsts {
		w.firsts--
		why = "there would be far more than %d columns, and it is the rarest of those asked about: it happened %d times"
	}
	return []LeftOut{{eventWords(last.Name), fmt.Sprintf(why, most, last.Count)}}
}

// wantAnything wants anything, too, if there is more to it than what is wanted already, and says whether it does so now. Its place is after the events that are asked
// about and those about messages, which are no part of it, so that the others make room for it.
func (w *wishes) wantAnything() bool {
	if w.anything == nil || !w.lessened {
		return false
	}
	after := func(s subject) int {
		switch {
		case isReceipt(s.Name):
			return 0
		case s.anything:
			return 1
		}
		return 2
	}
	w.subjects, w.anything = append(w.subjects, *w.anything), nil
	slices.SortStableFunc(w.subjects[w.firsts:], func(a, b subject) int { return cmp.Compare(after(a), after(b)) })
	return true
}

// together returns all events but those about messages as one, nil when there are not several.
func together(events []segments.EventSummary) *subject {
	all, kinds := subject{anything: true}, 0
	for _, e := range events {
		if isReceipt(e.Name) {
			continue
		}
		if kinds++; kinds == 1 {
			all.FirstDay, all.LastDay = e.FirstDay, e.LastDay
		}
		all.Count += e.Count
		all.FirstDay, all.LastDay = min(all.FirstDay, e.FirstDay), max(all.LastDay, e.LastDay)
	}
	if kinds < 2 {
		return nil
	}
	return &all
}

func (s subject) column(f Family) Column {
	return Column{Family: f, Name: s.Name, Anything: s.anything}
}

func (s subject) within(f Family, days int) Column {
	c := s.column(f)
	c.WindowDays = days
	return c
}

// longKnown says whether it is known for longer than the longest window. Who has not done it for so long has nothing in any window: only
// how long ago it was, and what came of it in all, tell those who may come back from those who will not.
func (s subject) longKnown(day int32) bool { return day-s.FirstDay >= longestDays }

// eventWords is what is left out with an event.
func eventWords(name string) string { return "event " + value.Quote(name) }

func (s subject) String() string {
	if s.anything {
		return anything
	}
	return value.Quote(s.Name)
}
