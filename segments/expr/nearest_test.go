package expr_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/expr"
)

func TestNearest(t *testing.T) {
	known := []string{"purchase", "open", "push.sent", "vip", "VIP gold", "größe", "a"}
	for name, want := range map[string]string{
		"purchse": "purchase", "pruchase": "purchase", "Purchase": "purchase", "purchases": "purchase", "purchasess": "purchase", "opened": "open", "push_sent": "push.sent",
		"VIP": "vip", "groesse": "", "grösse": "größe", "A": "a", "b": "", "xyz": "", "": "", "purrrchasses": "", "vipgold": "VIP gold",
		strings.Repeat("a", 300): "",
	} {
		got, ok := expr.Nearest(name, known)
		if got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
	if got, ok := expr.Nearest("x", nil); ok {
		t.Errorf("nothing known, got %q", got)
	}
}

func TestNearestBreaksTies(t *testing.T) {
	for _, known := range [][]string{{"cart", "card"}, {"card", "cart"}} {
		if got, _ := expr.Nearest("carx", known); got != "card" {
			t.Errorf("of %v got %q", known, got)
		}
	}
}

// distance is the full table of optimal string alignment.
func distance(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestNearestAgainstFullTable(t *testing.T) {
	word := rapid.StringOfN(rapid.SampledFrom([]rune("abÄä日")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		name, known := word.Draw(t, "name"), rapid.SliceOf(word).Draw(t, "known")
		want, best := "", 4
		for _, k := range slices.Sorted(slices.Values(known)) {
			a, b := []rune(strings.ToLower(name)), []rune(strings.ToLower(k))
			if d := distance(a, b); d <= max(len(a), len(b))/3 && d < best {
				want, best = k, d
			}
		}
		if got, ok := expr.Nearest(name, known); got != want || ok != (best <= 3) {
			t.Fatalf("got %q, %v; want %q at %d", got, ok, want, best)
		}
	})
}
