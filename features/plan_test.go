package features_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
)

// shop is a catalog such as that of a shop.
func shop() *segments.Catalog {
	whole := func(name string, distinct int, least, median, most float64, round int) segments.PropertySummary {
		return segments.PropertySummary{Name: name, Events: 1000, Present: 1000, Numbers: 1000, Distinct: distinct, Least: least, Median: median, Most: most, Round: round}
	}
	price := whole("UnitPrice", 300, 0, 2.1, 649.5, 20)
	price.Decimals = 2
	weight := whole("weight", 300, 0, 2.1, 649.5, 20)
	weight.Decimals = 3
	lat := whole("lat", 900, -50, 10, 70, 1)
	lat.Decimals = 6
	mixed := whole("StockCode", 800, 10002, 22000, 90214, 100)
	mixed.Present = 1100
	texts := segments.PropertySummary{Name: "Description", Events: 1000, Present: 1000, Values: 200, Valued: 1000, Shared: 990}
	return &segments.Catalog{
		Day: 1000, Tags: []string{"vip"}, Attributes: []segments.AttributeKind{{Name: "country", Type: "string"}, {Name: "likes", Type: "list"}},
		Events: []segments.EventSummary{
			{Name: "purchase", Count: 1000, FirstDay: 600, LastDay: 1000, Properties: []segments.PropertySummary{
				whole("basketId", 400, 1e6, 1.5e6, 2e6, 100), whole("CustomerID", 400, 12346, 15000, 18287, 100), texts, whole("Quantity", 100, 1, 3, 4800, 200), mixed, price, lat,
				whole("ticket", 990, 12346, 15000, 18287, 100), whole("serial", 400, 12346, 1500000, 1828700, 100), whole("rupees", 500, 1000, 50000, 2_000_000, 800),
				whole("branch", 60, 1, 30, 60, 100), whole("pieces", 60, 1, 3, 60, 50), whole("one", 1, 1, 1, 1, 0), weight,
			}},
			{Name: "push.clicked", Count: 50, FirstDay: 990, LastDay: 1000}, {Name: "push.displayed", Count: 500, FirstDay: 990, LastDay: 1000},
			{Name: "push.sent", Count: 600, FirstDay: 990, LastDay: 1000}, {Name: "visit", Count: 5000, FirstDay: 0, LastDay: 1000},
		},
	}
}

