// Package hours keeps the best hours of a CID in a few bytes: the first three for weekdays and for weekends, how likely it is to engage in each, what
// that rests on, and which offset its clock was last seen to have.
//
// They are kept as Columns codes of 16 bits, so that fourteen bytes a CID are all that a send time needs:
//
//	0, 1  weekday, weekend: three hours, 5 bits each, the best in the lowest
//	2, 3  weekday, weekend: 10 bits of the log-odds of the best, in steps of 1/64 around 0; 3 bits each of how much less likely
//	      the second is than the first and the third than the second, in steps that grow from 2^(-1/4) to 2^-8 in all
//	4     2 bits of the level, 6 bits of the active days, 8 bits of the offset in quarters of an hour
//	5     the hour in which the offset was seen, counted from 1970, modulo 2^16
//	6     weekday, weekend: 8 bits each of the log-odds of activity on the day at all, in steps of 1/16 around 0
package hours

import "math"

// Columns is how many codes there are.
const Columns = 7

// Best is how many hours are kept for each class of day.
const Best = 3

// Hours are the best hours of a CID.
type Hours struct {
	// Weekday and Weekend have the best hour first.
	Weekday, Weekend [Best]Hour
	// Active is how likely there is any activity on a weekday and on a day of the weekend.
	Active [2]float64
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

// Hour is an hour of the local day with the probability of engaging in it.
type Hour struct {
	Hour        int
	Probability float64
}

const (
	hourBits, hourMask = 5, 1<<5 - 1
	oddsSteps          = 1 << 10
	oddsPerUnit        = 64
	ratioMask          = 7

	activeSteps   = 1 << 8
	activePerUnit = 16

	offsetQuarter = 15 // minutes
	offsetUnknown = 255
	offsetMiddle  = 127
)

// Encode returns the codes. Probabilities come back within 1 % of their odds for the best hour, and within half a step for the others; those of an
// hour may not be above that of the one before it. What is out of range is brought to the nearest that is not.
func (h *Hours) Encode() (codes [Columns]uint16) {
	for class, best := range []*[Best]Hour{&h.Weekday, &h.Weekend} {
		for i, hour := range best {
			codes[class] |= uint16(min(max(hour.Hour, 0), 23)) << (hourBits * i)
		}
		code := oddsCode(best[0].Probability, oddsPerUnit, oddsSteps)
		first := probabilityOf(code)
		code |= ratio(first, best[1].Probability) << 10
		second := first * ratioOf(code>>10)
		code |= ratio(second, best[2].Probability) << 13
		codes[2+class] = code
		codes[6] |= oddsCode(h.Active[class], activePerUnit, activeSteps) << (8 * class)
	}
	codes[4] = uint16(min(h.Level, 3)) | uint16(daysCode(h.ActiveDays))<<2 | offsetUnknown<<8
	if h.Seen {
		quarter := math.Round(float64(h.OffsetMinutes) / offsetQuarter)
		codes[4] = codes[4]&0xff | uint16(min(max(quarter, -offsetMiddle), offsetMiddle)+offsetMiddle)<<8
		codes[5] = uint16(h.SeenHour)
	}
	return codes
}

// Decode reads the codes. nowHour is the present hour, counted from 1970, before which the last event was: within seven years.
func Decode(codes [Columns]uint16, nowHour int64) (h Hours) {
	for class, best := range []*[Best]Hour{&h.Weekday, &h.Weekend} {
		code := codes[2+class]
		p := probabilityOf(code)
		for i := range best {
			if i > 0 {
				p *= ratioOf(code >> (7 + 3*i))
			}
			best[i] = Hour{Hour: int(min(codes[class]>>(hourBits*i)&hourMask, 23)), Probability: p}
		}
		// The hour is a part of the day.
		h.Active[class] = max(oddsOf(codes[6]>>(8*class)%activeSteps, activePerUnit, activeSteps), best[0].Probability)
	}
	h.Level, h.ActiveDays = uint8(codes[4]&3), daysOf(uint8(codes[4]>>2&63))
	if offset := codes[4] >> 8; offset != offsetUnknown {
		h.Seen, h.OffsetMinutes = true, (int(offset)-offsetMiddle)*offsetQuarter
		h.SeenHour = nowHour - int64(uint16(nowHour)-codes[5])
	}
	return h
}

func probabilityOf(code uint16) float64 { return oddsOf(code&(oddsSteps-1), oddsPerUnit, oddsSteps) }

// oddsCode is a probability as log-odds in so many steps around 0.
func oddsCode(p, perUnit float64, steps int) uint16 {
	step := math.Round(math.Log(p/(1-p))*perUnit) + float64(steps/2)
	if math.IsNaN(step) {
		step = 0
	}
	return uint16(min(max(step, 0), float64(steps-1)))
}

func oddsOf(code uint16, perUnit float64, steps int) float64 {
	return 1 / (1 + math.Exp(-(float64(code)-float64(steps/2))/perUnit))
}

// halvings are the steps of a ratio: how often it halves.
func halvings() [ratioMask + 1]float64 { return [...]float64{0, 0.25, 0.5, 1, 1.75, 3, 5, 8} }

// ratio is the step at which q is nearest to so far below p.
func ratio(p, q float64) (step uint16) {
	wanted := math.Log2(p / q)
	if math.IsNaN(wanted) {
		return ratioMask
	}
	all := halvings()
	for i := range all {
		if math.Abs(all[i]-wanted) < math.Abs(all[step]-wanted) {
			step = uint16(i)
		}
	}
	return step
}

func ratioOf(step uint16) float64 { return math.Exp2(-halvings()[step&ratioMask]) }

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
