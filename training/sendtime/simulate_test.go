package sendtime

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/features/weekend"
	model "whowhen.dev/whowhen/models/sendtime"
)

// simulated is an app whose truth is known: people with rhythms, zones and travel, who answer messages after a while and tire of many.
type simulated struct {
	random *rand.Rand
	people []simulatedPerson
	events [][]rhythm.Event
}

type simulatedPerson struct {
	offset    int16
	habit     [2][model.Hours]float64 // on a day of the class, if there is activity
	daily     float64                 // probability of a day with activity
	appetite  float64                 // for answering a message when active, if it has just come and was the only one in a week
	delay     float64                 // hours after which half of the messages are given up
	busy      bool                    // never answers in working hours, however active
	targeted  float64                 // by which share of the campaigns
	away      int32                   // a day from which on it is elsewhere for ten days; -1 for never
	elsewhere int16

	sent    []int32 // days on which it was messaged, ascending
	waiting bool    // for an answer to the last message
	came    int32   // when that came, in local hours
}

const (
	simulatedFirst = 20089 // a Thursday
	campaignEvery  = 2     // days, at an hour that changes from one to the next
	awayDays       = 10
	tiringDays     = 7    // after which a message is forgotten
	tires          = 0.75 // of the appetite is left after each message that is not forgotten at all
)

func newSimulated(seed uint64, people int) *simulated {
	s := &simulated{random: rand.New(rand.NewPCG(seed, 7))}
	offsets := []int16{-480, -300, -180, 0, 60, 180, 330, 420, 540}
	for range people {
		p := simulatedPerson{offset: offsets[s.random.IntN(len(offsets))], daily: 0.15 + 0.75*s.random.Float64(), appetite: 0.2 + 0.6*s.random.Float64(), delay: 0.5 + 2*s.random.Float64(),
			busy: s.random.IntN(5) < 2, targeted: 0.3 + 0.7*s.random.Float64(), away: -1}
		if s.random.IntN(10) == 0 {
			p.away, p.elsewhere = s.random.Int32N(365), offsets[s.random.IntN(len(offsets))]
		}
		peaks := []float64{6 + 4*s.random.Float64(), 17 + 6*s.random.Float64(), 24 * s.random.Float64()}
		weights := []float64{s.random.Float64(), s.random.Float64(), 0.5 * s.random.Float64()}
		for class := range p.habit {
			for h := range p.habit[class] {
				v := 0.01
				for i, peak := range peaks {
					d := math.Abs(float64(h) + 0.5 - math.Mod(peak+1.5*float64(class), 24))
					d = min(d, 24-d)
					v += 0.5 * weights[i] * math.Exp(-d*d/3)
				}
				p.habit[class][h] = v
			}
		}
		s.people = append(s.people, p)
	}
	s.events = make([][]rhythm.Event, people)
	return s
}

func (p *simulatedPerson) at(day int32) int16 {
	if p.away >= 0 && day >= simulatedFirst+p.away && day < simulatedFirst+p.away+awayDays {
		return p.elsewhere
	}
	return p.offset
}

func classOf(day int32) int {
	if weekend.Days(0).Has(day) {
		return 1
	}
	return 0
}

// live makes what happens on a day: activity by habit, a campaign now and then, and answers to the last message when there is activity.
func (s *simulated) live(day int32) {
	campaign := s.random.Int32N(model.Hours)
	for i := range s.people {
		p := &s.people[i]
		happen := func(seconds int64, kind rhythm.Kind) {
			s.events[i] = append(s.events[i], rhythm.Event{Seconds: seconds, OffsetMinutes: p.at(day), Own: true, Kind: kind})
		}
		messaged := day%campaignEvery == 0 && s.random.Float64() < p.targeted
		local := (campaign + int32(p.at(day)/60) + model.Hours) % model.Hours
		active := s.random.Float64() < p.daily
		for h, v := range p.habit[classOf(day)] {
			begin, now := int64(day)*86400+int64(h)*3600-int64(p.at(day))*60, day*model.Hours+int32(h)
			if messaged && int32(h) == local {
				happen(begin, rhythm.Received)
				p.waiting, p.came = true, now
				p.sent = append(p.sent, day)
			}
			if !active || s.random.Float64() >= v {
				continue
			}
			at := begin + 1 + s.random.Int64N(3500)
			happen(at, rhythm.Engaged)
			if later := now - p.came; p.waiting && later < model.Hours && s.random.Float64() < p.answers(day, h, int(later), p.tired(p.came/model.Hours)) {
				happen(at+1, rhythm.Displayed)
				happen(at+20, rhythm.Clicked)
				p.waiting = false
			}
		}
		// One who flies east comes to a day before it has ended behind.
		slices.SortStableFunc(s.events[i], func(a, b rhythm.Event) int { return cmp.Compare(a.Seconds, b.Seconds) })
	}
}

// tired adds up the earlier messages of the last week, each counting less by the day.
func (p *simulatedPerson) tired(day int32, also ...int32) (sum float64) {
	for _, sent := range append(slices.Clone(p.sent[max(0, len(p.sent)-tiringDays):]), also...) {
		if sent < day {
			sum += max(0, 1-float64(day-sent)/tiringDays)
		}
	}
	return sum
}

// answers is the truth: how likely one who is active in an hour answers a message that came so many hours ago.
func (p *simulatedPerson) answers(day int32, hour, later int, tired float64) float64 {
	if p.busy && classOf(day) == 0 && hour >= 9 && hour < 18 {
		return 0
	}
	return p.appetite * math.Pow(tires, tired) / (1 + float64(later)/p.delay)
}

// engagement is how likely a message sent at an hour of a day is answered within a day.
func (p *simulatedPerson) engagement(day int32, hour int, tired float64) float64 {
	none := [2]float64{1, 1} // on the day and on the next, if there is activity
	for later := range model.Hours {
		at := hour + later
		on := day + int32(at/model.Hours)
		none[on-day] *= 1 - p.habit[classOf(on)][at%model.Hours]*p.answers(on, at%model.Hours, later, tired)
	}
	return 1 - (1-p.daily+p.daily*none[0])*(1-p.daily+p.daily*none[1])
}
