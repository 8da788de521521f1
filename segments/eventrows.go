package segments

import (
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/eval"
)

// EventDay is what happened of an event on a day, in the block that its reader is at.
type EventDay struct {
	day   eval.BlockDay
	event uint32
	view  *View
}

// Day returns the app day, in days since 1970-01-01.
func (d EventDay) Day() int32 { return d.day.Day() }

// Who returns who did it, ascending, until the reader is next asked for anything. It must not be changed. Where some are named, ascending, it
// tells of these alone, which is quick if they are few.
func (d EventDay) Who(some []uint16) ([]uint16, error) { return d.day.Who(some) }

// More tells who did it more than once, of all or of some: how often somebody did is one, and the weights of all calls in which they are named.
func (d EventDay) More(some []uint16, add func(who []uint16, weight uint32)) error {
	return d.day.More(some, add)
}

// Rows calls yield with the events of candidates, some at a time. Those of others may be there, too, where telling would cost more
// than it saves, unless only asks for none of them.
func (d EventDay) Rows(candidates *Words, only bool, yield func(EventRows)) error {
	return d.day.Rows(candidates, only, func(rows *eval.BlockRows) { yield(EventRows{rows, d.event, d.view}) })
}

// EventRows are some events of a day and block, by column. What a method returns is good until it is called again or yield returns.
type EventRows struct {
	rows  *eval.BlockRows
	event uint32
	view  *View
}

// Who returns who did it, once for each event. It must not be changed.
func (r EventRows) Who() []uint16 { return r.rows.Ordinals() }

// Seconds returns when the events happened, in seconds since 1970. It shares its memory with LocalSeconds.
func (r EventRows) Seconds() []int64 { return r.rows.Seconds() }

// LocalSeconds returns what a clock on the wall showed, by the events' own UTC offsets, or by the app's zone where one has none: in seconds
// since 1970 as if the wall were in UTC.
func (r EventRows) LocalSeconds() []int64 { return r.rows.LocalSeconds() }

// OwnOffset calls yield with the UTC offset of each event in minutes, in their order, and whether it has one of its own.
func (r EventRows) OwnOffset(yield func(row int, minutes int16, own bool)) {
	minutes := r.rows.OwnMinutes()
	for i := range r.rows.Ordinals() {
		if minutes == nil || minutes[i] == column.NoUTC {
			yield(i, 0, false)
			continue
		}
		yield(i, int16(minutes[i]), true)
	}
}

// Numbers calls add with the numbers among the events' values of a property, which are coefficients / 10^scale, and with whose they
// are: once for each scale. Values of other types are left out.
func (r EventRows) Numbers(property string, add func(who []uint16, coefficients []int64, scale uint8)) {
	if id, _, found := r.view.env.Schema.Property(r.event, property); found {
		r.rows.Numbers(id, add)
	}
}

// Codes calls add with those of the events' values of a property that are strings or whole numbers, each as a code that equal values share, and
// with whose they are. Codes hold for as long as the app is open, and say nothing else.
func (r EventRows) Codes(property string, add func(who []uint16, codes []int64)) {
	if id, _, found := r.view.env.Schema.Property(r.event, property); found {
		r.rows.Codes(id, add)
	}
}
