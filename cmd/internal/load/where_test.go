package load

import (
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

func TestWhere(t *testing.T) {
	data := map[string]*datum{
		"n":    {kind: value.Number, number: value.Decimal{Coef: 255, Scale: 2}},
		"s":    {kind: value.String, text: []byte("UK")},
		"b":    {kind: value.Bool, truth: true},
		"t":    {kind: value.Time, moment: momentAt(time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC).UnixMilli())}, // 1 February in Jakarta
		"l":    {kind: value.List, list: []string{"x", "y"}},
		"none": {},
	}
	names := []string{}
	for text, want := range map[string]bool{
		`n > 2`: true, `n = 2.55`: true, `n >= 2.56`: false, `n between 2 and 3`: true, `n in (1, 2.55)`: true, `n != 1`: true, `n != 2.55`: false, `n < 2.6`: true, `n <= 2.55`: true,
		`n = "2.55"`: false, `n != "x"`: false, `not n = "2.55"`: true,
		`s = "UK"`: true, `s in ("DE","UK")`: true, `s in ("DE")`: false, `s != "DE"`: true, `s < "ZZ"`: true, `s > "AA"`: true, `s between "A" and "V"`: true, `s = 5`: false, `s in (5)`: false,
		`b = true`: true, `b != true`: false, `b = false`: false, `b in (false, true)`: true,
		`t >= 2026-02-01`: true, `t = 2026-02-01`: true, `t < 2026-02-01`: false, `t between 2026-01-01 and 2026-02-01`: true, `t = 2026-01-31`: false,
		`t = 2026-01-31T18:00:00Z`: true, `t < 2026-01-31T18:00:00.001Z`: true, `t > 5`: false,
		`l has "x"`: true, `l has "z"`: false, `l = "x"`: false, `s has "UK"`: false,
		`none exists`: false, `not none exists`: true, `n exists`: true, `none != 5`: false, `none = 5`: false,
		`n > 2 and s = "UK" and b = true`: true, `n > 2 and s = "DE"`: false, `n > 5 or s = "UK"`: true, `n > 5 or s = "DE"`: false, `not (n > 5 or s = "DE")`: true,
		`prop("n") > 2`: true,
	} {
		cond, err := expr.ParseCond(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		names = names[:0]
		c, err := newCondition(cond, zoneNamed(t, "Asia/Jakarta"), func(name string) (int, error) {
			names = append(names, name)
			return len(names) - 1, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, f := c.holds(func(slot int) (*datum, *fault) { return data[names[slot]], nil }); f != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, f, want)
		}
	}
}
