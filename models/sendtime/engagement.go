package sendtime

import "math"

// Clicks says whether Engagement goes by what became of messages, and not only by when the CID is active.
func (m *Model) Clicks() bool { return m.Click != nil }

// Engagement tells for each local hour of the day asked about how likely the CID engages within a day with a message that is sent in that hour. The
// answer is what Predict of the same model gave for the same history and question. It allocates nothing.
//
// With a Click it is the probability that the message is answered. Without, it is the habit seen through the delays of answers, times activity on
// the day at all, which tells how hours compare: not everyone who is active answers.
func (m *Model) Engagement(h *History, q *Question, a *Answer, out *[Hours]float64) {
	m.habit(a, out)
	if m.Click != nil {
		m.Click.answers(h, q, a, out)
	}
}

// habit is Engaged within a day of the middle of each hour, times activity on the day. The hazards of the hours are the same for all times of sending, so
// that it is their convolution with the delays.
func (m *Model) habit(a *Answer, out *[Hours]float64) {
	const half, last = minutesPerHour / 2, minutesPerDay - minutesPerHour/2
	var wait [Hours]float64
	// The hour of sending has two halves: one that follows at once, and one that comes a day later.
	wait[0] = (m.Delay.at(half/2) + m.Delay.at(last+half/2)) / 2
	copy(wait[1:], m.Delay[1:Hours])
	var hazards [2 * Hours]float64 // twice, so that midnight is no edge
	for hour, p := range a.Hour {
		v := -math.Log1p(-min(p, 1-1e-9))
		hazards[hour], hazards[Hours+hour] = v, v
	}
	joint := m.joint(minutesPerDay)
	for hour := range out {
		sum := 0.0
		for later, v := range hazards[hour : hour+Hours] {
			sum += v * wait[later]
		}
		out[hour] = a.Active * -math.Expm1(-joint*sum)
	}
}
