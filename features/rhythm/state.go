package rhythm

import (
	"math"
	"math/bits"

	"whowhen.dev/whowhen/features/weekend"
)

// Hours is how many hours a local day has. An hour is what the clock shows: one that comes twice is one, and one that is left out never comes.
const Hours = 24

const (
	// RecentDays and WeekDays are the half-lives of the two decaying memories.
	RecentDays = 30
	WeekDays   = 7
	// AnswerSeconds is how long a message may be answered.
	AnswerSeconds = secondsPerDay
	// promptedSeconds is how long after a message was displayed an engagement is taken to answer it, and to tell nothing of habit.
	promptedSeconds = 30 * 60
	// trailDays is how many local days back an event may lie before the last active one: two clocks differ by 26 hours at most.
	trailDays = 3
)

// State is what is known of the rhythm of one CID. The zero value is that of one of whom nothing is known. It is plain data, of some 380
// bytes, and has the fields of models/sendtime.History in the same order, so that one converts to the other.
type State struct {
	// Hours counts the active local days on which there was activity in each hour, Weekend those among them that were days of its weekend. They stop at 65,535.
	Hours, Weekend [Hours]uint16
	// Received counts the messages received by local hour, Answered those among them that were answered, by the hour in which they came.
	Received, Answered [Hours]uint16
	// Days counts the active local days by their weekday, Sunday first.
	Days [7]uint16
	// Recent are the Hours, RecentDays and WeekDays the active days, each active day weighing half after so many days; as of LastDay.
	Recent     [Hours]float32
	RecentDays float32
	WeekDays   float32
	// FirstDay and LastDay are the first and the last active local day, in days since 1970-01-01; without meaning while no day was active.
	FirstDay, LastDay int32
	// LastHours are the hours with activity, bit 0 from midnight on, of LastDay and of the two days before.
	LastHours [trailDays]uint32
	// LastSeconds is when the last event with an offset of its own happened, in seconds since 1970, and OffsetMinutes what the clock there was ahead of UTC. They
	// mean something if Seen.
	LastSeconds   int64
	OffsetMinutes int16
	Seen          bool
	// Shown says that a message was displayed, last at ShownSeconds.
	Shown        bool
	ShownSeconds int64
	// Lately are the messages received, each weighing half after WeekDays local days; as of MessageDay, the latest local day with one. The last of them came at
	// MessageSeconds, in the local hour MessageHour, and was not answered yet if Waiting.
	Lately         float32
	MessageDay     int32
	MessageSeconds int64
	MessageHour    uint8
	Waiting        bool
	// RestDays are the days of the week that make its weekend, a weekend.Days.
	RestDays uint8
}

// Kind says what an event tells of a CID.
type Kind uint8

// The kinds of events.
const (
	Engaged     Kind = iota // activity of its own, unless it answers a message
	Received                // a message came
	Displayed               // a message was seen: what follows at once is its doing
	Clicked                 // a message was clicked, which is as much activity as Engaged
	ClickedOnly             // a message was clicked, which is not taken for activity
)

// Event is something that happened to a CID.
type Event struct {
	Seconds       int64 // since 1970
	OffsetMinutes int16 // of the clock there, ahead of UTC
	Kind          Kind
	Own           bool // whether the offset came with the event, and is not that of a profile or of the app
}

const (
	secondsPerDay, secondsPerHour, secondsPerMinute = 86400, 3600, 60
)

// engages says whether the event is activity, prompted or not.
func (e Event) engages() bool { return e.Kind == Engaged || e.Kind == Clicked }

// Day returns the local day of the event, in days since 1970-01-01.
func (e Event) Day() int32 { return int32(floorDiv(e.local(), secondsPerDay)) }

// Hour returns the local hour of the event.
func (e Event) Hour() int {
	local := e.local()
	return int((local - floorDiv(local, secondsPerDay)*secondsPerDay) / secondsPerHour)
}

