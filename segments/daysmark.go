package segments

import (
	"slices"
	"weak"

	"whowhen.dev/whowhen/segments/internal/index"
)

// DaysMark stands for what a view knows of an event's days. It outlives the view, and keeps nothing of it in memory.
type DaysMark struct {
	event   string
	asOf    int64
	late    int32
	limited bool
	days    []weak.Pointer[index.EventDay] // of all shards; what they point to never changes
}

// MarkDays marks the days of an event from a day on. Two marks of one app are Equal only if both views know the same of these days; that they differ
// says nothing.
func (v *View) MarkDays(event string, from int32) DaysMark {
	m := DaysMark{event: event, asOf: v.env.AsOfSeconds}
	id, found := v.env.Schema.Event(event)
	if !found {
		return m
	}
	m.late, m.limited = v.env.MostLateDays[id]
	from = max(from, v.env.Version.KeptFrom(event, v.env.Today))
	for shard := range v.env.Version.Shards() {
		for _, d := range v.env.Version.EventDays(shard, id, from, v.env.AsOfDay) {
			m.days = append(m.days, weak.Make(d))
		}
	}
	return m
}

// Equal says whether both marks stand for the same.
func (m DaysMark) Equal(o DaysMark) bool {
	return m.event == o.event && m.asOf == o.asOf && m.late == o.late && m.limited == o.limited && slices.Equal(m.days, o.days)
}
