package sendtime

import (
	"strings"
	"testing"
)

func TestLargest(t *testing.T) {
	numbers := map[string]int{"Chad": 50, "Belize": 60, "Zambia": 900, "Austria": 60, "Japan": 900, "Andorra": 50}
	for most, want := range map[int]string{0: "", 2: "Japan Zambia", 3: "Austria Japan Zambia", 5: "Andorra Austria Belize Japan Zambia", 400: "Andorra Austria Belize Chad Japan Zambia"} {
		if got := strings.Join(largest(numbers, most), " "); got != want {
			t.Errorf("the largest %d are %s; want %s", most, got, want)
		}
	}
}

// TestCurveCountries holds that countries of a few CIDs have no curve.
func TestCurveCountries(t *testing.T) {
	names := []string{"Japan", "Chad", "Austria"}
	got := CurveCountries(map[int64]int{0: 900, 1: 49, 2: 50}, func(code int64) string { return names[code] })
	if strings.Join(got, " ") != "Austria Japan" {
		t.Errorf("%v have a curve", got)
	}
}
