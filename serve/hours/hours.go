// Package hours keeps the best hours of a CID in a few bytes: for weekdays and for weekends the three in which to send, how likely it is to engage with
// a message sent then and to be active then, what that rests on, and which offset its clock was last seen to have.
//
// They are kept as Columns codes of 16 bits, so that twenty bytes a CID are all that a send time needs:
//
//	0, 1  weekday, weekend: three hours, 5 bits each, the best in the lowest
//	2, 3  weekday, weekend: 10 bits of the log-odds of engagement with a message sent in the best, in steps of 1/64 around -4; 3 bits each
//	      of how much less likely the second is than the first and the third than the second, in steps that grow from 2^(-1/16) to 2^-6
//	4     8 bits of the offset in quarters of an hour, 2 bits of the level, 6 bits of the active days
//	5     the hour in which the offset was seen, counted from 1970, modulo 2^16
//	6     weekday, weekend: 8 bits each of the log-odds of activity on the day at all, in steps of 1/16 around 0
//	7, 8  weekday, weekend: 8 bits of the log-odds of activity in the best hour, in steps of 1/16 around 0; 4 bits each of those of
//	      the second and third beside it, in steps that grow from 0 to 4 either way
//	9     weekday, weekend: 8 bits each of how many times as active as everyone it is in the other hours, in steps of 2^(1/16) around 1
//
// Columns 0 to 3 rank hours, and the lower byte of 4 and 5 tell where the CID is; whoever only plans need read no other.
package hours

import "math"

const (
	// Columns is how many codes there are.
	Columns = 10
	// Best is how many hours are kept for each class of day.
	Best = 3

	hourBits, hourMask = 5, 1<<5 - 1

	engagementSteps, engagementPerUnit, engagementMiddle = 1 << 10, 64, -4
	activitySteps, activityPerUnit                       = 1 << 8, 16
	othersSteps, othersPerDoubling                       = 1 << 8, 16
	ratioMask, relativeMask                              = 7, 15

	offsetQuarter = 15 // minutes
	offsetMiddle  = 127

	// MaxSeenHours is how long ago an offset may have been seen; of one that is older it could not be told how old it is.
	MaxSeenHours = 60_000

	// NoOffset is the lower byte in column 4 of one whose clock was never seen.
	NoOffset = 255
)

// Hours are the best hours of a CID.
type Hours struct {
	// Day is what there is of weekdays and of days of the weekend.
	Day [2]Day
	// Level says what they rest on, from 0, nobody's data, to 3, the CID's own.
	Level uint8
	// ActiveDays is on how many of its own days they rest: exact up to 31, within 9 % above, and at most MaxActiveDays.
	ActiveDays int
	// Seen says that the clock was ever seen at an offset, OffsetMinutes ahead of UTC, the last time in the hour that began SeenHour hours
	// after 1970.
	Seen          bool
	OffsetMinutes int
	SeenHour      int64
}

// Day is what there is of a class of days.
type Day struct {
	// Best has the hours of the greatest engagement, the greatest first.
	Best [Best]Hour
	// Active is how likely there is any activity on the day at all.
	Active float64
	// Others is how many times as likely as everyone's activity in the hours is that are not among the best.
	Others float64
}

// Hour is an hour of the local day.
type Hour struct {
	Hour int
	// Engagement is how likely the CID engages with a message sent in the hour, and Activity how likely it is active in it.
	Engagement, Activity float64
}

