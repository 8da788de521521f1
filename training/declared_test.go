package training

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// shop is an app whose purchases have a number, a string and a bool, with a tag and an attribute.
func shop(t *testing.T) *segments.App {
	w := newWorld(12, 700, 90)
	r := rand.New(rand.NewPCG(12, 2))
	for _, cid := range slices.Sorted(keysOf(w.rate)) {
		for at := r.Float64() * 9; at < 90; at += 1 + 15*r.Float64() {
			w.add(cid, "buy", at, 10)
			e := &w.events[len(w.events)-1]
			e.Properties = append(e.Properties, batch.Named{Name: "color", Value: value.Text("red")}, batch.Named{Name: "gift", Value: value.Boolean(r.IntN(2) == 0)})
		}
	}
	w.sort()
	a := w.app(t, w.first+90, map[string]map[string]bool{"vip": w.did("open", w.first, 2)})
	put(t, a, func(b *batch.Builder) {
		for i, cid := range slices.Sorted(keysOf(w.rate)) {
			b.Profile(i, batch.ProfileChange{CID: cid, TimeMillis: int64(w.first) * 86_400_000, Set: []batch.Named{{Name: "country", Value: value.Text([]string{"DE", "GB"}[i%2])}}})
		}
	})
	return a
}

// TestDeclaredNames holds that names in the lists of a definition are those of something, and amounts those of numbers.
func TestDeclaredNames(t *testing.T) {
	a := shop(t)
	for _, test := range []struct {
		name   string
		change func(d *propensity.Definition)
		field  string // "" where nothing is wrong
		says   []string
	}{
		{"all there", func(d *propensity.Definition) {
			d.StaticTags, d.StaticAttributes, d.Amounts, d.NotAmounts = []string{"vip"}, []string{"country"}, []string{"buy.amount"}, []string{"buy.color", "open.amount"}
		}, "", nil},
		{"tag", func(d *propensity.Definition) { d.StaticTags = []string{"vp"} }, "static_tags", []string{`nobody has the tag "vp"`, `did you mean "vip"?`}},
		{"attribute", func(d *propensity.Definition) { d.StaticAttributes = []string{"contry"} }, "static_attributes", []string{`did you mean "country"?`}},
		{"attribute like nothing", func(d *propensity.Definition) { d.StaticAttributes = []string{"shoe size"} }, "static_attributes", []string{`nobody has the attribute "shoe size"`}},
		{"property", func(d *propensity.Definition) { d.Amounts = []string{"buy.amonut"} }, "amounts", []string{`there is no "buy.amonut"; did you mean "buy.amount"?`}},
		{"property like nothing", func(d *propensity.Definition) { d.Amounts = []string{"buy.Nope"} }, "amounts", []string{`there is no "buy.Nope"; the event has amount, color, gift`}},
		{"event", func(d *propensity.Definition) { d.NotAmounts = []string{"by.amount"} }, "not_amounts", []string{`did you mean "buy.amount"?`}},
		{"strings", func(d *propensity.Definition) { d.Amounts = []string{"buy.color"} }, "amounts", []string{`"buy.color" holds strings, and no number`}},
		{"bools", func(d *propensity.Definition) { d.Amounts = []string{"buy.gift"} }, "amounts", []string{`"buy.gift" holds true and false`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := opens()
			test.change(&d)
			_, err := Train(t.Context(), a, d, quick())
			if test.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wrong := new(propensity.DefinitionError)
			if !errors.As(err, &wrong) || wrong.Field != test.field {
				t.Fatalf("got %v, want an error of %s", err, test.field)
			}
			for _, says := range test.says {
				if !strings.Contains(wrong.Message, says) {
					t.Errorf("%q does not say %q", wrong.Message, says)
				}
			}
		})
	}
}

