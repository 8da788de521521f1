package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// accepted lists texts and their canonical form; no second text means the same.
var accepted = []struct{ text, want string }{
	{`tag("vip") and not tag("staff")`, ""},
	{`country = "ID"`, ""},
	{`country in ("ID","IN")`, `country in ("ID", "IN")`},
	{`age >= 18`, ""},
	{`age between 18 and 30`, ""},
	{`city exists`, ""},
	{`interests has "music"`, ""},
	{`did("purchase")`, ""},
	{`did("purchase", within 30d)`, ""},
	{`did("purchase", within 72H)`, `did("purchase", within 72h)`},
	{`did("purchase", from 2026-01-01 to 2026-02-01)`, ""},
	{`count("purchase", within 30d) >= 3`, ""},
	{`days("open", within 36500d) between 2 and 5`, ""},
	{`count("open") in (1, 2.5, -3)`, ""},
	{`sum("purchase.amount", within 90d) > 100`, ""},
	{`sum("push.sent.cost") != 0`, ""},
	{`sum("purchase", "amount", within 90d) > 100`, `sum("purchase.amount", within 90d) > 100`},
	{`sum("purchase", "net.amount" where a = 1) > 1`, ""},
	{`last("open") before 14d ago`, ""},
	{`last("open" where os = "ios" or os = "tv") before 6h ago`, ""},
	{`first("open") within 7d`, ""},
	{`first("open") within 6h`, ""},
	{`did("purchase" where category = "shoes" and amount > 10, within 30d)`, ""},
	{`did("e" where prop("a b") = 1 and attr("c d") exists)`, `did("e" where prop("a b") = 1 and prop("c d") exists)`},
	{`did("e" where (a = 1 or (b = 2)) and (c = 3 and (d = 4)))`, `did("e" where (a = 1 or b = 2) and c = 3 and d = 4)`},
	{`did("e" where not (a = 1 and b = 2) and not not c has "x")`, ""},
	{`everyone or nobody`, ""},
	{`sample(10%, "salt")`, ""},
	{`sample( 0.50 % , "salt")`, `sample(0.5%, "salt")`},
	{`sample(100%, "a")`, ""},
	{`attr("native-country") = "ID"`, ""},
	{`attr("country") = "ID"`, `country = "ID"`},
	{`attr("Count") = 1 and attr("online") = true`, ""},
	{`COUNTRY = "ID" AND NOT Tag("x") Or EVERYONE`, `COUNTRY = "ID" and not tag("x") or everyone`},
	{`umur_größe = 1 or ชื่อ exists or _x2 = 2`, ""},
	{"a=1\n\tand b!=2\r\nor c<3", `a = 1 and b != 2 or c < 3`},
	{`a = 1 or b = 2 and c = 3`, ""},
	{`(a = 1 or b = 2) and c = 3`, ""},
	{`((a = 1 and (b = 2 and (c = 3))))`, `a = 1 and b = 2 and c = 3`},
	{`a = 1 or (b = 2 or (c = 3 and d = 4))`, `a = 1 or b = 2 or c = 3 and d = 4`},
	{`not not (not a = 1)`, `not not not a = 1`},
	{`not (a = 1 or b = 2)`, ""},
	{`a = -0.50`, `a = -0.5`},
	{`a = .5 or a = 5. or a = -0 or a = 1e3`, `a = 0.5 or a = 5 or a = 0 or a = 1000`},
	{`a != true and b in (false, TRUE)`, `a != true and b in (false, true)`},
	{`born < 2000-02-29`, ""},
	{`seen between 2026-01-02T15:04:05Z and 2026-01-03t00:00:00.250+07:00`, `seen between 2026-01-02T15:04:05Z and 2026-01-02T17:00:00.25Z`},
	{`seen = 2026-01-02T15:04:05.1230000-00:30`, `seen = 2026-01-02T15:34:05.123Z`},
	{`a = "\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00<&>"`, `a = "\"\\/\b\f\n\r\tAé😀<&>"`},
	{`a = "" and a < "b" and a between "" and "b"`, ""},
	{`tag("\u0061")`, `tag("a")`},
	{`score("churn") >= 0.7`, ""},
	{`Score( "churn" )<.70 and score("a b") exists`, `score("churn") < 0.7 and score("a b") exists`},
	{`score("pay") between 0 and 1 or score("pay") in (0.25, 1) or score("pay") != 0.000000000000000001`, ""},
	{`top(100000, score("pay"), tag("vip"))`, ""},
	{`TOP(1e3, SCORE("pay"), (a = 1 or (b = 2)))`, `top(1000, score("pay"), a = 1 or b = 2)`},
	{`not top(4294967296, score("x"), top(1, score("y"), everyone) and score("x") > 0.5) and tag("t")`, ""},
	{`attr("score") = 1 and attr("top") exists`, ""},
}

