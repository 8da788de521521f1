package features_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, canonical string }{
		{`tenure`, `tenure`},
		{" TENURE\n", `tenure`},
		{`recency("open")`, `recency("open")`},
		{`Recency ( "open" , WITHIN 007D )`, `recency("open", within 7d)`},
		{`count("caf\u00e9", within 30d)`, `count("café", within 30d)`},
		{`sum("purchase.amount", within 90d)`, `sum("purchase.amount", within 90d)`},
		{`COUNT("open",Per 0365d  SINCE 2024-02-29)`, `count("open", per 365d since 2024-02-29)`},
		{`days("open", per 1d since 0001-01-01)`, `days("open", per 1d since 0001-01-01)`},
		{`sum("purchase", "net.amount", per 36500d since 9999-12-31)`, `sum("purchase", "net.amount", per 36500d since 9999-12-31)`},
		{`sum("push.sent.cost")`, `sum("push.sent.cost")`},
		{`sum("purchase", "amount", within 1d)`, `sum("purchase.amount", within 1d)`},
		{`sum("purchase", "net.amount")`, `sum("purchase", "net.amount")`},
		{`trend("open", 7d, 30d)`, `trend("open", 7d, 30d)`},
		{`pace("open", within 30d)`, `pace("open", within 30d)`},
		{`flow("purchase","amount")`, `flow("purchase.amount")`},
		{`habit("open",30d)`, `habit("open", 30d)`},
		{`chance ("open", 07D, within 365d)`, `chance("open", 7d, within 365d)`},
		{`popularity("purchase.item",30d,within 365d)`, `popularity("purchase.item", 30d, within 365d)`},
		{`Popularity("purchase", "net.item", 030d)`, `popularity("purchase", "net.item", 30d)`},
		{`typical("purchase.Quantity",around 6,within 365d)`, `typical("purchase.Quantity", around 6, within 365d)`},
		{`Typical ( "purchase" , "net.amount" , AROUND -007.250 )`, `typical("purchase", "net.amount", around -7.25)`},
		{`typical("a.b", around -0, within 1d)`, `typical("a.b", around 0, within 1d)`},
		{`typical("a.b", around 0.000)`, `typical("a.b", around 0)`},
		{`typical("a.b", around 0.1000000000000000055511151231257827)`, `typical("a.b", around 0.1)`},
		{`typical("a.b", around -9223372036854775808)`, `typical("a.b", around -9223372036854776000)`},
		{`typical("a.b", around 0.000000000000000001)`, `typical("a.b", around 0.000000000000000001)`},
		{`rate("push.clicked","push.sent")`, `rate("push.clicked", "push.sent")`},
		{`rate("push.clicked", "push.sent", within 36500d)`, `rate("push.clicked", "push.sent", within 36500d)`},
		{`tag("say \"hi\"")`, `tag("say \"hi\"")`},
		{`attr("native-country")`, `attr("native-country")`},
		{`count(anything, within 30d)`, `count(anything, within 30d)`},
		{`recency( ANYthing )`, `recency(anything)`},
		{`recency("anything")`, `recency("anything")`},
		{`days(anything,per 365d since 2024-02-29)`, `days(anything, per 365d since 2024-02-29)`},
		{`trend(anything, 7d, 30d)`, `trend(anything, 7d, 30d)`},
		{`habit(anything, 7d, within 90d)`, `habit(anything, 7d, within 90d)`},
	} {
		got, err := features.Parse(c.text)
		if err != nil || got.String() != c.canonical {
			t.Errorf("%s is %s, %v; want %s", c.text, got, err, c.canonical)
		}
		data, err := json.Marshal(struct{ C features.Column }{got})
		var back struct{ C features.Column }
		if err != nil || json.Unmarshal(data, &back) != nil || back.C != got {
			t.Errorf("%s comes back from %s as %s", got, data, back.C)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		text, message string
		offset        int
	}{
		{``, "expected one of recency", 0},
		{`  mean("open")`, "expected one of recency", 2},
		{`tenure()`, "expected the end, found '('", 6},
		{`count`, "expected '(', found the end", 5},
		{`count(open)`, "expected a name in double quotes, or anything, found 'o'", 6},
		{`count("open)`, "not closed", 6},
		{`count("op\qen")`, "escapes of JSON", 6},
		{`count("")`, "the name is empty", 0},
		{`count("open", 30d)`, "expected a window such as within 30d, found '3'", 14},
		{`count("open", within 30h)`, "expected a number of days", 21},
		{`count("open", within 0d)`, "expected a number of days", 21},
		{`count("open", within 36501d)`, "expected a number of days", 21},
		{`count("open", within 99999999999999999999d)`, "expected a number of days", 21},
		{`count("open") x`, "expected the end", 14},
		{`sum("amount")`, "an event and a property", 12},
		{`sum("purchase.")`, "the property of a sum: the name is empty", 0},
		{`trend("open", 30d, 7d)`, "a short window and then a longer one", 0},
		{`trend("open", 30d)`, "expected ','", 17},
		{`rate("push.clicked")`, "expected ','", 19},
		{`flow("amount")`, "a flow is of an event and a property", 13},
		{`habit("open", within 30d)`, "expected a number of days", 14},
		{`chance("open")`, "expected ','", 13},
		{`chance("open", 36501d)`, "expected a number of days", 15},
		{`popularity("purchase.item")`, "expected ','", 26},
		{`popularity("purchase.item", 367d)`, "the span of a popularity is of 1d to 366d", 0},
		{`popularity("item", 30d)`, "a popularity is of an event and a property", 17},
		{`popularity("purchase.item", within 30d)`, "expected a number of days", 28},
		{`popularity("purchase.item", 30d, per 7d since 2026-01-01)`, "has no use for", 0},
		{`typical("purchase.Quantity")`, "expected ','", 27},
		{`typical("Quantity", around 6)`, "a typical is of an event and a property", 18},
		{`typical("purchase.", around 6)`, "the property of a typical: the name is empty", 0},
		{`typical("purchase.Quantity", within 365d)`, "such as around 2.5, found 'w'", 29},
		{`typical("purchase.Quantity", 6)`, "such as around 2.5, found '6'", 29},
		{`typical("a.b", around, within 365d)`, "expected the digits of a number such as -0.25, found ','", 21},
		{`typical("a.b", around -)`, "expected the digits of a number such as -0.25, found ')'", 23},
		{`typical("a.b", around +6)`, "expected the digits of a number such as -0.25, found '+'", 22},
		{`typical("a.b", around .5)`, "expected the digits of a number such as -0.25, found '.'", 22},
		{`typical("a.b", around 5.)`, "expected the digits of a number such as -0.25, found ')'", 24},
		{`typical("a.b", around 6e3)`, "expected ')', found 'e'", 23},
		{`typical("a.b", around NaN)`, "expected the digits of a number such as -0.25, found 'N'", 22},
		{`typical("a.b", around 9223372036854780000)`, "is 0, or of a size from 1e-18 to 2^63", 0},
		{`typical("a.b", around -0.0000000000000000009)`, "is 0, or of a size from 1e-18 to 2^63", 0},
		{`typical("a.b", around 1` + strings.Repeat("0", 400) + `)`, "the number is too large", 22},
		{`typical("a.b", around 6, per 7d since 2026-01-01)`, "has no use for", 0},
		{`typical(anything, around 6)`, "expected a name in double quotes, found 'a'", 8},
		{`sum("a.b", around 6)`, "expected a window such as within 30d, found 'a'", 11},
		{`tag("vip", within 7d)`, "has no use for", 0},
		{`tag(anything)`, "expected a name in double quotes, found 'a'", 4},
		{`night(anything, within 30d)`, "expected a name in double quotes, found 'a'", 6},
		{`sum(anything, "amount")`, "expected a name in double quotes, found 'a'", 4},
		{`rate(anything, "push.sent")`, "expected a name in double quotes, found 'a'", 5},
		{`rate("push.clicked", anything)`, "expected a name in double quotes, found 'a'", 21},
		{`count(anythings)`, "or anything, found 'a'", 6},
		{`count(anything "open")`, "expected ')'", 15},
		{`count(anything, 30d)`, "expected a window such as within 30d", 16},
		{`count()`, "or anything, found ')'", 6},
		{`count("open", per)`, "expected a number of days", 17},
		{`count("open", per 0d)`, "expected a number of days", 18},
		{`count("open", percent 7d)`, "expected a window such as within 30d, found 'p'", 14},
		{`recency("open", per 7d since 2026-01-01)`, "has no use for", 0},
		{`flow("buy.amount", per 7d since 2026-01-01)`, "has no use for", 0},
		{`habit("open", 7d, per 7d since 2026-01-01)`, "has no use for", 0},
		{`count("open", per 7d)`, "the day that data begin with", 20},
		{`count("open", per 7d since 2026-02-30)`, "a day such as", 27},
		{`count("open", within 7d since 2026-02-01)`, "expected ')'", 24},
		{`trend("open", per 7d)`, "expected a number of days", 14},
		{"tag(\"\xff\")", "UTF-8", 0},
		{`tag("` + strings.Repeat("a", features.MaxTextBytes) + `")`, "at most 4096 bytes", 0},
	} {
		got, err := features.Parse(c.text)
		wrong := new(features.ParseError)
		if !errors.As(err, &wrong) || wrong.Offset != c.offset || !strings.Contains(wrong.Message, c.message) {
			t.Errorf("%.60s is %+v, %v; want at %d: %s", c.text, got, err, c.offset, c.message)
		}
	}
	for _, c := range []features.Column{{Family: features.Count}, {Family: features.Count, Name: "open", Scaled: true}, {Family: features.Count, Name: "open", SinceDay: 1}, {Family: features.Count, Name: "open", Anything: true}, {Family: features.Night, Anything: true}, {Family: features.Rate, Anything: true, Per: "open"}, {Family: features.Tag, Anything: true}, {Family: features.Tenure, Anything: true}, {Family: features.Sum, Name: "a", Property: "b", Around: 1}, typical(math.NaN()), typical(math.Inf(-1)), typical(1e19), typical(5e-324), {Family: features.Count, Name: "open", WindowDays: 7, Scaled: true, SinceDay: 3_000_000}} {
		if _, err := c.MarshalText(); err == nil {
			t.Errorf("%+v has a text", c)
		}
	}
}