func (e Event) local() int64 { return e.Seconds + int64(e.OffsetMinutes)*secondsPerMinute }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Weekday returns the day of the week of a day since 1970-01-01, Sunday being 0.
func Weekday(day int32) int { return int(((int64(day)+4)%7 + 7) % 7) }

// ActiveDays returns on how many local days there was activity.
func (s *State) ActiveDays() int {
	n := 0
	for _, d := range s.Days {
		n += int(d)
	}
	return n
}

// Add takes an event in, and says whether it was activity of the CID's own. Events are given in the order of their time.
func (s *State) Add(e Event) (own bool) {
	own, _ = s.add(e)
	return own
}

// add also says whether the event answers the last message. A click does, and so does engagement at once after the message was displayed.
func (s *State) add(e Event) (own, answers bool) {
	if e.Own {
		s.LastSeconds, s.OffsetMinutes, s.Seen = e.Seconds, e.OffsetMinutes, true
	}
	switch e.Kind {
	case Received:
		s.message(e)
		return false, false
	case Displayed:
		s.Shown, s.ShownSeconds = true, e.Seconds
		return false, false
	}
	prompted := s.Shown && e.Seconds-s.ShownSeconds <= promptedSeconds
	if own = e.engages() && !prompted; own {
		s.activity(e.Day(), e.Hour())
	}
	answers = s.Waiting && e.Seconds-s.MessageSeconds <= AnswerSeconds && (e.Kind != Engaged || prompted && s.ShownSeconds >= s.MessageSeconds)
	if answers {
		s.Waiting = false
		add(&s.Answered[s.MessageHour])
	}
	return own, answers
}

// message takes in that a message came. From now on it is the one that answers are for.
func (s *State) message(e Event) {
	day, hour := e.Day(), e.Hour()
	add(&s.Received[hour])
	if s.Lately == 0 {
		s.MessageDay = day
	}
	age := int64(s.MessageDay) - int64(day)
	if age < 0 {
		s.Lately *= decay(-age, WeekDays)
		s.MessageDay, age = day, 0
	}
	s.Lately += decay(age, WeekDays)
	s.MessageSeconds, s.MessageHour, s.Waiting = e.Seconds, uint8(hour), true
}

func (s *State) activity(day int32, hour int) {
	if s.ActiveDays() == 0 {
		s.FirstDay, s.LastDay = day, day
	}
	age := int64(s.LastDay) - int64(day)
	if age < 0 {
		s.turn(day)
		age = 0
	}
	if age >= trailDays {
		return // no two clocks are that far apart: an offset that is wrong
	}
	s.FirstDay = min(s.FirstDay, day)
	hours := &s.LastHours[age]
	if *hours == 0 {
		add(&s.Days[Weekday(day)])
		s.RecentDays += decay(age, RecentDays)
		s.WeekDays += decay(age, WeekDays)
	}
	if bit := uint32(1) << hour; *hours&bit == 0 {
		*hours |= bit
		add(&s.Hours[hour])
		s.Recent[hour] += decay(age, RecentDays)
		if weekend.Days(s.RestDays).Has(day) {
			add(&s.Weekend[hour])
		}
	}
}

// turn makes a later day the last one.
func (s *State) turn(day int32) {
	gap := int64(day) - int64(s.LastDay)
	fade := decay(gap, RecentDays)
	for h := range s.Recent {
		s.Recent[h] *= fade
	}
	s.RecentDays *= fade
	s.WeekDays *= decay(gap, WeekDays)
	var trail [trailDays]uint32
	for age := range int64(trailDays) {
		if age+gap < trailDays {
			trail[age+gap] = s.LastHours[age]
		}
	}
	s.LastHours, s.LastDay = trail, day
}

func decay(days int64, halfLife float64) float32 {
	return float32(math.Exp2(-float64(days) / halfLife))
}

func add(count *uint16) {
	if *count < math.MaxUint16 {
		*count++
	}
}

// LastHour returns the latest hour of the last active day; 0 while there was none.
func (s *State) LastHour() int { return max(0, bits.Len32(s.LastHours[0])-1) }
