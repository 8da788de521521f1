package training

import (
	"testing"

	"whowhen.dev/whowhen/features"
)

// TestPenaltyFactorOfColumns names the families whose columns sum up a whole history, in the frame that models are given.
func TestPenaltyFactorOfColumns(t *testing.T) {
	var f frame
	texts := []string{`recency("a")`, `gap("a")`, `pace("a")`, `flow("a.b")`, `habit("a", 7d)`, `chance("a", 7d)`, `popularity("a.b", 30d)`,
		`tenure`, `count("a", within 7d)`, `days("a")`, `sum("a.b")`, `trend("a", 3d, 7d)`, `typical("a.b", around 1)`, `weekend("a")`, `night("a")`, `rate("a", "b")`, `tag("a")`, `attr("a")`}
	const whole = 7 // of them
	for _, text := range texts {
		c, err := features.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		f.columns = append(f.columns, c)
	}
	for i, c := range f.named() {
		want := 1.0
		if i < whole {
			want = 0.2
		}
		if c.PenaltyFactor != want || c.Name != texts[i] {
			t.Errorf("%s has the factor %v, want %v", c.Name, c.PenaltyFactor, want)
		}
	}
}