func TestAmounts(t *testing.T) {
	plan, err := features.Choose(shop(), features.Options{Amounts: []string{"purchase.branch"}, Codes: []string{"purchase.pieces"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range plan.Properties {
		got[p.Name] = map[bool]string{true: "amount: ", false: "code: "}[p.Amount] + p.Why
	}
	want := map[string]string{
		"basketId": `code: the name ends in "id"`, "CustomerID": `code: the name ends in "id"`, "Quantity": `amount: the name ends in "quantity"`,
		"StockCode": "code: only 1000 of 1100 values are numbers", "UnitPrice": `amount: the name ends in "price"`, "lat": `code: the name ends in "lat"`,
		"ticket": "code: 990 of 1000 whole numbers are different, as ids are", "serial": "code: the whole numbers go up to 1828700 and few are round, as ids are",
		"rupees": "amount: 800 of 1000 whole numbers are multiples of ten", "branch": "amount: declared an amount", "pieces": "code: declared a code",
		"one": "code: every value is 1, so that the count says the same", "weight": "amount: the numbers have up to 3 digits after the point",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	plan, err = features.Choose(shop(), features.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plan.Properties {
		if p.Name == "branch" && p.Amount || p.Name == "pieces" && !p.Amount {
			t.Errorf("undeclared: %+v", p)
		}
	}
}

func TestChoose(t *testing.T) {
	country := features.Column{Family: features.Attribute, Name: "country"}
	plan, err := features.Choose(shop(), features.Options{Static: []features.Column{country}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`tenure`, `recency("visit")`, `days("visit")`, `recency("purchase")`, `recency("push.sent", within 365d)`, `chance("visit", 30d)`, `popularity("purchase.Description", 30d, within 365d)`, `gap("purchase", within 365d)`, `pace("visit", within 365d)`, `flow("purchase.Quantity", within 365d)`, `typical("purchase.UnitPrice", around 2.1, within 365d)`, `count("visit", within 365d)`, `count("push.sent", within 14d)`, `count("push.sent", per 365d since 1972-09-17)`, `habit("visit", 30d, within 365d)`, `chance("purchase", 30d, within 365d)`, `rate("push.clicked", "push.sent", within 14d)`, `attr("country")`} {
		if !slices.Contains(plan.Columns, parsed(t, text)[0]) {
			t.Errorf("%s is not there", text)
		}
	}
	for _, c := range plan.Columns {
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", c, err)
		}
		if c.Scaled && c.Name != "push.sent" {
			t.Errorf("%s is scaled, and the event is known for as long", c)
		}
		if c.Name == "push.sent" && c.WindowDays > 14 && c.WindowDays != 365 || c.Name == "push.displayed" || c.Family == features.Count && c.Name == "push.clicked" {
			t.Errorf("%s has no use", c)
		}
	}
	var left []string
	for _, l := range plan.LeftOut {
		left = append(left, l.What)
	}
	for _, what := range []string{`tag "vip"`, `attribute "likes"`, `event "push.displayed"`, `windows of "push.sent" above 14d`, `property "purchase.CustomerID"`} {
		if !slices.Contains(left, what) {
			t.Errorf("%s is not among those left out: %v", what, left)
		}
	}
	without, err := features.Choose(shop(), features.Options{WithoutReceipts: true})
	if err != nil || slices.ContainsFunc(without.Columns, features.Column.Receipt) {
		t.Errorf("%v, %v", without.Columns, err)
	}
}

// TestChooseShort chooses of events that are known for less than the longest window.
func TestChooseShort(t *testing.T) {
	for _, c := range []struct {
		knownDays       int
		shortest        int  // window beyond the data, or the longest
		scaled, longest bool // whether there are columns of the longest window, scaled and not
	}{
		{1, 1, true, false}, {51, 60, true, false}, {60, 60, true, false}, {61, 90, true, false}, {180, 180, true, false}, {181, 365, false, true}, {1000, 365, false, true},
	} {
		catalog := shop()
		catalog.Events = slices.DeleteFunc(catalog.Events, func(e segments.EventSummary) bool { return e.Name != "purchase" })
		catalog.Events[0].FirstDay = catalog.Day + 1 - int32(c.knownDays)
		plan, err := features.Choose(catalog, features.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []features.Family{features.Count, features.Days, features.Sum} {
			of := features.Column{Family: f, Name: "purchase"}
			if f == features.Sum {
				of.Property = "Quantity"
			}
			has := func(window int, scaled bool) bool {
				if of.WindowDays, of.Scaled, of.SinceDay = window, scaled, 0; scaled {
					of.SinceDay = catalog.Events[0].FirstDay
				}
				return slices.Contains(plan.Columns, of)
			}
			if !has(c.shortest, false) || has(365, true) != c.scaled || has(365, false) != c.longest {
				t.Errorf("%s where the event is known for %d days: %v", f, c.knownDays, plan.Columns)
			}
		}
	}
}

// TestChooseBound draws how many columns are wanted, and finds no more, all different, and the frequent events first.
func TestChooseBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 300).Draw(t, "most")
		plan, err := features.Choose(shop(), features.Options{MostColumns: most})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[features.Column]bool{}
		for _, c := range plan.Columns {
			if seen[c] {
				t.Fatalf("%s is there twice", c)
			}
			seen[c] = true
		}
		if len(plan.Columns) > most || len(plan.Columns) == 0 {
			t.Fatalf("%d columns, at most %d are wanted", len(plan.Columns), most)
		}
	})
	for _, o := range []features.Options{
		{Static: []features.Column{{Family: features.Tag, Name: "unknown"}}}, {Static: []features.Column{{Family: features.Tenure}}},
		{Static: []features.Column{{Family: features.Tag}}}, {Static: []features.Column{{Family: features.Tag, Name: "vip"}}, MostColumns: 1},
	} {
		if plan, err := features.Choose(shop(), o); err == nil {
			t.Errorf("%+v gives %v", o, plan.Columns)
		}
	}
}

// TestCatalog compares what is known at a past day with what a store knows that holds nothing from that day on.
func TestCatalog(t *testing.T) {
	h := history{zone: zone(t, "Europe/London"), now: time.Date(2024, 4, 5, 11, 0, 0, 0, time.UTC)}
	day := dayOf(h.zone, h.now.UnixMilli()) - 3
	for i := range 300 {
		e := happening{cid: cidOf(i % 20), name: "open", millis: h.now.UnixMilli() - int64(i)*3_600_000, utc: -1 << 15}
		if i%3 == 0 {
			e.name = "buy"
			e.numbers = map[string]value.Decimal{"amount": decimal(t, int64(100+i*7%50-i*7%50/49), i%3), "late": decimal(t, 5, 0)}
			if i > 150 {
				delete(e.numbers, "late")
			}
			e.texts = map[string]string{"name": "x"}
		}
		h.events = append(h.events, e)
	}
	h.events = append(h.events, happening{cid: "x", name: "soon", millis: h.now.UnixMilli() + 60_000, utc: -1 << 15})
	catalog := func(h history) (past, now *segments.Catalog) {
		app, closed := h.open(t, t.TempDir(), 40)
		defer closed()
		v := pinned(t, app)
		defer v.Close()
		now, err := v.Catalog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before, err := v.Before(day)
		if err != nil {
			t.Fatal(err)
		}
		if past, err = before.Catalog(t.Context()); err != nil {
			t.Fatal(err)
		}
		return past, now
	}
	past, now := catalog(h)
	other, _ := catalog(h.before(day))
	if !reflect.DeepEqual(past, other) {
		t.Errorf("%+v\nis not what the store without what came later has:\n%+v", past, other)
	}
	if len(now.Events) != 2 || now.Events[0].Name != "buy" || now.Events[0].Count != 100 || len(now.Events[0].Properties) != 3 {
		t.Fatalf("%+v", now.Events)
	}
	amount := now.Events[0].Properties[0]
	if amount.Name != "amount" || amount.Events != 100 || amount.Present != 100 || amount.Numbers != 100 || amount.Least != 100 || amount.Decimals != 0 || amount.Most != 148 || amount.Mode != 4 {
		t.Errorf("%+v", amount)
	}
	if late := now.Events[0].Properties[1]; late.Name != "late" || late.Mode != late.Numbers || late.Numbers == 0 {
		t.Errorf("%+v", late)
	}
	if name := now.Events[0].Properties[2]; name.Name != "name" || name.Numbers != 0 || name.Present != 100 {
		t.Errorf("%+v", name)
	}
}

func TestFit(t *testing.T) {
	h := history{zone: time.UTC, now: time.Date(2024, 4, 5, 11, 0, 0, 0, time.UTC)}
	for i, country := range []string{"ID", "ID", "DE", "IN", "DE", "ID", "US"} {
		h.people = append(h.people, profile{cidOf(i), h.now.UnixMilli() - 1, []string{"vip"}, map[string]value.Value{
			"country": value.Text(country), "likes": value.Strings([]string{"x"}), "age": value.Num(value.Int(3)),
		}})
	}
	h.events = []happening{{cid: cidOf(0), name: "buy", millis: h.now.UnixMilli() - 1, utc: -1 << 15, numbers: map[string]value.Decimal{"amount": value.Int(3)}}}
	app, closed := h.open(t, t.TempDir(), 3)
	defer closed()
	v := pinned(t, app)
	defer v.Close()
	levels, others, err := features.CountLevels(t.Context(), v, "country", everyone(), 2)
	if err != nil || others != 2 || !reflect.DeepEqual(levels, []features.Level{{Text: "ID", CIDs: 3}, {Text: "DE", CIDs: 2}}) {
		t.Errorf("%v, %d, %v", levels, others, err)
	}
	columns := parsed(t, `tenure`, `tag("vip")`, `tag("none")`, `attr("country")`, `attr("likes")`, `attr("none")`, `attr("age")`, `count("buy")`, `count("none")`,
		`sum("buy.amount")`, `sum("buy.none")`, `typical("buy.amount", around 3)`, `typical("buy.none", around 3)`, `typical("none.amount", around 3)`, `habit("buy", 7d)`, `chance("none", 7d)`, `rate("buy", "none")`, `rate("buy", "buy")`, `count("buy", per 7d since 2026-01-01)`, `days("none", per 7d since 2026-01-01)`)
	var why []string
	for _, m := range features.Misfits(v, columns, features.Levels{columns[6]: {"x"}}) {
		why = append(why, m.Column.String()+": "+m.Why)
	}
	want := []string{
		`tag("none"): the app has no tag "none"`, `attr("country"): the attribute has strings, and no levels to tell apart are given`,
		`attr("likes"): the attribute has lists, which make no column`, `attr("none"): the app has no attribute "none"`,
		`attr("age"): levels are given, and the attribute is of type number`, `count("none"): the app has no event "none"`,
		`sum("buy.none"): the event "buy" has no property "none"`,
		`typical("buy.none", around 3): the event "buy" has no property "none"`, `typical("none.amount", around 3): the app has no event "none"`, `chance("none", 7d): the app has no event "none"`, `rate("buy", "none"): the app has no event "none"`,
		`days("none", per 7d since 2026-01-01): the app has no event "none"`,
	}
	if !slices.Equal(why, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(why, "\n     "), strings.Join(want, "\n     "))
	}
	for _, wrong := range []features.Column{columns[3], columns[4], {Family: features.Count}} {
		if _, err := features.NewSource(t.Context(), v, []features.Column{wrong}, nil); err == nil {
			t.Errorf("%s can be extracted", wrong)
		}
	}
	var habits []features.Column // such as a hostile artifact may ask for
	for n := range 17 {
		habits = append(habits, features.Column{Family: features.Habit, Name: "buy", SpanDays: n + 1})
	}
	var popularities []features.Column
	for i := range 17 {
		popularities = append(popularities, features.Column{Family: features.Popularity, Name: "buy", Property: "amount", SpanDays: i + 1})
	}
	if _, err := features.NewSource(t.Context(), v, popularities, nil); err == nil || !strings.Contains(err.Error(), "at most 16") {
		t.Errorf("17 popularities: %v", err)
	}
	if _, err := features.NewSource(t.Context(), v, habits, nil); err == nil || !strings.Contains(err.Error(), "at most 16") {
		t.Errorf("17 habits of an event: %v", err)
	}
	if _, err := v.Before(v.Day() + 2); err == nil {
		t.Error("what happens tomorrow is known")
	}
}
