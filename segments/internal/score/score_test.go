package score_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/internal/score"
)

// TestCodes goes through all codes: probabilities rise strictly, and log-odds lead back to the code.
func TestCodes(t *testing.T) {
	last := 0.0
	for code := range score.Codes {
		p := score.Probability(uint16(code))
		if p <= last || p >= 1 {
			t.Fatalf("code %d has probability %v, the one before has %v", code, p, last)
		}
		back, ok := score.Code(math.Log(p) - math.Log1p(-p))
		if !ok || int(back) != code {
			t.Fatalf("code %d has probability %v, whose code is %d", code, p, back)
		}
		if score.AtLeast(p) != code || score.Above(p) != code+1 || score.AtLeast(math.Nextafter(p, 1)) != code+1 || score.Above(math.Nextafter(p, 0)) != code {
			t.Fatalf("code %d: at least %v is %d, above it is %d", code, p, score.AtLeast(p), score.Above(p))
		}
		last = p
	}
}

func TestCodeEdges(t *testing.T) {
	for _, c := range []struct {
		logOdds float64
		code    uint16
	}{
		{0, 32768}, {-16, 0}, {-17, 0}, {math.Inf(-1), 0}, {-math.MaxFloat64, 0}, {16, 65535}, {15.9997, 65535}, {math.Inf(1), 65535}, {math.MaxFloat64, 65535},
		{0.5 / 2048, 32769}, {-0.5 / 2048, 32768}, {math.SmallestNonzeroFloat64, 32768},
	} {
		if got, ok := score.Code(c.logOdds); !ok || got != c.code {
			t.Errorf("Code(%v) = %d, %v, want %d", c.logOdds, got, ok, c.code)
		}
	}
	if _, ok := score.Code(math.NaN()); ok {
		t.Error("NaN has a code")
	}
	if score.Probability(32768) != 0.5 {
		t.Errorf("even odds are %v", score.Probability(32768))
	}
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		p              float64
		atLeast, above int
	}{{0, 0, 0}, {-1, 0, 0}, {1, score.Codes, score.Codes}, {2, score.Codes, score.Codes}, {0.5, 32768, 32769}, {math.NaN(), score.Codes, score.Codes}} {
		if got := score.AtLeast(c.p); got != c.atLeast {
			t.Errorf("AtLeast(%v) = %d, want %d", c.p, got, c.atLeast)
		}
		if got := score.Above(c.p); got != c.above {
			t.Errorf("Above(%v) = %d, want %d", c.p, got, c.above)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		at := score.AtLeast(p)
		if at < score.Codes && score.Probability(uint16(at)) < p || at > 0 && score.Probability(uint16(at-1)) >= p {
			t.Fatalf("AtLeast(%v) = %d", p, at)
		}
	})
}
