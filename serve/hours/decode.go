package hours

import "math"

// Decoder reads codes by tables. It is never changed, and may be used by any number of goroutines.
type Decoder struct {
	chance     [engagementSteps]uint64
	below      [ratioMask + 1]uint64 // in steps of 2^-belowBits
	engagement [engagementSteps]float64
	ratio      [ratioMask + 1]float64
	activity   [activitySteps]float64
	odds       [relativeMask + 1]float64 // times those of the best hour
	others     [othersSteps]float64
	days       [64]int
}

const belowBits = 18

// NewDecoder returns a decoder that tells chances in parts of one, which is at most 2^32.
func NewDecoder(one uint64) *Decoder {
	d := &Decoder{}
	for code := range d.chance {
		d.engagement[code] = oddsOf(uint16(code), engagementPerUnit, engagementMiddle, engagementSteps)
		d.chance[code] = uint64(math.Round(d.engagement[code] * float64(one)))
	}
	for step, halvings := range halvings() {
		d.ratio[step] = math.Exp2(-halvings)
		d.below[step] = uint64(math.Round(d.ratio[step] * (1 << belowBits)))
	}
	for code := range d.activity {
		d.activity[code] = oddsOf(uint16(code), activityPerUnit, 0, activitySteps)
		d.others[code] = math.Exp2((float64(code) - othersSteps/2) / othersPerDoubling)
	}
	for step, relative := range relatives() {
		d.odds[step] = math.Exp(relative)
	}
	for code := range d.days {
		d.days[code] = daysOf(uint8(code))
	}
	return d
}

// Ranked reads the hours of a code of column 0 or 1. What is above 23 can be in a damaged code only.
func Ranked(code uint16) [Best]uint8 {
	return [Best]uint8{uint8(code & hourMask), uint8(code >> hourBits & hourMask), uint8(code >> (2 * hourBits) & hourMask)}
}

// Chances reads a code of column 2 or 3: the engagement of the best hours, each above the next.
func (d *Decoder) Chances(code uint16) [Best]uint32 {
	first := d.chance[code&(engagementSteps-1)]
	second := first * d.below[code>>10&ratioMask] >> belowBits
	third := second * d.below[code>>13&ratioMask] >> belowBits
	return [Best]uint32{uint32(first), uint32(second), uint32(third)}
}

// Seen reads a code of column 5: the hour, counted from 1970, in which the offset was seen. nowHour is the present one, before which that was: within seven
// years.
func Seen(code uint16, nowHour int64) int64 { return nowHour - int64(uint16(nowHour)-code) }

// Offset reads the offset, in minutes, from the lower byte of column 4; ok is false when the clock was never seen.
func Offset(code uint8) (minutes int, ok bool) {
	return (int(code) - offsetMiddle) * offsetQuarter, code != NoOffset
}

// OffsetCode is the lower byte of column 4 that tells an offset; ok is false for one that none tells exactly.
func OffsetCode(seconds int) (code uint8, ok bool) {
	const quarter = offsetQuarter * 60
	if seconds%quarter != 0 || seconds < -offsetMiddle*quarter || seconds > offsetMiddle*quarter {
		return 0, false
	}
	return uint8(seconds/quarter + offsetMiddle), true
}

// Decode reads the codes of all columns. nowHour is as for Seen.
func (d *Decoder) Decode(codes *[Columns]uint16, nowHour int64) (h Hours) {
	for class := range h.Day {
		day := &h.Day[class]
		engagement, activity := codes[2+class], codes[7+class]
		p, first := d.engagement[engagement&(engagementSteps-1)], d.activity[activity&(activitySteps-1)]
		odds, most := first/(1-first), 0.0
		for i, hour := range Ranked(codes[class]) {
			q := first
			if i > 0 {
				p *= d.ratio[engagement>>(7+3*i)&ratioMask]
				own := odds * d.odds[activity>>(4+4*i)&relativeMask]
				q = own / (1 + own)
			}
			day.Best[i] = Hour{Hour: int(min(hour, 23)), Engagement: p, Activity: q}
			most = max(most, q)
		}
		// The hour is a part of the day.
		day.Active = max(d.activity[codes[6]>>(8*class)%activitySteps], most)
		day.Others = d.others[codes[9]>>(8*class)%othersSteps]
	}
	h.Level, h.ActiveDays = uint8(codes[4]>>8&3), d.days[codes[4]>>10&63]
	if minutes, ok := Offset(uint8(codes[4])); ok {
		h.Seen, h.OffsetMinutes, h.SeenHour = true, minutes, Seen(codes[5], nowHour)
	}
	return h
}
