package sendtime

import (
	"fmt"

	model "whowhen.dev/whowhen/models/sendtime"
)

// messagePictures show what is known of messages; none where none was answered.
func messagePictures(m *Messages) (all []*picture) {
	if m.LearntAnswered == 0 {
		return nil
	}
	if len(m.Hours) > 0 {
		all = append(all, answeredByHour(m.Hours),
			calibration("What came of probabilities of answers", "By the click model, over the messages judged. Dots of fewer than 30 are left out.", m.Calibration, 0.05))
	}
	return append(all, waiting(&m.Delay))
}

// answeredByHour shows which share of the messages sent in an hour was answered, and what had been told.
func answeredByHour(hours []MessageHour) *picture {
	const least = 30 // of fewer, a share says little
	top := 0.02
	for _, h := range hours {
		if top = max(top, h.Predicted, h.ByHabit); h.Count >= least {
			top = max(top, h.Answered)
		}
	}
	p := newPlane(picture{Title: "Messages answered, by the hour they were sent in", Axes: "across: local hour of sending; up: answered within a day",
		Note: "Bars: what came. Lines: what had been told of the same messages. Hours with fewer than 30 messages have no bar. Who was messaged at which hour was the sender's choice.",
		Keys: []key{{"c", "answered"}, {"a", "the click model"}, {"b", "habit, seen through the delays"}}}, chartW, chartH, 0, model.Hours, top)
	p.ticks([]float64{0, 6, 12, 18, 24}, roundSteps(top, 4), clock, percent)
	var xs, clicks, habit []float64
	for _, h := range hours {
		at := float64(h.Hour)
		xs, clicks, habit = append(xs, at+0.5), append(clicks, h.Predicted), append(habit, h.ByHabit)
		if h.Count >= least {
			p.bar("fill", fmt.Sprintf("%02d:00: %s of %s messages", h.Hour, percent(h.Answered), count(h.Count)), at+0.1, at+0.9, h.Answered)
		}
	}
	p.curve("curve b", xs, habit)
	p.curve("curve a", xs, clicks)
	return p.picture
}

// waiting shows how long answers take.
func waiting(d *model.Delay) *picture {
	p := newPlane(picture{Title: "How long answers take", Axes: "across: hours since the message; up: answers still to come",
		Note: "Of the messages that are answered within a day. Habit is seen through this curve: activity long after a message counts for less."}, chartW, chartH, 0, model.Hours, 1)
	p.ticks([]float64{0, 3, 6, 12, 18, 24}, []float64{0, .25, .5, .75, 1}, func(v float64) string { return fmt.Sprint(v) }, percent)
	xs := make([]float64, len(d))
	for h := range xs {
		xs[h] = float64(h)
	}
	p.curve("curve a", xs, d[:])
	return p.picture
}