func TestParseAccepts(t *testing.T) {
	for _, c := range accepted {
		want := c.want
		if want == "" {
			want = c.text
		}
		n, err := expr.Parse(c.text)
		if err != nil {
			t.Errorf("Parse(%s): %v", c.text, err)
			continue
		}
		if got := n.String(); got != want {
			t.Errorf("Parse(%s) prints\n%s, want\n%s", c.text, got, want)
		}
	}
}

func TestParseTree(t *testing.T) {
	got, err := expr.Parse(`tag("vip") and (not age >= 18.5 and sum("a.b" where c has "d" or e exists, from 1970-01-02 to 1970-01-04) in (1, 2)) and sample(5%, "s") and last("o") before 3h ago`)
	if err != nil {
		t.Fatal(err)
	}
	half, _ := value.ParseDecimal("18.5")
	want := expr.And{Terms: []expr.Node{
		expr.Tag{Name: "vip"},
		expr.Not{Term: expr.Attribute{Comparison: expr.Comparison{Name: "age", Op: expr.Ge, Values: []value.Value{value.Num(half)}}}},
		expr.Behaviour{
			Func: expr.Sum, Event: "a", Property: "b",
			Where: expr.CondOr{Terms: []expr.Cond{
				expr.Property{Comparison: expr.Comparison{Name: "c", Op: expr.Has, Values: []value.Value{value.Text("d")}}},
				expr.Property{Comparison: expr.Comparison{Name: "e", Op: expr.Exists}},
			}},
			Window: expr.Window{Kind: expr.Range, From: 1, To: 3},
			Op:     expr.In, Values: []value.Value{value.Num(value.Int(1)), value.Num(value.Int(2))},
		},
		expr.Sample{Percent: value.Int(5), Salt: "s"},
		expr.Behaviour{Func: expr.Last, Event: "o", Window: expr.Window{Kind: expr.BeforeHours, N: 3}},
	}}
	if diff := cmp.Diff(expr.Node(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestParseCond(t *testing.T) {
	c, err := expr.ParseCond(`Country = "UK" and not (attr("Unit Price") <= 0 or Quantity between 1 and 2)`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.String(), `Country = "UK" and not (prop("Unit Price") <= 0 or Quantity between 1 and 2)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if c, err := expr.ParseCond(`did("x")`); err == nil || c != nil {
		t.Errorf("ParseCond took an expression: %v, %v", c, err)
	}
}

// TestParseAtLimits checks that each limit is the last size that is accepted.
func TestParseAtLimits(t *testing.T) {
	repeat := func(n int, sep, s string) string { return strings.TrimSuffix(strings.Repeat(s+sep, n), sep) }
	for _, c := range []struct {
		name  string
		limit int
		text  func(n int) string
	}{
		{"parentheses", expr.MaxDepth, func(n int) string { return strings.Repeat("(", n) + "everyone" + strings.Repeat(")", n) }},
		{"nots", expr.MaxDepth, func(n int) string { return strings.Repeat("not ", n) + "everyone" }},
		{"parentheses in where", expr.MaxDepth - 1, func(n int) string {
			return `not did("e" where ` + strings.Repeat("(", n) + "a = 1" + strings.Repeat(")", n) + ")"
		}},
		{"tops", expr.MaxTops, func(n int) string { return repeat(n, " or ", `top(1, score("a"), everyone)`) }},
		{"tops within tops", expr.MaxTops, func(n int) string {
			return strings.Repeat(`top(1, score("a"), `, n) + "everyone" + strings.Repeat(")", n)
		}},
		{"parentheses in a top", expr.MaxDepth - 1, func(n int) string {
			return `top(1, score("a"), ` + strings.Repeat("(", n) + "everyone" + strings.Repeat("))", n)[n-1:]
		}},
		{"terms in a top", expr.MaxTerms - 1, func(n int) string { return `top(1, score("a"), ` + repeat(n, " or ", "a = 1") + ")" }},
		{"terms", expr.MaxTerms, func(n int) string { return repeat(n, " or ", "a = 1") }},
		{"terms in where", expr.MaxTerms - 1, func(n int) string { return `did("e" where ` + repeat(n, " and ", "a = 1") + ")" }},
		{"list", expr.MaxListValues, func(n int) string { return "a in (" + repeat(n, ",", "1") + ")" }},
		{"bare name", expr.MaxNameBytes, func(n int) string { return strings.Repeat("x", n) + " = 1" }},
		{"quoted name", expr.MaxNameBytes, func(n int) string { return `tag("` + strings.Repeat("x", n) + `")` }},
		{"summed property", expr.MaxNameBytes, func(n int) string { return `sum("a.` + strings.Repeat("x", n) + `") > 1` }},
		{"string", expr.MaxStringBytes, func(n int) string { return `a = "` + strings.Repeat("x", n) + `"` }},
		{"text", expr.MaxTextBytes, func(n int) string { return "a = 1" + strings.Repeat(" ", n-5) }},
		{"canonical text", expr.MaxTextBytes, func(n int) string {
			text := fmt.Sprintf(`a in ("%s"%s)`, strings.Repeat("y", n%50), strings.Repeat(`,"`+strings.Repeat("x", 46)+`"`, n/50-1))
			canonical := strings.ReplaceAll(text, ",", ", ")
			return strings.Replace(text, `("`, `("`+strings.Repeat("z", n-len(canonical)), 1)
		}},
		{"days", expr.MaxWindowDays, func(n int) string { return fmt.Sprintf(`did("e", within %dd)`, n) }},
		{"hours", expr.MaxWindowHours, func(n int) string { return fmt.Sprintf(`last("e") before %dh ago`, n) }},
	} {
		n, err := expr.Parse(c.text(c.limit))
		if err != nil {
			t.Errorf("%s: %d refused: %v", c.name, c.limit, err)
		} else if _, err := expr.Parse(n.String()); err != nil {
			t.Errorf("%s: canonical text of %d refused: %v", c.name, c.limit, err)
		}
		if _, err := expr.Parse(c.text(c.limit + 1)); err == nil {
			t.Errorf("%s: %d accepted", c.name, c.limit+1)
		}
	}
}

func TestParseHostileDepth(t *testing.T) {
	for _, s := range []string{"(", "not ", "not(", `did("e" where (`} {
		text := strings.Repeat(s, expr.MaxTextBytes/len(s))
		if _, err := expr.Parse(text); err == nil {
			t.Errorf("%q repeated: accepted", s)
		}
	}
}

func TestWalk(t *testing.T) {
	n, err := expr.Parse(`not (tag("a") or everyone) and did("e" where not (b = 1 and c = 2 or d = 3))`)
	if err != nil {
		t.Fatal(err)
	}
	var nodes, conds []string
	expr.Walk(n, func(n expr.Node) {
		nodes = append(nodes, fmt.Sprintf("%T", n))
		if b, ok := n.(expr.Behaviour); ok {
			expr.WalkCond(b.Where, func(c expr.Cond) { conds = append(conds, fmt.Sprintf("%T", c)) })
		}
	})
	if diff := cmp.Diff([]string{"expr.And", "expr.Not", "expr.Or", "expr.Tag", "expr.Everyone", "expr.Behaviour"}, nodes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"expr.CondNot", "expr.CondOr", "expr.CondAnd", "expr.Property", "expr.Property", "expr.Property"}, conds); diff != "" {
		t.Error(diff)
	}
	expr.WalkCond(nil, func(expr.Cond) { t.Error("visited a nil condition") })
}

func BenchmarkParse(b *testing.B) {
	large := "country in (" + strings.TrimSuffix(strings.Repeat(`"Indonesia", `, 5000), ", ") + ")"
	for name, text := range map[string]string{
		"typical": `tag("vip") and not tag("staff") and (country in ("ID", "IN") or age between 18 and 30) and count("purchase" where category = "shoes" and amount > 10, within 30d) >= 3`,
		"list":    large,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := expr.Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
