package sendtime

import "math"

// Delay tells how long messages wait to be answered: the part of those answered at all that are still unanswered after each hour. It is 1
// at 0 and falls.
type Delay [Hours + 1]float64

// PriorDelay is assumed until answers have been seen: half of them within about an hour and a half, and a long tail. It was not measured.
func PriorDelay() Delay {
	const typicalHours = 1.5
	var d Delay
	for h := range d {
		d[h] = 1 / (1 + float64(h)/typicalHours)
	}
	return d
}

// LearnDelay returns the delays of so many answered messages, in minutes each, mixed with PriorDelay as if that were another 50.
func LearnDelay(minutes []float64) Delay {
	const priorAnswers = 50
	prior := PriorDelay()
	var d Delay
	for h := range d {
		still := 0.0
		for _, m := range minutes {
			if m > float64(h)*minutesPerHour || h == 0 {
				still++
			}
		}
		d[h] = (still + priorAnswers*prior[h]) / (float64(len(minutes)) + priorAnswers)
	}
	return d
}

// at returns the part that still waits after some minutes.
func (d *Delay) at(minute int) float64 {
	at := min(max(float64(minute)/minutesPerHour, 0), Hours)
	low := min(int(at), Hours-1)
	part := at - float64(low)
	return d[low]*(1-part) + d[low+1]*part
}

// Engaged returns how likely one who is active on the day engages within some minutes, 1,440 at most, of a message sent at a minute of the day. It is the habit
// curve through the delay kernel: activity a while after the message counts as far as messages still wait then,
//
//	1 - exp(g(W) sum over hours in the window of S(hours since the message) log(1 - p(hour)))
//
// with S the kernel and W the width, as in Any. It says how times of sending compare. It is no click rate: not everyone who is active answers.
func (m *Model) Engaged(a *Answer, d *Delay, sentMinute, withinMinutes int) float64 {
	withinMinutes = min(max(withinMinutes, 1), minutesPerDay)
	return 1 - math.Exp(-m.joint(withinMinutes)*hazard(a, sentMinute, withinMinutes, d.at))
}
