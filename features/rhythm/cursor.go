package rhythm

// Cursor goes through the events of one CID, which are in the order of their time.
type Cursor struct {
	events []Event
	at     int
	state  State
}

// NewCursor returns a cursor before the first event of somebody whose weekends are on Saturday and Sunday. The events must not change while it is used.
func NewCursor(events []Event) Cursor { return Cursor{events: events} }

// Cursor returns a cursor before the first event of a person.
func (p *Person) Cursor() Cursor {
	return Cursor{events: p.Events, state: State{RestDays: uint8(p.Rest)}}
}

// Before returns what could be known before a local day began: what happened before the first event of that day or a later one. So one who flies
// west and comes to yesterday again has told nothing of today by that. Days are asked for ascending. The state is good until the next call.
func (c *Cursor) Before(day int32) *State {
	for c.at < len(c.events) && c.events[c.at].Day() < day {
		c.state.Add(c.events[c.at])
		c.at++
	}
	return &c.state
}

// Active is a local day with activity.
type Active struct {
	Day   int32
	Hours uint32 // with activity, bit 0 from midnight on
}

// ActiveDays appends the local days with activity, ascending.
func ActiveDays(events []Event, to []Active) []Active {
	from, shown, shownSeconds := len(to), false, int64(0)
	for _, e := range events {
		if e.Kind == Displayed {
			shown, shownSeconds = true, e.Seconds
		}
		if !e.engages() || shown && e.Seconds-shownSeconds <= promptedSeconds {
			continue
		}
		to = mark(to, from, e.Day(), uint32(1)<<e.Hour())
	}
	return to
}

// mark adds an hour to its day, which is most often the last one.
func mark(to []Active, from int, day int32, hour uint32) []Active {
	i := len(to)
	for i > from && to[i-1].Day > day {
		i--
	}
	if i > from && to[i-1].Day == day {
		to[i-1].Hours |= hour
		return to
	}
	to = append(to, Active{})
	copy(to[i+1:], to[i:])
	to[i] = Active{day, hour}
	return to
}
