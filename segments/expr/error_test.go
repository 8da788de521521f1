package expr_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"whowhen.dev/whowhen/segments/expr"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// refused lists texts that are wrong; testdata/errors.golden says what they are told.
var refused = []string{
	// Ends and structure.
	``, `   `, `(`, `()`, `tag("a"`, `tag("a"))`, `tag("a") tag("b")`, `tag("a") adn tag("b")`, `tag("a") and`, `and tag("a")`,
	`not`, `(tag("a") or tag("b")`, `(tag("a") ro tag("b"))`, `"vip"`, `42`, `true`, `evryone`, `every one`, `everyone = 1`,
	// Functions.
	`dd("x")`, `cont("x") > 1`, `frobnicate("x")`, `TAGS("x")`, `tag`, `tag(vip)`, `tag()`, `tag("a", "b")`, `tag("")`, `tag("a\nb")`,
	`count >= 3`, `did("x"`, `did("x" were a = 1)`, `did("x", 30d)`, `did("x") >= 3`, `count("x")`, `count("x") exists`, `count("x") >= "3"`,
	`count("x") > three`, `days("x") btween 1 and 2`, `where = 3`, `attr = 3`, `prop("x") = 3`, `attr(x) = 3`, `attr("x")`,
	// What the language does not have.
	`segment("x")`, `list("x")`, `reachable`, `online and tag("x")`, `score >= 0.7`,
	// Scores.
	`score("churn")`, `score(churn) > 0.5`, `score("") > 0.5`, `score() > 0.5`, `score("churn" > 0.5)`, `score("churn") > 70`, `score("churn") > 0.5%`,
	`score("churn") >= 1.000000000000000001`, `score("churn") < -0.1`, `score("churn") > "0.5"`, `score("churn") = true`, `score("churn") has 0.5`,
	`score("churn") between 0.1 and 2`, `score("churn") between 0.5 and 0.1`, `score("churn") in (0.5, 101)`, `score("churn") exist`, `score("churn") not exists`,
	`score.churn > 0.5`, `scores("churn") > 0.5`, `top(10, score("pay"))`, `top(score("pay"), everyone)`, `top(10, everyone)`, `top(10, "pay", everyone)`, `top(10, scor("pay"), everyone)`,
	`top(0, score("pay"), everyone)`, `top(-5, score("pay"), everyone)`, `top(1.5, score("pay"), everyone)`, `top(4294967297, score("pay"), everyone)`, `top(10%, score("pay"), everyone)`,
	`top(10 score("pay"), everyone)`, `top(10, score("pay") everyone)`, `top(10, score("pay") > 0.5, everyone)`, `top(10, score("pay"), )`, `top(10, score("pay"), everyone`,
	`top(10, score("pay"), everyone, nobody)`, `top(10, score("pay"), everyone) > 3`, `top = 3`, `topp(10, score("pay"), everyone)`,
	// Comparisons.
	`age`, `age 18`, `age == 18`, `age <> 18`, `age =`, `age > > 1`, `age btween 1 and 2`, `age between 1 or 2`, `age between 5 and 3`,
	`a between "b" and "a"`, `a between 2026-01-02 and 2026-01-01`, `age between 1 and "2"`, `country = ID`, `country = 'ID'`, `country = “ID”`,
	`country not in ("ID")`, `country in "ID"`, `country in ()`, `country in ("ID",)`, `country in ("ID" "IN")`, `country in ("ID", 5)`,
	`country in (ID)`, `x in (true, 1)`, `x > true`, `x between true and false`, `x has 5`, `x has name`, `x exist`,
	`born in (2026-01-01, 2026-01-01T00:00:00Z)`, `born between 2026-01-01T00:00:00Z and 2026-01-02`, `native-country = "ID"`, `a.b = 1`,
	`a && b`, `!tag("a")`, `tag("a") || tag("b")`, `tag("a") & tag("b")`, "a\u00a0= 1", `größe`, `日本語 ==`,
	// Literals.
	`a = 1.2.3`, `a = 3and b = 1`, `a = 007`, `a = -`, `a = 12345678901234567890`, `a = 1e99`, `a = 2026-1-2`, `a = 2026-02-30`, `a = 0000-01-01`,
	`a = 2026-01-02T15:04`, `a = 2026-01-02T15:04:05`, `a = 2026-01-02 15:04:05`, `a = 2026-01-02T25:04:05Z`, `a = 2026-01-02T15:04:05.1234Z`,
	`a = 2026-01-02T15:04:05.Z`, `a = 2026-01-02T15:04:05+24:00`, `a = 2026-01-02T15:04:05+7`, `a = 0001-01-01T00:00:00+01:00`, `a = 30d`, `a = 30m`,
	`a = "b`, `a = "b\`, `a = "b\x"`, `a = "\u12"`, `a = "\ud800"`, `a = "\ud800\u0041"`, `a = "\udc00"`, "a = \"b\nc\"", "a = \"\xff\"", "a = \xff", "a\x00",
	// Windows.
	`did("x", within)`, `did("x", within 30)`, `did("x", within 30 d)`, `did("x", within 0d)`, `did("x", within 36501d)`, `did("x", within 73h)`,
	`did("x", within 4w)`, `did("x", within 1.5d)`, `did("x", within 99999999999999999999d)`, `did("x", within -1d)`, `did("x", wihtin 30d)`,
	`did("x", from 2026-01-01)`, `did("x", from 2026-02-01 to 2026-01-01)`, `did("x", from 2026-01-01 to 2026-01-01)`, `did("x", from 2026-01-01T00:00:00Z to 2026-01-02)`,
	`did("x", from "2026-01-01" to "2026-01-02")`, `did("x", before 14d ago)`, `did("x", within 3d where a = 1)`, `did("x" where a = 1 within 3d)`, `did("x" within 3d)`,
	`last("x")`, `last("x", within 7d)`, `last("x") before 14d`, `last("x") from 2026-01-01 to 2026-02-01`, `first("x") befor 1d ago`, `last("x" where a = 1 2) within 1d`,
	// Where.
	`did("x" where)`, `did("x" where tag("a"))`, `did("x" where lower(a) = "b")`, `did("x" where count > 1)`, `did("x" where prop > 1)`, `did("x" where a = 1 adn b = 2)`,
	`did("x" where (a = 1)`, `did("x" where a)`, `did("x" where a-b = 1)`, `did("x" where from exists)`,
	// Sums and samples.
	`sum("purchase", within 30d) > 1`, `sum("purchase") > 1`, `sum(".amount") > 1`, `sum("purchase.") > 1`, `sum("purchase", "") > 1`, `sum("", "amount") > 1`,
	`sum(purchase.amount) > 1`, `sum("p.a", within 3d)`, "\"\x7f\u202e\"",
	`sample(0%, "s")`, `sample(100.1%, "s")`, `sample(-5%, "s")`, `sample(10, "s")`, `sample(10%)`, `sample(10%, "")`, `sample("10%", "s")`, `sample(10%, s)`,
}

func TestParseRefuses(t *testing.T) {
	var b strings.Builder
	for _, text := range refused {
		n, err := expr.Parse(text)
		e, ok := err.(*expr.Error)
		if !ok || n != nil {
			t.Errorf("Parse(%q) = %v, %v; want an *Error", text, n, err)
			continue
		}
		if e.Offset < 0 || e.Offset > len(text) {
			t.Errorf("Parse(%q): offset %d", text, e.Offset)
		}
		fmt.Fprintf(&b, "%s\n%v\n\n", e.Caret(text), e)
	}
	golden(t, "errors.golden", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run the test with -update and read the difference. Got:\n%s", path, got)
	}
}

func TestParseRefusesLongTextAtTheLimit(t *testing.T) {
	_, err := expr.Parse(strings.Repeat(" ", expr.MaxTextBytes+1))
	if e, ok := err.(*expr.Error); !ok || e.Offset != expr.MaxTextBytes {
		t.Errorf("got %v", err)
	}
}

func TestExpectedField(t *testing.T) {
	_, err := expr.Parse(`age and`)
	if e := err.(*expr.Error); e.Offset != 4 || e.Expected != "a comparison such as >= 3" || e.Error() != `at byte 4: expected a comparison such as >= 3, found "and"` {
		t.Errorf("got %+v", e)
	}
}

func TestCaret(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct {
		name, text string
		offset     int
		want       string
	}{
		{"start", "abc", 0, "abc\n^"},
		{"end", "abc", 3, "abc\n   ^"},
		{"beyond", "abc", 9, "abc\n   ^"},
		{"negative", "abc", -1, "abc\n^"},
		{"empty", "", 0, "\n^"},
		{"second line", "ab\ncde\nf", 4, "cde\n ^"},
		{"carriage return", "ab\r\ncd", 1, "ab\n ^"},
		{"end of a line", "ab\ncd", 2, "ab\n  ^"},
		{"accents", "größe x", 8, "größe x\n      ^"},
		{"combining", "e\u0301 x", 4, "e\u0301 x\n  ^"},
		{"wide", "日本 x", 7, "日本 x\n     ^"},
		{"within a rune", "日本", 4, "日本\n  ^"},
		{"tab", "\ta", 1, " a\n ^"},
		{"unprintable", "\x1b\xff\u202ea", 5, "\ufffd\ufffd\ufffda\n   ^"},
		{"long", long + "y" + long, 200, "…" + long[:60] + "y" + long[:39] + "…\n" + strings.Repeat(" ", 61) + "^"},
		{"just fits", long[:60] + "y" + long[:39], 60, long[:60] + "y" + long[:39] + "\n" + long[:0] + strings.Repeat(" ", 60) + "^"},
	} {
		e := &expr.Error{Offset: c.offset}
		if got := e.Caret(c.text); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
