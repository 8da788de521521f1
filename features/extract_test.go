package features_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// zonesOfTests are zones in which days are 23 to 25 hours long, or come in two pieces.
var zonesOfTests = []string{"UTC", "Europe/London", "America/St_Johns", "Asia/Kolkata", "Pacific/Apia"}

// Columns of tests, of all families.
func columnsOfTests(t testing.TB) []features.Column {
	t.Helper()
	var all []features.Column
	for _, text := range []string{
		`tenure`, `recency("open")`, `recency("open", within 7d)`, `count("open")`, `count("open", within 1d)`, `count("open", within 3d)`, `count("open", within 30d)`,
		`days("open", within 7d)`, `days("open")`, `days("buy", within 14d)`, `sum("buy.amount", within 7d)`, `sum("buy.amount")`, `sum("buy.units", within 3d)`,
		`trend("open", 3d, 14d)`, `gap("open", within 30d)`, `gap("buy")`, `pace("open")`, `pace("buy", within 7d)`, `pace("never")`, `flow("buy.amount")`, `flow("buy.units", within 14d)`, `flow("buy.nothing")`, `habit("open", 7d)`, `habit("open", 1d, within 30d)`, `habit("buy", 3d, within 7d)`, `habit("never", 3d)`,
		`chance("open", 7d)`, `chance("open", 30d, within 14d)`, `chance("buy", 36500d)`, `chance("never", 1d)`, `count("open", per 90d since 2011-10-20)`, `count("open", per 20d since 2011-11-05)`, `count("never", per 7d since 2006-01-01)`, `days("buy", per 365d since 2005-12-24)`, `days("push.clicked", per 7d since 2012-01-07)`, `sum("buy.amount", per 90d since 2012-01-05)`, `sum("buy.nothing", per 90d since 2012-01-05)`, `weekend("open", within 14d)`, `night("open", within 14d)`, `night("buy")`,
		`popularity("buy.item", 7d)`, `popularity("buy.item", 7d, within 14d)`, `popularity("buy.item", 30d, within 60d)`, `popularity("buy.amount", 30d)`, `popularity("buy.units", 1d, within 3d)`, `popularity("open.item", 7d)`, `popularity("never.item", 7d)`,
		`typical("buy.amount", around 0)`, `typical("buy.amount", around -250.75, within 7d)`, `typical("buy.amount", around 0.001, within 60d)`, `typical("buy.units", around 4, within 14d)`, `typical("buy.item", around 1)`, `typical("buy.nothing", around 1)`, `typical("never.item", around 1)`,
		`rate("push.clicked", "push.sent", within 14d)`, `rate("open", "open")`, `rate("open", "never")`, `recency(anything)`, `recency(anything, within 7d)`, `count(anything)`, `count(anything, within 1d)`, `count(anything, per 90d since 2011-10-20)`, `days(anything, within 14d)`, `days(anything)`, `days(anything, per 365d since 2005-12-24)`,
		`trend(anything, 3d, 14d)`, `gap(anything, within 30d)`, `pace(anything)`, `habit(anything, 7d)`, `habit(anything, 3d, within 14d)`, `chance(anything, 30d)`, `weekend(anything, within 14d)`, `count("anything")`, `count("never", within 7d)`, `recency("never")`,
		`tag("vip")`, `tag("nobody")`, `attr("country")`, `attr("age")`, `attr("member")`, `attr("since")`, `attr("nothing")`, `sum("buy.nothing")`,
	} {
		c, err := features.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		all = append(all, c)
	}
	return all
}

func levelsOfTests() features.Levels {
	return features.Levels{{Family: features.Attribute, Name: "country"}: {"DE", "ID", "nowhere"}}
}

