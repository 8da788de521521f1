package propensity_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/google/go-cmp/cmp"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments/expr"
)

func TestDefinitionCheck(t *testing.T) {
	good := propensity.Pay("purchase", 30)
	for _, test := range []struct {
		name   string
		change func(d *propensity.Definition)
		field  string // "" when it is right
		says   string
	}{
		{"pay", func(*propensity.Definition) {}, "", ""},
		{"churn", func(d *propensity.Definition) { *d = propensity.Churn("any event", 14) }, "", ""},
		{"counts", func(d *propensity.Definition) {
			d.Target = `count("p" where q > 3) >= 2 or not sum("p.x") > 3 and days("p") < 3`
		}, "", ""},
		{"static in eligible", func(d *propensity.Definition) {
			d.Eligible, d.StaticTags, d.StaticAttributes = `tag("vip") and country = "DE" and sample(10%, "x")`, []string{"vip"}, []string{"country"}
		}, "", ""},
		{"no name", func(d *propensity.Definition) { d.Name = "" }, "name", "1 to 64"},
		{"name out of the directory", func(d *propensity.Definition) { d.Name = "../x" }, "name", "1 to 64"},
		{"no target", func(d *propensity.Definition) { d.Target = " " }, "target", "is missing"},
		{"target does not parse", func(d *propensity.Definition) { d.Target = `did(purchase)` }, "target", "at byte 4"},
		{"window", func(d *propensity.Definition) { d.Target = `did("p", within 7d)` }, "target", `leave out "within 7d"`},
		{"range", func(d *propensity.Definition) { d.Target = `not did("p", from 2026-01-01 to 2026-02-01)` }, "target", "leave out"},
		{"hours", func(d *propensity.Definition) { d.Target = `did("p", within 6h)` }, "target", "leave out"},
		{"last", func(d *propensity.Definition) { d.Target = `last("p") before 14d ago` }, "target", "out of the horizon"},
		{"first", func(d *propensity.Definition) { d.Target = `first("p") within 14d` }, "target", "put not did(\"p\") into eligible"},
		{"tag in target", func(d *propensity.Definition) { d.Target = `did("p") or tag("x")` }, "target", "only as they are now"},
		{"attribute in target", func(d *propensity.Definition) { d.Target = `did("p") or plan = "pro"` }, "target", "only as they are now"},
		{"sample in target", func(d *propensity.Definition) { d.Target = `did("p") and sample(5%, "s")` }, "target", "eligible"},
		{"everyone in target", func(d *propensity.Definition) { d.Target = `everyone` }, "target", "asks for no event"},
		{"tag in eligible", func(d *propensity.Definition) { d.Eligible = `tag("vip")` }, "eligible", "static_tags"},
		{"attribute in eligible", func(d *propensity.Definition) { d.Eligible = `country exists` }, "eligible", "static_attributes"},
		{"no horizon", func(d *propensity.Definition) { d.HorizonDays = 0 }, "horizon_days", "1 to 730"},
		{"penalty", func(d *propensity.Definition) { d.Penalty = -1 }, "penalty", "above 0"},
		{"amount", func(d *propensity.Definition) { d.Amounts = []string{"amount"} }, "amounts", "event.property"},
		{"both", func(d *propensity.Definition) { d.Amounts, d.NotAmounts = []string{"p.a"}, []string{"p.a"} }, "not_amounts", "among the amounts"},
		{"twice", func(d *propensity.Definition) { d.StaticTags = []string{"a", "a"} }, "static_tags", "twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := good
			test.change(&d)
			err := d.Check()
			if test.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wrong := new(propensity.DefinitionError)
			if !errors.As(err, &wrong) || wrong.Field != test.field || !strings.Contains(wrong.Message, test.says) {
				t.Fatalf("got %v, want field %s with %q", err, test.field, test.says)
			}
		})
	}
}

func TestShortcuts(t *testing.T) {
	want := propensity.Definition{Name: "churn", Eligible: `did("open", within 30d)`, Target: `not did("open")`, HorizonDays: 30}
	if diff := cmp.Diff(want, propensity.Churn("open", 30)); diff != "" {
		t.Error(diff)
	}
}

func TestReadDefinitionErrors(t *testing.T) {
	for _, test := range []struct {
		text, field string
		line        int
	}{
		{"name = 'pay'\ntarget = 'did(\"p\")'\neligible = '''\ntarget = 3'''\nhorizon_days = 3\n", "eligible", 3},
		{"name = 'pay'\n\n# why\nhorizon = 30\n", "horizon", 4},
		{"name = 'pay'\neligible = 'everyone'\nhorizon_days = 7\ntarget = 'did(\"p\", within 3d)'\n", "target", 4},
		{"name = 'pay'\nhorizon_days = 'x'\n", "horizon_days", 2},
		{"name = \n", "", 1},
		{"name = 'pay'\n[name2]\nx=1", "name2", 2},
	} {
		_, err := propensity.ReadDefinition([]byte(test.text))
		wrong := new(propensity.DefinitionError)
		if !errors.As(err, &wrong) || wrong.Line != test.line || !strings.HasPrefix(wrong.Field, test.field) {
			t.Errorf("%q: got %v, want line %d of %s", test.text, err, test.line, test.field)
		}
	}
}

func TestDefinitionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z"'\\\n.é]{1,8}`), 0, 3, rapid.ID[string])
		d := propensity.Definition{
			Name: "m", Eligible: rapid.SampledFrom([]string{"everyone", `did("a\"'b", within 3d)`}).Draw(t, "eligible"), Target: expr.Behaviour{Func: expr.Did, Event: rapid.StringMatching(`[a-z"'\\ é]{1,8}`).Draw(t, "event")}.String(),
			HorizonDays: rapid.IntRange(1, 730).Draw(t, "horizon"), StaticTags: names.Draw(t, "tags"), Penalty: rapid.SampledFrom([]float64{0, 0.1, 300}).Draw(t, "penalty"),
		}
		if len(d.StaticTags) == 0 {
			d.StaticTags = nil
		}
		text, err := d.TOML()
		if err != nil {
			t.Fatal(err)
		}
		got, err := propensity.ReadDefinition(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzReadDefinition(f *testing.F) {
	f.Add([]byte("name = 'pay'\neligible = 'everyone'\ntarget = 'did(\"p\")'\nhorizon_days = 7\n"))
	f.Add([]byte("nAme = 0000-01-01"))
	f.Add([]byte("name = \"x\"\n[a]\nb = 1979-05-27"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := propensity.ReadDefinition(text)
		if err != nil {
			return
		}
		again, err := d.TOML()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := propensity.ReadDefinition(again); err != nil || !cmp.Equal(d, got, cmp.Comparer(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 || cmp.Equal([]any{a}, []any{b}) })) {
			t.Fatalf("%+v became %+v: %v", d, got, err)
		}
	})
}
