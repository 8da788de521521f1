package sendtime

// Engagement tells for each local hour of the day asked about how likely the CID engages within a day with a message that is sent in the middle of it. The
// answer is what Predict gave for the same history and question. It is the habit seen through the delays of answers, times activity on the day at all, which tells how hours
// compare: not everyone who is active answers.
func (m *Model) Engagement(h *History, q *Question, a *Answer, out *[Hours]float64) {
	for hour := range out {
		out[hour] = a.Active * m.Engaged(a, &m.Delay, hour*minutesPerHour+minutesPerHour/2, minutesPerDay)
	}
}
