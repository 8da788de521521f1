package sendtime

import "math"

const minutesPerHour, minutesPerDay = 60, 60 * Hours

// Any returns the probability of any activity in a window of a day with activity, from a minute of the day on, around midnight to its morning if
// it is long. It is not the sum of the hours, which would count one who is active in two of them twice:
//
//	1 - exp(g(W) sum over hours of (share of the hour in the window) log(1 - p(hour)))
//
// where g, 1 for one hour, is learnt for each width W: activity comes in runs, and on a day with activity there is some in the end. A width is cut to 1 to 1,440 minutes.
func (m *Model) Any(a *Answer, fromMinute, widthMinutes int) float64 {
	widthMinutes = min(max(widthMinutes, 1), minutesPerDay)
	return 1 - math.Exp(-m.joint(widthMinutes)*hazard(a, fromMinute, widthMinutes, func(int) float64 { return 1 }))
}

// joint is g: between the widths it was learnt at, on a line.
func (m *Model) joint(widthMinutes int) float64 {
	at := max(0, float64(widthMinutes)/minutesPerHour-1)
	low := min(int(at), Hours-2)
	part := at - float64(low)
	return m.Window[low]*(1-part) + m.Window[low+1]*part
}

// hazard adds up -log(1 - p) over the minutes of a window, each weighted by how many minutes it is from the window's start.
func hazard(a *Answer, fromMinute, widthMinutes int, weight func(minute int) float64) float64 {
	sum := 0.0
	for done := 0; done < widthMinutes; {
		minute := ((fromMinute+done)%minutesPerDay + minutesPerDay) % minutesPerDay
		length := min(minutesPerHour-minute%minutesPerHour, widthMinutes-done)
		p := min(a.Hour[minute/minutesPerHour], 1-1e-9)
		sum -= math.Log1p(-p) * weight(done+length/2) * float64(length) / minutesPerHour
		done += length
	}
	return sum
}

// fitWindows learns g for each width: where the mean log loss over all windows of the width within a day is least.
func (m *Model) fitWindows(samples []Sample) {
	const most = 4_000 // samples are enough for one number a width
	type window struct {
		hazard float64
		any    bool
	}
	var windows [Hours][]window
	var a Answer
	some := everySoMany(samples, most)
	for i := range some {
		s := &some[i]
		m.Predict(&s.History, &s.Question, &a)
		for from := range Hours {
			sum, any := 0.0, false
			for to := from; to < Hours; to++ {
				sum -= math.Log1p(-min(a.Hour[to], 1-1e-9))
				any = any || s.Hours>>to&1 != 0
				windows[to-from] = append(windows[to-from], window{sum, any})
			}
		}
	}
	for width := 1; width < Hours; width++ {
		// The loss is convex in g: of -log(1 - e^-gh) and gh both are.
		slope := func(g float64) float64 {
			sum := 0.0
			for _, w := range windows[width] {
				if w.any {
					sum -= w.hazard / math.Expm1(g*w.hazard)
				} else {
					sum += w.hazard
				}
			}
			return sum
		}
		low, high := 0.01, 4.0
		for range 30 {
			if middle := (low + high) / 2; slope(middle) > 0 {
				high = middle
			} else {
				low = middle
			}
		}
		m.Window[width] = (low + high) / 2
	}
}
