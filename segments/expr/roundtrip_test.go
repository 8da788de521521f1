package expr_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/expr/exprtest"
	"whowhen.dev/whowhen/segments/value"
)

// genVocabulary draws names and literals that are hard to write.
func genVocabulary(t *rapid.T) exprtest.Vocabulary {
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"country", "Count", "ONLINE", "prop", "a b", "a.b", "a..", ".", `"`, `\`, "größe", "日本", "2nd", "x\u2028y", "o\u212a", "é", "e\u0301", "\u0301"}),
		rapid.StringN(1, 8, -1).Filter(func(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) && !strings.Contains(s, ".") }),
	)
	names := rapid.SliceOfN(name, 1, 4)
	number := rapid.Custom(func(t *rapid.T) value.Value {
		d, err := value.NewDecimal(rapid.Int64Range(-1<<62, 1<<62).Draw(t, "coef"), rapid.IntRange(0, value.MaxScale).Draw(t, "scale"))
		if err != nil {
			t.Fatal(err)
		}
		return value.Num(d)
	})
	text := rapid.Map(rapid.String(), value.Text)
	// The years 1 to 9999.
	moment := rapid.Map(rapid.Int64Range(-62135596800000, 253402300799999), func(ms int64) value.Value { return value.Value{Kind: value.Time, Millis: ms} })
	day := rapid.Map(rapid.Int64Range(-719162, 2932896), value.Day)
	facts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) exprtest.Fact {
		f := exprtest.Fact{Name: name.Draw(t, "fact")}
		samples := map[value.Kind]*rapid.Generator[value.Value]{
			value.String: text, value.Number: number, value.Time: moment, value.Date: day, value.List: text, value.Bool: rapid.Map(rapid.Bool(), value.Boolean),
		}
		f.Kind = rapid.SampledFrom([]value.Kind{value.String, value.Number, value.Bool, value.Time, value.Date, value.List}).Draw(t, "kind")
		f.Samples = rapid.SliceOfN(samples[f.Kind], 0, 3).Draw(t, "samples")
		return f
	}), 0, 4)
	v := exprtest.Vocabulary{Tags: names.Draw(t, "tags"), Attributes: facts.Draw(t, "attributes"), FromDay: -719162, ToDay: 2932896}
	probability := rapid.Custom(func(t *rapid.T) value.Value {
		scale := rapid.IntRange(0, value.MaxScale).Draw(t, "scale")
		d, err := value.NewDecimal(rapid.Int64Range(0, int64(value.Pow10(scale))).Draw(t, "coef"), scale)
		if err != nil {
			t.Fatal(err)
		}
		return value.Num(d)
	})
	for _, score := range rapid.SliceOfN(name, 0, 2).Draw(t, "scores") {
		v.Scores = append(v.Scores, exprtest.Score{Name: score, Samples: rapid.SliceOfN(probability, 0, 3).Draw(t, "probabilities")})
	}
	for _, event := range names.Draw(t, "events") {
		v.Events = append(v.Events, exprtest.Event{Name: event, Properties: facts.Draw(t, "properties")})
	}
	return v
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := exprtest.Gen(genVocabulary(t)).Draw(t, "tree")
		text := n.String()
		back, err := expr.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(n, back); diff != "" {
			t.Fatalf("%s:\n%s", text, diff)
		}
	})
}

func TestRoundTripCond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := genVocabulary(t)
		c := exprtest.GenCond(v, v.Attributes).Draw(t, "condition")
		back, err := expr.ParseCond(c.String())
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		if diff := cmp.Diff(c, back); diff != "" {
			t.Fatalf("%s:\n%s", c, diff)
		}
	})
}

// TestGenCovers keeps the generator from losing a kind of node or window.
func TestGenCovers(t *testing.T) {
	one := value.Num(value.Int(1))
	v := exprtest.Vocabulary{
		Tags:       []string{"t"},
		Attributes: []exprtest.Fact{{Name: "n", Kind: value.Number, Samples: []value.Value{one}}, {Name: "l", Kind: value.List, Samples: []value.Value{value.Text("x")}}},
		Events:     []exprtest.Event{{Name: "e", Properties: []exprtest.Fact{{Name: "p", Kind: value.Number, Samples: []value.Value{one}}}}},
		ToDay:      10,
		Scores:     []exprtest.Score{{Name: "s", Samples: []value.Value{one}}},
	}
	seen := map[string]bool{}
	gen := exprtest.Gen(v)
	for seed := range 2000 {
		expr.Walk(gen.Example(seed), func(n expr.Node) {
			switch n := n.(type) {
			case expr.Behaviour:
				seen[n.Func.String()] = true
				seen[strings.Fields(n.Window.String() + " ever")[0]] = true
				if n.Window.Kind != expr.Range && n.Window.Kind != expr.Ever {
					seen[map[expr.WindowKind]string{expr.WithinDays: "within d", expr.WithinHours: "within h", expr.BeforeDays: "before d", expr.BeforeHours: "before h"}[n.Window.Kind]] = true
				}
				expr.WalkCond(n.Where, func(c expr.Cond) {
					switch c.(type) {
					case expr.CondAnd:
						seen["where and"] = true
					case expr.CondOr:
						seen["where or"] = true
					case expr.CondNot:
						seen["where not"] = true
					}
				})
			case expr.Attribute:
				seen[n.Op.String()] = true
				seen[n.Name] = true
			case expr.And:
				seen["and"] = true
			case expr.Or:
				seen["or"] = true
			case expr.Not:
				seen["not"] = true
			default:
				seen[strings.SplitN(n.String(), "(", 2)[0]] = true
			}
		})
	}
	want := []string{
		"and", "or", "not", "everyone", "nobody", "tag", "sample", "score", "top", "did", "count", "days", "sum", "first", "last", "ever", "within", "from", "before",
		"within d", "within h", "before d", "before h", "=", "!=", "<", "<=", ">", ">=", "in", "between", "exists", "has", "n", "l", "missing", "where and", "where or", "where not",
	}
	for _, w := range want {
		if !seen[w] {
			t.Errorf("never drawn: %s", w)
		}
	}
}

// growth is the factor of canonicalGrowth in parse.go.
const growth = 8

func FuzzParse(f *testing.F) {
	for _, c := range accepted {
		f.Add(c.text)
	}
	for _, text := range refused {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := expr.Parse(text)
		check(t, text, err, func() error {
			if len(n.String()) > growth*len(text) {
				t.Fatalf("%q grows to %s", text, n)
			}
			back, err := expr.Parse(n.String())
			if err == nil && (back.String() != n.String() || !cmp.Equal(n, back)) {
				t.Fatalf("%q prints %s, which parses to %s", text, n, back)
			}
			return err
		})
		c, err := expr.ParseCond(text)
		check(t, text, err, func() error {
			back, err := expr.ParseCond(c.String())
			if err == nil && (back.String() != c.String() || !cmp.Equal(c, back)) {
				t.Fatalf("%q prints %s, which parses to %s", text, c, back)
			}
			return err
		})
	})
}

// check judges an error of text, or has again parse the canonical text when there is none.
func check(t *testing.T, text string, err error, again func() error) {
	t.Helper()
	if err == nil {
		if err := again(); err != nil {
			t.Fatalf("%q: its canonical text is refused: %v", text, err)
		}
		return
	}
	e, ok := err.(*expr.Error)
	switch {
	case !ok:
		t.Fatalf("%q: %T is not an *Error", text, err)
	case e.Offset < 0 || e.Offset > len(text):
		t.Fatalf("%q: offset %d is outside the text", text, e.Offset)
	case e.Message == "" || strings.ContainsFunc(e.Message, unicode.IsControl):
		t.Fatalf("%q: message %q", text, e.Message)
	}
	if lines := strings.Split(e.Caret(text), "\n"); len(lines) != 2 || !slices.Contains([]string{"^"}, strings.TrimLeft(lines[1], " ")) {
		t.Fatalf("%q: caret %q", text, lines)
	}
}
