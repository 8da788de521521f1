package sendtime

import (
	"math"
	"testing"
)

func TestWeekendDaysOfAHistory(t *testing.T) {
	h := History{Days: [7]uint16{1, 2, 4, 8, 16, 32, 64}} // Sunday first
	for rest, want := range map[uint8]int{0: 1 + 64, 1<<5 | 1<<6: 32 + 64, 1 << 5: 32} {
		h.RestDays = rest
		if got := h.weekendDays(); got != want {
			t.Errorf("with the weekend %b, %d of its days were days of it, want %d", rest, got, want)
		}
	}
}

// TestWeekdaysTellOfWeekends: before the first weekend, weekends are like the weekdays seen, as far as the prior curve's are; nobody's are the prior's.
func TestWeekdaysTellOfWeekends(t *testing.T) {
	sums := NewCurveSums(nil)
	prior := PriorCurve()
	for class, day := range sums.Curves().Everyone {
		for hour, p := range day {
			if math.Abs(p-prior[class][hour]) > 1e-15 {
				t.Errorf("of nobody, class %d, hour %d: %v, want %v", class, hour, p, prior[class][hour])
			}
		}
	}
	night := History{Days: [7]uint16{2: 3}}
	night.Hours[3] = 3 // every day at three
	for range 200 {
		sums.Add(&night, Question{Country: NoCountry})
	}
	c := sums.Curves()
	for class := range c.Everyone {
		for hour, p := range c.Everyone[class] {
			if hour != 3 && p >= c.Everyone[class][3] || !(p >= 0 && p <= 1) {
				t.Errorf("class %d: %v at %d, %v at 3", class, p, hour, c.Everyone[class][3])
			}
		}
	}
}