// drawHistory draws what some CIDs did in the two months up to a moment.
func drawHistory(t *rapid.T) history {
	l, err := time.LoadLocation(rapid.SampledFrom(zonesOfTests).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	// Around changes of the clocks, and where Apia leaves out a day.
	end := rapid.SampledFrom([]string{"2011-11-15T12:00:00Z", "2012-01-10T09:30:00Z", "2006-04-12T23:59:59Z"}).Draw(t, "now")
	now, err := time.Parse(time.RFC3339, end)
	if err != nil {
		t.Fatal(err)
	}
	h := history{zone: l, now: now}
	const span = 60 * 86_400_000
	const hours = 6 * 3_600_000
	when := rapid.OneOf(rapid.Int64Range(now.UnixMilli()-span, now.UnixMilli()+86_400_000), rapid.Int64Range(now.UnixMilli()-hours, now.UnixMilli()+hours))
	cid := rapid.Custom(func(t *rapid.T) string { return cidOf(rapid.IntRange(0, 11).Draw(t, "who")) })
	many := []string{"open", "buy", "push.sent", "anything", "push", "pushed", "push.", "Anything"}
	for i := range 30 {
		many = append(many, fmt.Sprintf("kind %d", i))
	}
	usual := []string{"open", "open", "buy", "push.sent", "push.clicked"}
	kinds := rapid.SampledFrom([][]string{usual, usual, many, {"open"}, {"open", "push.sent"}, {"push.sent", "push.clicked"}}).Draw(t, "kinds")
	for range rapid.IntRange(0, 150).Draw(t, "events") {
		e := happening{
			cid: cid.Draw(t, "cid"), name: rapid.SampledFrom(kinds).Draw(t, "name"),
			millis: when.Draw(t, "at"), utc: batch.NoOffset,
		}
		if rapid.Bool().Draw(t, "has offset") {
			e.utc = rapid.Int64Range(-12*60, 14*60).Draw(t, "offset")
		}
		if e.name == "buy" {
			e.numbers, e.texts = map[string]value.Decimal{}, map[string]string{}
			switch rapid.IntRange(0, 5).Draw(t, "amount") {
			case 0:
			case 1:
				e.texts["amount"] = "much"
			case 2:
				e.numbers["amount"] = decimal(t, rapid.Int64Range(math.MaxInt64-1000, math.MaxInt64).Draw(t, "large"), 0)
			default:
				e.numbers["amount"] = decimal(t, rapid.Int64Range(-1_000_000, 1_000_000_000_000).Draw(t, "coefficient"), rapid.IntRange(0, 18).Draw(t, "scale"))
			}
			switch item := rapid.IntRange(0, 9).Draw(t, "item"); {
			case item < 6:
				e.texts["item"] = string(rune('a' + item/2))
			case item < 8:
				e.numbers["item"] = decimal(t, int64(item-7), 0)
			}
			e.numbers["units"] = decimal(t, rapid.Int64Range(1, 9).Draw(t, "units"), 0)
		}
		h.events = append(h.events, e)
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "people") {
		p := profile{cid: cidOf(i + 8), millis: rapid.Int64Range(now.UnixMilli()-span, now.UnixMilli()).Draw(t, "told"), attributes: map[string]value.Value{}}
		if rapid.Bool().Draw(t, "vip") {
			p.tags = []string{"vip"}
		}
		if rapid.Bool().Draw(t, "has country") {
			p.attributes["country"] = value.Text(rapid.SampledFrom([]string{"ID", "DE", "IN"}).Draw(t, "country"))
		}
		if rapid.Bool().Draw(t, "has age") {
			p.attributes["age"] = value.Num(decimal(t, rapid.Int64Range(0, 999).Draw(t, "age"), 1))
			p.attributes["member"] = value.Boolean(rapid.Bool().Draw(t, "member"))
			p.attributes["since"] = value.Value{Kind: value.Time, Millis: when.Draw(t, "since")}
		}
		h.people = append(h.people, p)
	}
	return h
}

// table computes columns for everyone of a view, by CID.
func table(t fataler, v *segments.View, columns []features.Column, levels features.Levels, workers int) map[string][]float32 {
	t.Helper()
	var mu sync.Mutex
	rows := map[string][]float32{}
	walk := features.Walk{View: v, Columns: columns, Levels: levels, Workers: workers}
	err := walk.Each(context.Background(), func(b features.Block) error {
		mu.Lock()
		defer mu.Unlock()
		for i, cid := range rowsOf(v, b.Number, b.Ordinals) {
			for _, c := range b.Columns {
				rows[cid] = append(rows[cid], c[i])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func same(a, b float32) bool { return a == b || a != a && b != b }

// check compares a table with what the twin says.
func (w twin) check(t fataler, got map[string][]float32, columns []features.Column, cids []string) {
	t.Helper()
	known := w.everyone(cids)
	if all := slices.Sorted(maps.Keys(got)); !slices.Equal(all, known) {
		t.Fatalf("before day %d there are %v, want %v", w.today+1, all, known)
	}
	for _, cid := range known {
		for i, c := range columns {
			want := w.column(c, cid)
			if c.Family == features.Chance && math.Abs(float64(got[cid][i]-want)) < 1e-6 {
				continue // powers are taken otherwise
			}
			if c.Family == features.Popularity && math.Abs(float64(got[cid][i]-want)) < 1e-4 {
				continue // ranks and weights have 16 bits
			}
			if c.Family == features.Typical && math.Abs(float64(got[cid][i]-want)) < 2e-7*(1+math.Abs(float64(want))) {
				continue // logarithms have 24 bits after the point, and so many has a float32
			}
			if !same(got[cid][i], want) {
				t.Fatalf("before day %d, %s of %s is %v, want %v", w.today+1, c, cid, got[cid][i], want)
			}
		}
	}
}

func someCIDs(n int) (cids []string) {
	for i := range n {
		cids = append(cids, cidOf(i))
	}
	return cids
}

// TestColumns computes columns at several past days, and compares them with the twin and with those on a store that holds nothing from that day on.
func TestColumns(t *testing.T) {
	columns, levels, cids := columnsOfTests(t), levelsOfTests(), someCIDs(16)
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		dir, err := os.MkdirTemp("", "features")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		app, closed := h.open(t, dir+"/all", rapid.IntRange(1, 50).Draw(t, "batch"))
		defer closed()
		v := pinned(t, app)
		defer v.Close()
		today := dayOf(h.zone, h.now.UnixMilli())
		whole := twin{h, today, h.now.UnixMilli(), levels}
		whole.check(t, table(t, v, columns, levels, 1), columns, cids)
		day := today - rapid.Int32Range(0, 50).Draw(t, "days ago")
		past, err := v.Before(day)
		if err != nil {
			t.Fatal(err)
		}
		got := table(t, past, columns, levels, 1)
		twin{h, day - 1, h.now.UnixMilli(), levels}.check(t, got, columns, cids)

		behaviour := slices.DeleteFunc(slices.Clone(columns), features.Column.Static)
		got = table(t, past, behaviour, nil, 1)
		less, closedLess := h.before(day).open(t, dir+"/less", 7)
		defer closedLess()
		u := pinned(t, less)
		defer u.Close()
		before, err := u.Before(day)
		if err != nil {
			t.Fatal(err)
		}
		other := table(t, before, behaviour, nil, 1)
		if len(got) != len(other) {
			t.Fatalf("%d CIDs, and %d on the store without what came later", len(got), len(other))
		}
		for cid, row := range got {
			if !slices.EqualFunc(row, other[cid], same) {
				t.Fatalf("%s: %v, and %v on the store without what came later", cid, row, other[cid])
			}
		}
	})
}

// TestAlone holds that a column is the same whatever others are computed beside it.
func TestAlone(t *testing.T) {
	columns, levels := columnsOfTests(t), levelsOfTests()
	h := rapid.Custom(drawHistory).Example(5)
	app, closed := h.open(t, t.TempDir(), 20)
	defer closed()
	v := pinned(t, app)
	defer v.Close()
	all := table(t, v, columns, levels, 1)
	if len(all) == 0 {
		t.Fatal("nobody is there")
	}
	for i, c := range columns {
		alone := table(t, v, columns[i:i+1], levels, 1)
		for cid, row := range all {
			if !same(row[i], alone[cid][0]) {
				t.Fatalf("%s of %s is %v, and %v alone", c, cid, row[i], alone[cid][0])
			}
		}
	}
}

func TestTypicalsAreBounded(t *testing.T) {
	h := history{zone: time.UTC, now: time.Date(2024, 4, 5, 11, 0, 0, 0, time.UTC)}
	h.events = []happening{{cid: cidOf(0), name: "buy", millis: h.now.UnixMilli() - 1, utc: -1 << 15, numbers: map[string]value.Decimal{"amount": value.Int(3)}}}
	app, closed := h.open(t, t.TempDir(), 1)
	defer closed()
	v := pinned(t, app)
	defer v.Close()
	var columns []features.Column
	for i := range 101 {
		columns = append(columns, features.Column{Family: features.Typical, Name: "buy", Property: "amount", Around: float64(i)})
	}
	if _, err := features.NewSource(t.Context(), v, columns[:100], nil); err != nil {
		t.Error(err)
	}
	if _, err := features.NewSource(t.Context(), v, columns, nil); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("101 typical values: %v", err)
	}
}
