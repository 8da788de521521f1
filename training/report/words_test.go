package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestShare(t *testing.T) {
	for v, want := range map[float64]string{0: "0 %", 1: "100 %", 0.9: "90.0 %", 0.998: "99.80 %", 0.9997: "99.97 %", 0.5: "50.0 %", 0.0123: "1.2 %", 0.0052: "0.52 %", 0.0005: "0.05 %", 0.00001: "under 0.01 %", 0.99999: "over 99.99 %"} {
		if got := Share(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

// TestSigned holds that a gain has its sign, and none when it is 0.
func TestSigned(t *testing.T) {
	if got := signed(0.0002, -0.001, 0); !slices.Equal(got, []string{"+0.0002", "-0.0010", "0.0000"}) {
		t.Errorf("signed: %q", got)
	}
}

// TestApart holds that figures that differ look different, however small they are, and have no more digits than that takes.
func TestApart(t *testing.T) {
	for _, test := range []struct {
		all  []float64
		want string
	}{
		{nil, ""},
		{[]float64{0.5962, 0.686, 0.635}, "0.5962 0.6860 0.6350"},
		{[]float64{0.00882, 0.00885, 0.0088}, "0.00882 0.00885 0.00880"},
		{[]float64{0.00882, 0.00884, 0.008831}, "0.00882 0.00884 0.00883"},
		{[]float64{0.0010412, 0.001043}, "0.001041 0.001043"},
		{[]float64{0.0000412, 0}, "0.0000412 0.0000000"},
		{[]float64{0.59621, 0.59622, math.NaN()}, "0.5962 0.5962 -"},
	} {
		if got := strings.Join(Apart(4, test.all...), " "); got != test.want {
			t.Errorf("%v: %s, want %s", test.all, got, test.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Float64Range(0, 1), 0, 5).Draw(t, "all")
		for i, text := range Apart(4, all...) {
			if v, err := strconv.ParseFloat(text, 64); err != nil || math.Abs(v-all[i]) > 0.50001e-4 {
				t.Fatalf("%v is written %s", all[i], text)
			}
		}
	})
}

func TestOdds(t *testing.T) {
	for v, want := range map[float64]string{1.8: "1.80", 9.994: "9.99", 10: "10", 89.4: "89", 230: "230", 1234.5: "1\u202f235", 0.5: "0.50", 0.0042: "0.0042", 2.3e7: "2.3e+07"} {
		if got := odds(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

func TestNarrow(t *testing.T) {
	for v, want := range map[float64]string{0.5: "50.0 %", 0.99999: ">\u202f99.99 %", 0.00001: "<\u202f0.01 %"} {
		if got := narrow(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

// TestBrief holds that long names are shortened, in quotes and out of them, and that nothing else is touched.
func TestBrief(t *testing.T) {
	name := strings.Repeat("ab", 60)
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{`3 "open" more in the last 30 days (3 instead of 0)`, `3 "open" more in the last 30 days (3 instead of 0)`},
		{`count("` + name + `", within 7d)`, `count("` + name[:31] + "…" + name[120-14:] + `", within 7d)`},
		{"sum of " + name + ` of "a \" b"`, "sum of " + name[:32] + "…" + name[120-15:] + ` of "a \" b"`},
		{`"` + strings.Repeat("名 ", 60) + `" is`, `"` + strings.Repeat("名 ", 15) + "名…" + strings.Repeat("名 ", 7) + `" is`},
		{`one quote " alone`, `one quote " alone`},
	} {
		if got := brief(test.text); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		got := brief(text)
		if utf8.ValidString(text) && !utf8.ValidString(got) || len([]rune(got)) > len([]rune(text)) || brief(got) != got {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
