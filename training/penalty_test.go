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

// TestNoProductOfColumns keeps what is counted, and the tenure, out of products, and lets everything else take part.
func TestNoProductOfColumns(t *testing.T) {
	for text, want := range map[string]bool{
		`count("open", within 30d)`: true, `days("open", within 30d)`: true, `sum("buy.amount", within 30d)`: true, "tenure": true, `count("open", per 365d since 2026-01-01)`: true,
		`recency("open", within 365d)`: false, `chance("open", 30d, within 365d)`: false, `gap("open", within 365d)`: false, `pace("open", within 365d)`: false,
		`rate("push.clicked", "push.sent", within 30d)`: false, `attr("age")`: false, `trend("open", 7d, 30d)`: false,
	} {
		c, err := features.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		f := frame{columns: []features.Column{c}}
		if got := f.named()[0].NoProduct; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
