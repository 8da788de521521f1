package features_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
)

// TestChoosePopularity chooses what tells which of many things somebody took.
func TestChoosePopularity(t *testing.T) {
	text := func(name string, values, shared int) segments.PropertySummary {
		return segments.PropertySummary{Name: name, Events: 1000, Present: 1000, Values: values, Valued: 1000, Shared: shared}
	}
	seldom := text("note", 700, 990)
	seldom.Valued, seldom.Shared = 400, 400
	number := func(p segments.PropertySummary) segments.PropertySummary {
		p.Numbers, p.Distinct, p.Most = p.Valued, p.Values, 1e6
		return p
	}
	for _, c := range []struct {
		properties []segments.PropertySummary
		want       string
	}{
		{nil, ""},
		{[]segments.PropertySummary{text("country", 30, 999), text("item", 300, 990), text("shop", 60, 999)}, "item"},
		{[]segments.PropertySummary{text("country", 30, 999), text("basket", 300, 10), text("mostly", 300, 749)}, "country"},
		{[]segments.PropertySummary{text("country", 9, 999)}, ""},
		{[]segments.PropertySummary{seldom}, ""},
		{[]segments.PropertySummary{text("month", 30, 999), text("orderDate", 300, 999)}, ""},
		{[]segments.PropertySummary{number(text("product_id", 300, 990)), text("country", 30, 999)}, "product_id"},
		{[]segments.PropertySummary{number(text("price", 300, 990)), text("country", 30, 999)}, "country"},
	} {
		plan, err := features.Choose(&segments.Catalog{Day: 1000, Events: []segments.EventSummary{{Name: "buy", Count: 1000, FirstDay: 900, LastDay: 1000, Properties: c.properties}}}, features.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, column := range plan.Columns {
			if column.Family == features.Popularity {
				got += column.Property
			}
		}
		if got != c.want {
			t.Errorf("of %+v it is the popularity of %q, want %q", c.properties, got, c.want)
		}
	}
}

// TestChooseFirst asks for fewer columns than the events of the question make: others are left out, and these are not.
func TestChooseFirst(t *testing.T) {
	for _, first := range [][]string{{"visit", "purchase"}, {"push.clicked"}, {"purchase"}} {
		plan, err := features.Choose(shop(), features.Options{First: first, MostColumns: 12})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range first {
			if !slices.ContainsFunc(plan.Columns, func(c features.Column) bool { return c.Name == name }) && !strings.HasPrefix(name, "push.") {
				t.Errorf("asked about %v: no column of %s among %v", first, name, plan.Columns)
			}
		}
		for _, l := range plan.LeftOut {
			for _, name := range first {
				if l.What == "event "+value.Quote(name) && strings.Contains(l.Why, "not asked about") {
					t.Errorf("asked about %v: %+v", first, l)
				}
			}
		}
	}
	declared, err := features.Choose(shop(), features.Options{FewSums: true, Amounts: []string{"purchase.branch", "purchase.pieces"}})
	if err != nil {
		t.Fatal(err)
	}
	undeclared, err := features.Choose(shop(), features.Options{FewSums: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		plan features.Plan
		want []string
	}{{declared, []string{"branch", "pieces"}}, {undeclared, []string{"rupees"}}} {
		var summed []string
		for _, column := range c.plan.Columns {
			if column.Family == features.Flow {
				summed = append(summed, column.Property)
			}
		}
		if slices.Sort(summed); !slices.Equal(summed, c.want) {
			t.Errorf("sums of %v, want %v", summed, c.want)
		}
	}
}

// TestChooseTypical chooses what amounts typically are, but of the first one, whether there is room for their sums or not.
func TestChooseTypical(t *testing.T) {
	for _, o := range []features.Options{{}, {FewSums: true}, {Amounts: []string{"purchase.branch"}}, {FewSums: true, Amounts: []string{"purchase.branch"}}} {
		plan, err := features.Choose(shop(), o)
		if err != nil {
			t.Fatal(err)
		}
		want := `[typical("purchase.UnitPrice", around 2.1, within 365d) typical("purchase.weight", around 2.1, within 365d) typical("purchase.Quantity", around 3, within 365d)]`
		if len(o.Amounts) > 0 { // which then is the first
			want = `[typical("purchase.rupees", around 50000, within 365d) typical("purchase.UnitPrice", around 2.1, within 365d) typical("purchase.weight", around 2.1, within 365d)]`
		}
		if got := fmt.Sprint(onlyOf(plan.Columns, features.Typical)); got != want {
			t.Errorf("%+v: %s, want %s", o, got, want)
		}
		summed := slices.ContainsFunc(plan.Columns, func(c features.Column) bool { return c.Family == features.Sum && c.Property == "weight" })
		left := slices.ContainsFunc(plan.LeftOut, func(l features.LeftOut) bool {
			return l.What == `the sums of "purchase.weight"` && strings.Contains(l.Why, "there is the typical value at most")
		})
		if summed == o.FewSums || left != o.FewSums {
			t.Errorf("%+v: it has sums of the weight: %v; that they are left out is said: %v", o, summed, left)
		}
	}
}

// TestChooseNoTypical leaves out a number that is the same for half of the events, and one that is too small.
func TestChooseNoTypical(t *testing.T) {
	for what, change := range map[string]func(*segments.PropertySummary){
		"half of the weights are the same": func(p *segments.PropertySummary) { p.Mode = p.Numbers / 2 },
		"the weights are tiny":             func(p *segments.PropertySummary) { p.Least, p.Median, p.Most = 0, 0.0009, 0.1 },
		"the weights are tiny and below 0": func(p *segments.PropertySummary) { p.Least, p.Median, p.Most = -1, -0.0009, 0 },
	} {
		catalog := shop()
		for e := range catalog.Events {
			for i := range catalog.Events[e].Properties {
				if p := &catalog.Events[e].Properties[i]; p.Name == "weight" {
					change(p)
				}
			}
		}
		plan, err := features.Choose(catalog, features.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(onlyOf(plan.Columns, features.Typical))
		if strings.Contains(got, "weight") || !strings.Contains(got, "UnitPrice") {
			t.Errorf("%s, though %s", got, what)
		}
	}
}

// TestChooseMany names more events than a model has room for: all of them as long as they fit, and then the frequent ones.
func TestChooseMany(t *testing.T) {
	catalog, first := &segments.Catalog{Day: 1000}, []string{}
	for i := range 60 {
		name := cidOf(i)
		catalog.Events = append(catalog.Events, segments.EventSummary{Name: name, Count: uint64(1000 + i), FirstDay: 900, LastDay: 1000,
			Properties: []segments.PropertySummary{{Name: "item", Events: 1000, Present: 1000, Values: 200, Valued: 1000, Shared: 990}}})
		first = append(first, name)
	}
	for _, bound := range []int{0, 100, 512} {
		plan, err := features.Choose(catalog, features.Options{First: first, MostColumns: 30, Bound: bound})
		if err != nil {
			t.Fatal(err)
		}
		kinds, popularities := map[string]bool{}, 0
		for _, c := range plan.Columns {
			kinds[c.Name] = true
			if c.Family == features.Popularity {
				popularities++
			}
		}
		delete(kinds, "")
		if n := len(plan.Columns); bound == 0 && len(kinds) < 60 || bound > 0 && (n > bound || n < bound-20 || !kinds[cidOf(59)] || kinds[cidOf(0)]) {
			t.Errorf("bound %d: %d columns of %d events", bound, n, len(kinds))
		}
		if want := min(16, len(kinds)); popularities != want {
			t.Errorf("bound %d: %d popularities, want %d", bound, popularities, want)
		}
		h := history{zone: time.UTC, now: time.Date(2024, 4, 5, 11, 0, 0, 0, time.UTC)}
		app, closed := h.open(t, t.TempDir(), 3)
		v := pinned(t, app)
		if _, err := features.NewSource(t.Context(), v, plan.Columns, nil); err != nil {
			t.Errorf("bound %d: %v", bound, err)
		}
		v.Close()
		closed()
	}
}

// TestShared counts whose values others have as well.
func TestShared(t *testing.T) {
	h := history{zone: time.UTC, now: time.Date(2024, 4, 5, 11, 0, 0, 0, time.UTC)}
	for i := range 60 {
		e := happening{cid: cidOf(i % 20), name: "buy", millis: h.now.UnixMilli() - int64(i)*3_600_000, utc: -1 << 15, texts: map[string]string{}, numbers: map[string]value.Decimal{}}
		e.texts["item"] = string(rune('a' + i%7))      // everybody's
		e.texts["own"] = "of " + e.cid                 // one's own, three times
		e.numbers["half"] = decimal(t, int64(i%20), 0) // one's own
		if e.numbers["price"] = decimal(t, 25, 1); i < 15 {
			e.numbers["half"] = decimal(t, 100, 0) // shared
		}
		h.events = append(h.events, e)
	}
	app, closed := h.open(t, t.TempDir(), 40)
	defer closed()
	v := pinned(t, app)
	defer v.Close()
	c, err := v.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][3]int{}
	for _, p := range c.Events[0].Properties {
		got[p.Name] = [3]int{p.Values, p.Valued, p.Shared}
	}
	for name, want := range map[string][3]int{"item": {7, 60, 60}, "own": {20, 60, 0}, "half": {21, 60, 15}, "price": {0, 0, 0}} {
		if got[name] != want {
			t.Errorf("%s has %v values, events with one and events with a shared one, want %v", name, got[name], want)
		}
	}
}
