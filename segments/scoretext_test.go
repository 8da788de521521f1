package segments_test

import (
	"strconv"
	"testing"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

// TestScoreText holds that the text of every code can be asked for, and finds that code and those above.
func TestScoreText(t *testing.T) {
	for code := range 1 << 16 {
		text := segments.ScoreText(uint16(code))
		p, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := segments.ScoreAtLeast(p); !ok || at != uint16(code) {
			t.Fatalf("%s stands for code %d, and finds %d", text, code, at)
		}
		if exact := segments.ScoreProbability(uint16(code)); p > exact || p < exact*(1-1e-8) {
			t.Fatalf("%s for %v", text, exact)
		}
		if code%97 == 0 || code < 50 || code > 1<<16-50 {
			if _, err := expr.Parse(`score("x") >= ` + text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
	}
}