// TestNothingToLearn holds that a refusal says why there is nothing to learn, and asks for nothing that cannot be done.
func TestNothingToLearn(t *testing.T) {
	a := shop(t)
	one, few, table := new(models.OneClassError), new(models.TooFewError), new(models.TableError)
	for _, test := range []struct {
		name, eligible, target string
		as                     any
		says, not              string
	}{
		{"sum of bools", `everyone`, `sum("buy.gift") > 2`, &one, `negative: nobody eligible at the training cut-off 2026-03-03 met the target: sum("buy.gift") > 2 is a sum of nothing, since gift of "buy" holds true and false or times, and no number; ask for count("buy" where gift = ...)`, "idle"},
		{"no sum of strings", `everyone`, `not sum("buy.color") > 2`, &one, `positive: everybody eligible`, "nobody"},
		{"strings against a number", `everyone`, `did("buy" where color > 3)`, &one, `color > 3 is never true of "buy", since color holds strings, and no number`, "horizon"},
		{"numbers against a string", `everyone`, `did("buy" where amount = "10")`, &one, `amount = "10" is never true of "buy", since amount holds numbers only`, "horizon"},
		{"eligible of bools", `sum("buy.gift") > 2`, `did("buy")`, &table, `nobody is eligible at the training cut-off 2026-03-03: sum("buy.gift") > 2 is a sum of nothing`, "history"},
		{"nobody does so much", `everyone`, `count("buy") > 500`, &one, `look at the target, lengthen the horizon`, "widen"},
		{"everybody does so little", `everyone`, `count("buy") < 500`, &one, `everybody eligible at the training cut-off 2026-03-03 met the target; look at the target`, "widen"},
		{"few of everyone", `everyone`, `days("buy") > 3`, &few, `are too few: at least 100 of each are needed; lengthen the horizon or train on more cut-offs`, "iden eligible"},
		{"few of some", `did("buy")`, `days("buy") > 3`, &few, `widen eligible, lengthen the horizon`, "shorten"},
		{"few who do not", `did("buy")`, `not days("buy") > 3`, &few, `widen eligible, lengthen the horizon`, "shorten"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := opens()
			d.Eligible, d.Target, d.HorizonDays = test.eligible, test.target, 14
			o := quick()
			o.Cutoffs = Cutoffs{Train: []propensity.Day{mustDay("2026-03-03")}, Test: []propensity.Day{mustDay("2026-03-17")}, Pool: 1}
			_, err := Train(t.Context(), a, d, o)
			if !errors.As(err, test.as) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), test.not) {
				t.Errorf("got %v, want %q and not %q", err, test.says, test.not)
			}
		})
	}
}

// TestImpossiblePart holds that a condition which cannot hold is told of where the rest of the definition can be learnt.
func TestImpossiblePart(t *testing.T) {
	d := opens()
	d.Target = `did("open") or sum("buy.gift") > 2`
	r := train(t, shop(t), d, quick())
	if !slices.ContainsFunc(r.Report.Warnings, func(w string) bool { return strings.Contains(w, `sum("buy.gift") > 2 is a sum of nothing`) }) {
		t.Errorf("warnings %q", r.Report.Warnings)
	}
}

// TestDeclaredBeyondTheSample holds that nothing is said of a property that was not, or only in part, among the events looked at.
func TestDeclaredBeyondTheSample(t *testing.T) {
	v, err := shop(t).View(t.Context(), segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	c, err := v.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j := &job{base: v}
	buy := slices.IndexFunc(c.Events, func(e segments.EventSummary) bool { return e.Name == "buy" })
	color := slices.IndexFunc(c.Events[buy].Properties, func(p segments.PropertySummary) bool { return p.Name == "color" })
	if p, err := j.property(c, "amounts", "buy.color"); err != nil || p == nil {
		t.Errorf("%v, %v", p, err)
	}
	c.Events[buy].Properties[color].Events-- // there may be a number
	if p, err := j.property(c, "amounts", "buy.color"); err != nil || p != nil {
		t.Errorf("%v, %v", p, err)
	}
	c.Events[buy].Properties = slices.Delete(c.Events[buy].Properties, color, color+1)
	if p, err := j.property(c, "amounts", "buy.color"); err != nil || p != nil {
		t.Errorf("%v, %v", p, err)
	}
	if p, err := j.property(c, "amounts", "buy.colour"); err == nil {
		t.Errorf("%v", p)
	}
}

// TestNotKept refuses a question about an event that is known, but none of which is kept, and does not say that this very name was meant.
func TestNotKept(t *testing.T) {
	w := newWorld(6, 200, 60)
	w.add("cid-00001", "zebra", 2, 1)
	w.sort()
	a := w.app(t, w.first+60, nil)
	position, err := a.SetRetention(t.Context(), false, batch.Retention{Name: "zebra", KeepDays: 5})
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.View(t.Context(), segments.ReadOptions{AtLeastPosition: position})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	d := opens()
	d.Target = `did("zebra")`
	_, err = Train(t.Context(), a, d, quick())
	if err == nil || !strings.Contains(err.Error(), `nobody has done "zebra"`) || strings.Contains(err.Error(), "did you mean") {
		t.Errorf("%v", err)
	}
}