// Encode returns the codes. What comes back is within 1 % of the odds of engagement for the best hour and within half a step for the others, within
// 3 % of the odds of activity for the best hour and on the day, and within half a step for the others. Hours are told by rank: one whose engagement
// is above that of the hour before it comes back below. What is out of range is brought to the nearest that is not.
func (h *Hours) Encode() (codes [Columns]uint16) {
	for class := range h.Day {
		d := &h.Day[class]
		for i, hour := range d.Best {
			codes[class] |= uint16(min(max(hour.Hour, 0), 23)) << (hourBits * i)
		}
		codes[2+class] = d.engagementCode()
		codes[6] |= oddsCode(d.Active, activityPerUnit, 0, activitySteps) << (8 * class)
		codes[7+class] = d.activityCode()
		codes[9] |= othersCode(d.Others) << (8 * class)
	}
	codes[4] = NoOffset | uint16(min(h.Level, 3))<<8 | uint16(daysCode(h.ActiveDays))<<10
	if h.Seen {
		quarter := math.Round(float64(h.OffsetMinutes) / offsetQuarter)
		codes[4] = codes[4]&^0xff | uint16(min(max(quarter, -offsetMiddle), offsetMiddle)+offsetMiddle)
		codes[5] = uint16(h.SeenHour)
	}
	return codes
}

func (d *Day) engagementCode() uint16 {
	code := oddsCode(d.Best[0].Engagement, engagementPerUnit, engagementMiddle, engagementSteps)
	p := oddsOf(code, engagementPerUnit, engagementMiddle, engagementSteps)
	ratios := halvings()
	for i := 1; i < Best; i++ {
		step := nearest(ratios[:], math.Log2(p/d.Best[i].Engagement))
		p *= math.Exp2(-ratios[step])
		code |= step << (7 + 3*i)
	}
	return code
}

func (d *Day) activityCode() uint16 {
	code := oddsCode(d.Best[0].Activity, activityPerUnit, 0, activitySteps)
	first := logOdds(oddsOf(code, activityPerUnit, 0, activitySteps))
	steps := relatives()
	for i := 1; i < Best; i++ {
		code |= nearest(steps[:], logOdds(d.Best[i].Activity)-first) << (4 + 4*i)
	}
	return code
}

func logOdds(p float64) float64 { return math.Log(p / (1 - p)) }

// oddsCode is a probability as log-odds in so many steps around a middle.
func oddsCode(p, perUnit, middle float64, steps int) uint16 {
	step := math.Round((logOdds(p)-middle)*perUnit) + float64(steps/2)
	if math.IsNaN(step) {
		step = 0
	}
	return uint16(min(max(step, 0), float64(steps-1)))
}

func oddsOf(code uint16, perUnit, middle float64, steps int) float64 {
	return 1 / (1 + math.Exp(-middle-(float64(code)-float64(steps/2))/perUnit))
}

// othersCode is a number of times in steps around once.
func othersCode(times float64) uint16 {
	step := math.Round(math.Log2(times)*othersPerDoubling) + othersSteps/2
	if math.IsNaN(step) {
		step = 0
	}
	return uint16(min(max(step, 0), othersSteps-1))
}

// halvings are the steps of a ratio: how often it halves. None is 0, so that the next hour is always below.
func halvings() [ratioMask + 1]float64 { return [...]float64{0.0625, 0.25, 0.5, 1, 1.75, 3, 4.5, 6} }

// relatives are the steps of log-odds beside those of the best hour.
func relatives() [relativeMask + 1]float64 {
	return [...]float64{-4, -2.8, -2, -1.4, -1, -0.6, -0.3, 0, 0.15, 0.3, 0.6, 1, 1.4, 2, 2.8, 4}
}

// nearest is the step at which x is, the last for what is no number.
func nearest(steps []float64, x float64) (step uint16) {
	if math.IsNaN(x) {
		return uint16(len(steps) - 1)
	}
	for i := range steps {
		if math.Abs(steps[i]-x) < math.Abs(steps[step]-x) {
			step = uint16(i)
		}
	}
	return step
}

// MaxActiveDays is the most that can be told.
const MaxActiveDays = 4000

// daysCode tells days up to 31 one by one, and more in 32 steps that grow.
func daysCode(days int) uint8 {
	switch {
	case days < 32:
		return uint8(max(days, 0))
	case days >= MaxActiveDays:
		return 63
	}
	return uint8(32 + math.Round(31*math.Log(float64(days)/32)/math.Log(MaxActiveDays/32)))
}

func daysOf(code uint8) int {
	if code < 32 {
		return int(code)
	}
	return int(math.Round(32 * math.Exp(float64(code-32)/31*math.Log(MaxActiveDays/32))))
}