func typical(around float64) features.Column {
	return features.Column{Family: features.Typical, Name: "a", Property: "b", Around: around}
}

// drawColumn draws a column that can be.
func drawColumn(t *rapid.T) features.Column {
	name := rapid.OneOf(rapid.SampledFrom([]string{"open", "push.sent", "anything", "a.b", `"`, `\`, "<é&"}), rapid.StringMatching(`[ -~]{1,20}`))
	c := features.Column{Family: features.Family(rapid.IntRange(1, int(features.Attribute)).Draw(t, "family"))}
	if c.Family == features.Tenure {
		return c
	}
	switch c.Family {
	case features.Recency, features.Count, features.Days, features.Trend, features.Gap, features.Pace, features.Habit, features.Chance, features.Weekend:
		c.Anything = rapid.IntRange(0, 3).Draw(t, "anything") == 0
	}
	if !c.Anything {
		c.Name = name.Draw(t, "name")
	}
	switch c.Family {
	case features.Tag, features.Attribute:
		return c
	case features.Trend:
		c.WindowDays = rapid.IntRange(1, 100).Draw(t, "short")
		c.LongDays = c.WindowDays + rapid.IntRange(1, 100).Draw(t, "more")
		return c
	case features.Habit, features.Chance:
		c.SpanDays = rapid.IntRange(1, 100).Draw(t, "span")
	case features.Popularity:
		c.SpanDays, c.Property = rapid.IntRange(1, 100).Draw(t, "span"), name.Draw(t, "property")
	case features.Sum, features.Flow:
		c.Property = name.Draw(t, "property")
	case features.Typical:
		c.Property = name.Draw(t, "property")
		c.Around = rapid.OneOf(rapid.Just(0.0), rapid.Just(math.Copysign(0, -1)), rapid.Float64Range(1e-18, 1<<63), rapid.Float64Range(-1<<63, -1e-18), rapid.Map(rapid.IntRange(-1000, 1000), func(n int) float64 { return float64(n) / 100 })).Draw(t, "around")
	case features.Rate:
		c.Per = name.Draw(t, "per")
	}
	c.WindowDays = rapid.SampledFrom([]int{0, 1, 30, features.MaxWindowDays}).Draw(t, "window")
	switch c.Family {
	case features.Count, features.Days, features.Sum:
		if c.Scaled = c.WindowDays > 0 && rapid.Bool().Draw(t, "scaled"); c.Scaled {
			c.SinceDay = rapid.Int32Range(-719_162, 2_932_896).Draw(t, "since")
		}
	}
	return c
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawColumn(t)
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		if back, err := features.Parse(c.String()); err != nil || back != c {
			t.Fatalf("%s comes back as %+v, %v", c, back, err)
		}
	})
}

// TestNegativeZero gives equal columns the same text and value.
func TestNegativeZero(t *testing.T) {
	if got := typical(math.Copysign(0, -1)).String(); got != `typical("a.b", around 0)` {
		t.Errorf("around -0 it is %s", got)
	}
	if c := parsed(t, `typical("a.b", around -0.00)`)[0]; c != typical(0) || math.Signbit(c.Around) {
		t.Errorf("it is around %v", c.Around)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{`tenure`, `count("open", within 30d)`, `sum("a","b.c")`, `trend("x",1d,2d)`, `flow("a","b.c",within 1d)`, `pace("x")`, `habit("x",7d)`, `chance("x",7d,within 30d)`, `popularity("x.y",7d,within 30d)`, `popularity("x","y",7d)`, `popularity("x.y",36500d)`, `typical("x.y",around 6,within 30d)`, `typical("x","y",around -0.5)`, `typical("x.y",around 1e5)`, `typical("x.y",around -0)`, `rate("a","b")`, `count("x", per 365d since 2024-01-01)`, `sum("a","b.c",PER 1d since 0001-01-01)`, `days("x", per 1d since 9999-12-31)`, `tag("\u0000")`, `attr("\ud800")`, `count("a" within`, `count(anything, within 30d)`, `recency(ANYTHING)`, `chance(anything,7d)`, `days("anything")`, `tag(anything)`, `trend(anything "x", 1d, 2d)`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := features.Parse(text)
		if err != nil {
			return
		}
		if back, err := features.Parse(c.String()); err != nil || back != c {
			t.Errorf("%q is %s, which comes back as %+v, %v", text, c, back, err)
		}
	})
}

func TestMarks(t *testing.T) {
	for text, want := range map[string][3]bool{ // static, receipt, exposure
		`tenure`:                                        {false, false, false},
		`tag("push.sent")`:                              {true, false, false},
		`attr("country")`:                               {true, false, false},
		`count("open", within 7d)`:                      {false, false, false},
		`count("push.sent", within 7d)`:                 {false, true, true},
		`recency("push.clicked")`:                       {false, true, true},
		`rate("push.clicked", "push.sent")`:             {false, true, false},
		`rate("open", "push.sent")`:                     {false, true, false},
		`count("open", per 365d since 2024-01-01)`:      {false, false, false},
		`count("push.sent", per 365d since 2024-01-01)`: {false, true, true},
		`count(anything, within 7d)`:                    {false, false, false},
		`typical("buy.units", around 6)`:                {false, false, false},
		`typical("push.sent.cost", around 6)`:           {false, true, true},
	} {
		c := parsed(t, text)[0]
		if got := [3]bool{c.Static(), c.Receipt(), c.Exposure()}; got != want {
			t.Errorf("%s: static, receipt, exposure are %v, want %v", text, got, want)
		}
	}
}
