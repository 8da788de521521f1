package features_test

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// twin computes columns the slow and obvious way, from the list of what happened.
type twin struct {
	history
	today  int32 // D-1
	now    int64 // milliseconds; the store knows nothing later
	levels features.Levels
}

// of returns the events of a CID, those of one name or else all but receipts, whose day counts and lies in a window, 0 being none.
func (w twin) of(cid, name string, anything bool, window int) (found []happening) {
	for _, e := range w.events {
		age := w.today - dayOf(w.zone, e.millis)
		if e.cid == cid && (e.name == name || anything && !strings.HasPrefix(e.name, "push.")) && age >= 0 && e.millis <= w.now && (window == 0 || int(age) < window) {
			found = append(found, e)
		}
	}
	return found
}

// ages returns the ages of the distinct days of events, ascending.
func (w twin) ages(events []happening) (ages []int) {
	for _, e := range events {
		ages = append(ages, int(w.today-dayOf(w.zone, e.millis)))
	}
	slices.Sort(ages)
	return slices.Compact(ages)
}

func (w twin) column(c features.Column, cid string) float32 {
	nothing := float32(math.NaN())
	events := w.of(cid, c.Name, c.Anything, c.WindowDays)
	ages := w.ages(events)
	ratio := func(part, whole float64) float32 {
		if whole == 0 {
			return nothing
		}
		return float32(part / whole)
	}
	among := func(holds func(e happening) bool) float32 {
		n := 0
		for _, e := range events {
			if holds(e) {
				n++
			}
		}
		return ratio(float64(n), float64(len(events)))
	}
	if c.Scaled {
		dataDays := int(w.today-c.SinceDay) + 1
		if c.Scaled, c.SinceDay = false, 0; dataDays < 1 || dataDays >= c.WindowDays {
			return w.column(c, cid)
		}
		return float32(float64(w.column(c, cid)) * (float64(c.WindowDays) / float64(dataDays)))
	}
	switch c.Family {
	case features.Count:
		return float32(len(events))
	case features.Days:
		return float32(len(ages))
	case features.Recency:
		if len(ages) == 0 {
			return nothing
		}
		return float32(ages[0])
	case features.Gap:
		if len(ages) < 2 {
			return nothing
		}
		usual := float64(ages[len(ages)-1]-ages[0]) / float64(len(ages)-1)
		return float32(float64(ages[0]) / usual)
	case features.Pace:
		return each30Days(float64(len(events)), ages)
	case features.Flow:
		c.Family = features.Sum
		return each30Days(float64(w.column(c, cid)), ages)
	case features.Habit:
		return habitOf(ages, c.SpanDays)
	case features.Chance:
		return chanceOf(ages, float64(c.SpanDays))
	case features.Popularity:
		return w.popularity(c, events, ages)
	case features.Typical:
		return typicalOf(events, c.Property, c.Around)
	case features.Sum:
		sum := new(big.Rat)
		for _, e := range events {
			if d, has := e.numbers[c.Property]; has {
				sum.Add(sum, new(big.Rat).SetFrac(big.NewInt(d.Coef), new(big.Int).SetUint64(value.Pow10(int(d.Scale)))))
			}
		}
		nearest, _ := sum.Float64()
		return float32(nearest)
	case features.Trend:
		return ratio(float64(len(events))/float64(c.WindowDays), float64(len(w.of(cid, c.Name, c.Anything, c.LongDays)))/float64(c.LongDays))
	case features.Weekend:
		return among(func(e happening) bool {
			day := time.UnixMilli(e.millis).In(w.zone).Weekday()
			return day == time.Saturday || day == time.Sunday
		})
	case features.Night:
		return among(func(e happening) bool {
			at := time.UnixMilli(e.millis).In(w.zone)
			if e.utc != batch.NoOffset {
				at = at.In(time.FixedZone("", int(e.utc)*60))
			}
			return at.Hour() < 6
		})
	case features.Rate:
		return ratio(float64(len(events)), float64(len(w.of(cid, c.Per, false, c.WindowDays))))
	case features.Tenure:
		return float32(w.today - dayOf(w.zone, w.heard(cid)))
	case features.Tag:
		for _, p := range w.people {
			if p.cid == cid && slices.Contains(p.tags, c.Name) {
				return 1
			}
		}
		return 0
	case features.Attribute:
		for _, p := range w.people {
			v, has := p.attributes[c.Name]
			if p.cid != cid || !has {
				continue
			}
			switch v.Kind {
			case value.Number:
				return float32(v.Num.Float())
			case value.Bool:
				if v.Bool {
					return 1
				}
				return 0
			case value.Time:
				return float32(w.today - dayOf(w.zone, v.Millis))
			}
			if i := slices.Index(w.levels[c], v.Str); i >= 0 {
				return float32(i)
			}
			return float32(len(w.levels[c]))
		}
	}
	return nothing
}

// typicalOf is the geometric mean of values and of three more around one.
func typicalOf(events []happening, property string, around float64) float32 {
	logOf := func(x float64) float64 { return math.Copysign(math.Log2(1+math.Abs(x)), x) }
	sum, n := 3*logOf(around), 3.0
	for _, e := range events {
		if d, has := e.numbers[property]; has {
			sum, n = sum+logOf(d.Float()), n+1
		}
	}
	if n == 3 {
		return float32(math.NaN())
	}
	return float32(math.Copysign(math.Pow(2, math.Abs(sum/n))-1, sum))
}

// each30Days spreads something over the days since the oldest one and 30 more.
func each30Days(n float64, ages []int) float32 {
	if len(ages) == 0 {
		return 0
	}
	return float32(n * 30 / float64(ages[len(ages)-1]+1+30))
}

// habitOf goes through the spans from the newest to that of the oldest day.
func habitOf(ages []int, days int) float32 {
	if len(ages) == 0 {
		return float32(math.NaN())
	}
	with, all := 0.0, 0.0
	for from := 0; from <= ages[len(ages)-1]; from += days {
		all++
		if slices.ContainsFunc(ages, func(age int) bool { return age >= from && age < from+days }) {
			with++
		}
	}
	return float32((with + 0.5) / (all + 1))
}

// chanceOf is the closed form as its authors write it.
func chanceOf(ages []int, ahead float64) float32 {
	if len(ages) == 0 {
		return float32(math.NaN())
	}
	const r, alpha, a, b = 1, 100, 0.3, 3
	x := float64(len(ages) - 1)
	known := float64(ages[len(ages)-1] + 1)
	last := known - 1 - float64(ages[0])
	alive := 1.0
	if x > 0 {
		alive = 1 / (1 + a/(b+x-1)*math.Pow((alpha+known)/(alpha+last), r+x))
	}
	return float32(alive * (1 - math.Pow((alpha+known)/(alpha+known+ahead), r+x)))
}

// heard returns when a CID was first heard of, and a late moment when it never was.
func (w twin) heard(cid string) int64 {
	first := int64(math.MaxInt64)
	for _, e := range w.events {
		if e.cid == cid {
			first = min(first, e.millis)
		}
	}
	for _, p := range w.people {
		if p.cid == cid {
			first = min(first, p.millis)
		}
	}
	return first
}

// everyone returns the CIDs that had been heard of by the cut-off.
func (w twin) everyone(cids []string) (known []string) {
	for _, cid := range cids {
		if at := w.heard(cid); at <= w.now && dayOf(w.zone, at) <= w.today {
			known = append(known, cid)
		}
	}
	return known
}
