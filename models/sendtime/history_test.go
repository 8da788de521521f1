package sendtime

import "testing"

func TestWeekendDaysOfAHistory(t *testing.T) {
	h := History{Days: [7]uint16{1, 2, 4, 8, 16, 32, 64}} // Sunday first
	for rest, want := range map[uint8]int{0: 1 + 64, 1<<5 | 1<<6: 32 + 64, 1 << 5: 32} {
		h.RestDays = rest
		if got := h.weekendDays(); got != want {
			t.Errorf("with the weekend %b, %d of its days were days of it, want %d", rest, got, want)
		}
	}
}
