package demo

import (
	"fmt"
	"slices"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// rowsPerBatch bounds the rows of one Write: large enough for volume, small enough
// for the server's limits.
const rowsPerBatch = 16_384

// batch is the content of one Write.
type batch struct {
	rows     int
	events   []*whowhenv1.EventColumns
	tags     []*whowhenv1.TagColumns
	profiles []*whowhenv1.ProfileColumns
}

// cidColumn holds the CIDs of some people, packed unless one of them has a name.
func (w *world) cidColumn(people []int32) *whowhenv1.CidColumn {
	packed := make([]byte, 0, 16*len(people))
	for _, i := range people {
		p := &w.people[i]
		if p.name != "" {
			return &whowhenv1.CidColumn{Strings: w.cids(people)}
		}
		packed = append(packed, p.id[:]...)
	}
	return &whowhenv1.CidColumn{Packed: packed}
}

func (w *world) cids(people []int32) []string {
	cids := make([]string, len(people))
	for n, i := range people {
		cids[n] = w.people[i].cid()
	}
	return cids
}

// profileBatch describes some people. Its times are when they signed up, which
// is when the app first heard of them.
func (w *world) profileBatch(people []int32) batch {
	n := len(people)
	times := make([]int64, n)
	country, zone, language := newStrings("country", n), newStrings("zone", n), newStrings("language", n)
	plan, platform := newStrings("plan", n), newStrings("platform", n)
	age := &whowhenv1.Column{Name: "age"}
	ages := make([]int64, n)
	push := make([]bool, n)
	interests := &whowhenv1.Column{Name: "interests"}
	lists := make([]*whowhenv1.Value, n)
	for row, i := range people {
		p := &w.people[i]
		pl := w.places[p.place]
		times[row] = p.signup * 1000
		country.set(row, pl.country)
		zone.set(row, pl.zone)
		language.set(row, pl.language)
		plan.set(row, p.plan)
		platform.set(row, p.platform)
		push[row] = p.pushEnabled
		ages[row] = int64(p.age)
		if p.age == 0 {
			age.Absent = append(age.Absent, uint32(row))
		}
		lists[row] = &whowhenv1.Value{}
		if len(p.interests) > 0 {
			lists[row].Kind = &whowhenv1.Value_List{List: &whowhenv1.StringList{Values: w.names(p.interests)}}
		} else {
			interests.Absent = append(interests.Absent, uint32(row))
		}
	}
	age.Kind = &whowhenv1.Column_Decimals{Decimals: &whowhenv1.DecimalColumn{Units: ages}}
	interests.Kind = &whowhenv1.Column_Values{Values: &whowhenv1.ValueColumn{Values: lists}}
	return batch{rows: n, profiles: []*whowhenv1.ProfileColumns{{
		Cids:           w.cidColumn(people),
		TimeUnixMillis: times,
		Set: []*whowhenv1.Column{
			country.column(), zone.column(), language.column(), plan.column(), platform.column(), age, interests,
			{Name: "push_enabled", Kind: &whowhenv1.Column_Bools{Bools: &whowhenv1.BoolColumn{Values: push}}},
			{Name: "signup", Kind: &whowhenv1.Column_Times{Times: &whowhenv1.TimeColumn{UnixMillis: times}}},
		},
	}}}
}

// names returns the distinct categories of some indexes.
func (w *world) names(indexes []int) []string {
	var names []string
	for _, i := range indexes {
		if name := w.categories[i]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// eventBatches cuts one day's events into batches of columns of at most so many rows, by
// kind; inside a kind, people with packed CIDs come before those with names.
func (w *world) eventBatches(day, rowsPerBatch int) []batch {
	var sorted [kinds][2][]event
	for _, part := range w.byDay[day] {
		for _, e := range part {
			named := 0
			if w.people[e.person].name != "" {
				named = 1
			}
			sorted[e.kind][named] = append(sorted[e.kind][named], e)
		}
	}
	var batches []batch
	var b batch
	for k := range sorted {
		for _, events := range sorted[k] {
			for len(events) > 0 {
				n := min(rowsPerBatch-b.rows, len(events))
				b.events = append(b.events, w.eventColumns(kind(k), events[:n]))
				b.rows += n
				events = events[n:]
				if b.rows == rowsPerBatch {
					batches, b = append(batches, b), batch{}
				}
			}
		}
	}
	if b.rows > 0 {
		batches = append(batches, b)
	}
	return batches
}

func (w *world) eventColumns(k kind, events []event) *whowhenv1.EventColumns {
	people := make([]int32, len(events))
	c := &whowhenv1.EventColumns{
		Name:             k.String(),
		TimeUnixMillis:   make([]int64, len(events)),
		UtcOffsetMinutes: make([]int32, len(events)),
	}
	for row, e := range events {
		people[row] = e.person
		c.TimeUnixMillis[row] = (w.from.Unix() + int64(e.seconds)) * 1000
		c.UtcOffsetMinutes[row] = int32(e.offset)
	}
	c.Cids = w.cidColumn(people)
	switch k {
	case opened:
		c.Properties = w.openProperties(events)
	case purchased:
		c.Properties = w.purchaseProperties(events)
	default:
		c.Properties = w.receiptProperties(k, events)
		c.EventIds = make([]string, len(events))
		for row, e := range events {
			c.EventIds[row] = w.messageID(e)
		}
	}
	return c
}

func (w *world) openProperties(events []event) []*whowhenv1.Column {
	source := newStrings("source", len(events))
	names := sources()
	screens := make([]int64, len(events))
	for row, e := range events {
		source.set(row, names[e.code])
		screens[row] = int64(e.count)
	}
	return []*whowhenv1.Column{source.column(), decimals("screens", 0, screens)}
}

func (w *world) purchaseProperties(events []event) []*whowhenv1.Column {
	category := newStrings("category", len(events))
	amounts, items := make([]int64, len(events)), make([]int64, len(events))
	for row, e := range events {
		category.set(row, w.categories[e.category])
		amounts[row], items[row] = int64(e.cents), int64(e.count)
	}
	return []*whowhenv1.Column{decimals("amount", 2, amounts), category.column(), decimals("items", 0, items)}
}

func (w *world) receiptProperties(k kind, events []event) []*whowhenv1.Column {
	n := len(events)
	message, decision := newStrings("message_id", n), newStrings("decision", n)
	id, text := newStrings("campaign", n), newStrings("copy", n)
	arm, channel, reason := newStrings("arm", n), newStrings("channel", n), newStrings("reason", n)
	letters := arms()
	for row, e := range events {
		c := &w.campaigns[e.code]
		message.set(row, w.messageID(e))
		decision.set(row, "plan-"+c.id)
		id.set(row, c.id)
		text.set(row, c.copies[e.arm])
		arm.set(row, letters[e.arm])
		channel.set(row, "push")
		reason.set(row, "unregistered")
	}
	columns := []*whowhenv1.Column{message.column(), decision.column(), id.column(), text.column(), arm.column(), channel.column()}
	if k == pushFailed {
		columns = append(columns, reason.column())
	}
	return columns
}

// messageID names the message of a receipt. Each campaign sends a person at most one.
func (w *world) messageID(e event) string {
	return fmt.Sprintf("%s-%05x", w.campaigns[e.code].id, e.person)
}

func decimals(name string, scale uint32, units []int64) *whowhenv1.Column {
	return &whowhenv1.Column{Name: name, Kind: &whowhenv1.Column_Decimals{Decimals: &whowhenv1.DecimalColumn{Units: units, Scale: scale}}}
}

// strings gathers a column of strings with its dictionary.
type strings struct {
	name  string
	codes map[string]uint32
	out   *whowhenv1.StringColumn
}

func newStrings(name string, rows int) *strings {
	return &strings{name: name, codes: map[string]uint32{}, out: &whowhenv1.StringColumn{Codes: make([]uint32, rows)}}
}

func (s *strings) set(row int, v string) {
	code, ok := s.codes[v]
	if !ok {
		code = uint32(len(s.out.Values))
		s.codes[v] = code
		s.out.Values = append(s.out.Values, v)
	}
	s.out.Codes[row] = code
}

func (s *strings) column() *whowhenv1.Column {
	return &whowhenv1.Column{Name: s.name, Kind: &whowhenv1.Column_Strings{Strings: s.out}}
}
