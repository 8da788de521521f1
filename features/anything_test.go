package features_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

func anythingColumns(t testing.TB) []features.Column {
	return parsed(t, `recency(anything)`, `recency(anything, within 14d)`, `count(anything)`, `count(anything, within 1d)`, `count(anything, within 30d)`, `count(anything, per 365d since 2026-01-10)`,
		`days(anything)`, `days(anything, within 30d)`, `trend(anything, 7d, 30d)`, `gap(anything, within 60d)`, `pace(anything, within 60d)`, `habit(anything, 7d, within 60d)`,
		`chance(anything, 30d, within 60d)`, `weekend(anything, within 60d)`)
}

// TestAnythingKept writes events as they happen, some late, has one of them kept for some days only, and computes what there is of anything as of several moments,
// with what was late and without.
func TestAnythingKept(t *testing.T) {
	const days, keepDays = 70, 25
	type told struct {
		happening
		late int // days
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	moment := start
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return moment }, ClockPatience: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	app, err := home.CreateApp("", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 1))
	received := make([][]told, days)
	var all []told
	truth := history{zone: time.UTC}
	for i := range 12 {
		truth.people = append(truth.people, profile{cid: cidOf(i), millis: start.UnixMilli()})
	}
	for range 900 {
		late := []int{0, 0, 0, 0, 1, 3, 10}[random.IntN(7)]
		on := random.IntN(days - late)
		e := told{happening{cid: cidOf(random.IntN(12)), name: []string{"open", "view", "buy", "anything", "push.sent", "push.clicked"}[random.IntN(6)],
			millis: start.UnixMilli() + int64(on)*86_400_000 + random.Int64N(3_600_000), utc: batch.NoOffset}, late}
		received[on+late], all = append(received[on+late], e), append(all, e)
	}
	for day, events := range received {
		moment = start.Add(time.Duration(day)*24*time.Hour + 2*time.Hour)
		_, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i, e := range events {
				b.Event(i, batch.Event{CID: e.cid, Name: e.name, TimeMillis: e.millis, OffsetMinutes: e.utc})
			}
			for i, p := range truth.people {
				b.Profile(len(events)+i, batch.ProfileChange{CID: p.cid, TimeMillis: p.millis, Set: []batch.Named{{Name: "age", Value: value.Num(value.Int(3))}}})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := app.SetRetention(t.Context(), false, batch.Retention{Name: "view", KeepDays: keepDays}); err != nil {
		t.Fatal(err)
	}
	v := pinned(t, app)
	defer v.Close()
	today := v.Day()
	columns, cids := anythingColumns(t), someCIDs(12)
	for _, daysAgo := range []int32{-1, 0, 20, 40} {
		for _, most := range []map[string]int32{nil, {"open": 1, "anything": 0}, {"view": 3, "buy": 0, "push.sent": 0}} {
			past, err := v.Before(today - daysAgo)
			if err != nil {
				t.Fatal(err)
			}
			truth.events = nil
			for _, e := range all {
				limit, limited := most[e.name]
				if dropped := e.name == "view" && dayOf(time.UTC, e.millis) <= today-keepDays; !dropped && (!limited || e.late <= int(limit)) {
					truth.events = append(truth.events, e.happening)
				}
			}
			w := twin{history: truth, today: past.Day(), now: math.MaxInt64}
			w.check(t, table(t, past.WithoutLate(most), columns, nil, 1), columns, cids)
			for i := range columns { // each by itself, so that it asks for all that it needs
				w.check(t, table(t, past.WithoutLate(most), columns[i:i+1], nil, 1), columns[i:i+1], cids)
			}
		}
	}
}

// TestAnythingFits asks apps with and without events that are not about messages.
func TestAnythingFits(t *testing.T) {
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		events []string
		why    string
	}{
		{nil, "the app has no event but those about messages"}, {[]string{"push.sent", "push.clicked"}, "the app has no event but those about messages"},
		{[]string{"push.sent", "open"}, ""}, {[]string{"anything"}, ""},
	} {
		h := history{zone: time.UTC, now: now, people: []profile{{cid: cidOf(0), millis: now.UnixMilli() - 1, tags: []string{"vip"}}}}
		for _, name := range c.events {
			h.events = append(h.events, happening{cid: cidOf(0), name: name, millis: now.UnixMilli() - 1, utc: batch.NoOffset})
		}
		app, closed := h.open(t, t.TempDir(), 3)
		v := pinned(t, app)
		columns := anythingColumns(t)
		misfits := features.Misfits(v, columns, nil)
		switch {
		case c.why == "" && len(misfits) > 0, c.why != "" && len(misfits) != len(columns):
			t.Errorf("an app with %v: %v", c.events, misfits)
		case c.why != "" && misfits[0].Why != c.why:
			t.Errorf("an app with %v: %s, want %s", c.events, misfits[0].Why, c.why)
		}
		if got, want := table(t, v, parsed(t, `count(anything)`), nil, 1)[cidOf(0)][0], min(1, float32(len(c.events))); c.why == "" && got != want || c.why != "" && got != 0 {
			t.Errorf("an app with %v: %v events", c.events, got)
		}
		v.Close()
		closed()
	}
}

// many is a catalog of so many kinds of events, and of receipts, each that often.
func many(kinds int, receipts uint64) *segments.Catalog {
	c := &segments.Catalog{Day: 1000}
	if receipts > 0 {
		for _, name := range []string{"push.clicked", "push.sent"} {
			c.Events = append(c.Events, segments.EventSummary{Name: name, Count: receipts, FirstDay: 5, LastDay: 1000})
		}
	}
	for i := range kinds {
		c.Events = append(c.Events, segments.EventSummary{Name: fmt.Sprintf("kind %d", i), Count: uint64(1000 - i), FirstDay: 900 - int32(i), LastDay: 1000})
	}
	return c
}

// TestChooseAnything chooses where there is no room for all events.
func TestChooseAnything(t *testing.T) {
	const few = "recency(anything, within 365d) count(anything, within 30d) count(anything, within 365d)"
	const brief, all = few + " gap(anything, within 365d)",
		few + " days(anything, within 30d) days(anything, within 365d) gap(anything, within 365d) pace(anything, within 365d) habit(anything, 30d, within 365d) chance(anything, 30d, within 365d)"
	for _, c := range []struct {
		kinds    int
		receipts uint64
		most     int
		first    []string
		want     string
		receipt  bool // whether there are columns about messages
	}{
		{1, 1, 300, nil, "", true}, {5, 1, 300, nil, "", true}, {2, 1, 40, []string{"kind 0"}, "", true}, // there is room for all events
		{200, 0, 25, nil, all, false}, {200, 0, 25, []string{"kind 7"}, all, false}, {2, 0, 22, []string{"kind 0"}, all, false},
		{200, 0, 30, []string{"kind 7", "kind 9"}, brief, false},
		{200, 0, 30, []string{"kind 7", "kind 8", "kind 9"}, "", false}, {2, 0, 8, []string{"kind 0"}, "", false}, // those asked about take all room
		{1, 1, 14, []string{"kind 0"}, "", false},                     // only messages are left out
		{3, 0, 20, []string{"kind 0", "kind 1", "kind 2"}, "", false}, // no event is left out
		{200, 1_000_000, 30, []string{"kind 7"}, all, true}, {200, 850, 150, []string{"kind 7"}, all, false}, {200, 995, 80, []string{"kind 7"}, all, true},
		{200, 1_000_000, 30, []string{"kind 7", "kind 9"}, "", true}, {200, 1, 30, []string{"kind 7", "kind 9"}, brief, false},
	} {
		plan, err := features.Choose(many(c.kinds, c.receipts), features.Options{MostColumns: c.most, First: c.first})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, column := range plan.Columns {
			switch {
			case column.Anything:
				got = append(got, column.String())
			case len(got) > 0 && slices.Contains(c.first, column.Name):
				t.Errorf("anything stands before %s, which is asked about", column)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v", c, got)
		}
		if has := slices.ContainsFunc(plan.Columns, features.Column.Receipt); has != c.receipt {
			t.Errorf("%+v: there are columns about messages: %v", c, has)
		}
	}
	young := many(50, 1_000_000)
	for i := range young.Events[2:] {
		young.Events[2+i].FirstDay = 990
	}
	young.Events[40].FirstDay = 980 // the first of all events but those about messages
	plan, err := features.Choose(young, features.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if since := (features.Column{Family: features.Count, Anything: true, WindowDays: 365, Scaled: true, SinceDay: 980}); !slices.Contains(plan.Columns, since) {
		t.Errorf("%s is not among %v", since, plan.Columns)
	}
	if !slices.ContainsFunc(plan.LeftOut, func(l features.LeftOut) bool { return l.What == "windows of anything above 30d" }) {
		t.Errorf("%v", plan.LeftOut)
	}
	rapid.Check(t, func(t *rapid.T) {
		c, o := many(rapid.IntRange(0, 40).Draw(t, "kinds"), rapid.Uint64Range(0, 1100).Draw(t, "receipts")), features.Options{MostColumns: rapid.IntRange(1, 300).Draw(t, "most")}
		plan, err := features.Choose(c, o)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[features.Column]bool{}
		for _, c := range plan.Columns {
			if err := c.Check(); err != nil || seen[c] {
				t.Fatalf("%s: %v, there twice: %v", c, err, seen[c])
			}
			seen[c] = true
		}
		if len(plan.Columns) > o.MostColumns {
			t.Fatalf("%d columns, at most %d are wanted", len(plan.Columns), o.MostColumns)
		}
	})
}

// BenchmarkAnything computes columns of anything where what people do, the same in all, is of few kinds or of many.
func BenchmarkAnything(b *testing.B) {
	const cids, days, each = 2 * segments.BlockCIDs, 180, 40_000 // a day
	now := time.Date(2026, 6, 30, 11, 0, 0, 0, time.UTC)
	for _, kinds := range []int{1, 5, 200} {
		home, err := segments.OpenHome(b.TempDir(), segments.Options{Clock: func() time.Time { return now }})
		if err != nil {
			b.Fatal(err)
		}
		app, err := home.CreateApp("", "UTC")
		if err != nil {
			b.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, uint64(kinds)))
		for day := range days {
			at := now.UnixMilli()/86_400_000*86_400_000 - int64(days-1-day)*86_400_000
			events := make([]batch.Events, kinds)
			for range each {
				e := &events[random.IntN(kinds)]
				e.CIDs.Packed = append(e.CIDs.Packed, packedOf(random.IntN(cids))...)
				e.TimesMillis = append(e.TimesMillis, at)
			}
			_, err := app.Write(b.Context(), segments.WriteRequest{Build: func(w *batch.Builder) error {
				row := 0
				for k, e := range events {
					e.Name = fmt.Sprintf("kind %d", k)
					if err := w.EventColumns(row, e); err != nil {
						return err
					}
					row += len(e.TimesMillis)
				}
				return nil
			}})
			if err != nil {
				b.Fatal(err)
			}
		}
		v := pinned(b, app)
		ofAnything := parsed(b, `recency(anything, within 365d)`, `count(anything, within 7d)`, `count(anything, within 30d)`, `count(anything, within 90d)`, `count(anything, within 180d)`, `days(anything, within 7d)`,
			`days(anything, within 30d)`, `days(anything, within 90d)`, `days(anything, within 180d)`, `gap(anything, within 365d)`, `pace(anything, within 365d)`, `habit(anything, 30d, within 365d)`, `chance(anything, 30d, within 365d)`)
		of := map[string][]features.Column{"anything": ofAnything}
		for k := range min(kinds, 2) {
			for _, c := range ofAnything {
				c.Anything, c.Name = false, fmt.Sprintf("kind %d", k)
				of["events"] = append(of["events"], c)
			}
		}
		of["both"] = slices.Concat(of["events"], of["anything"])
		for _, what := range []string{"events", "anything", "both"} {
			for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
				b.Run(fmt.Sprintf("kinds=%d/of=%s/columns=%d/workers=%d", kinds, what, len(of[what]), workers), func(b *testing.B) {
					for b.Loop() {
						walk := features.Walk{View: v, Columns: of[what], Workers: workers}
						if err := walk.Each(b.Context(), func(features.Block) error { return nil }); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(cids)*float64(b.N)/b.Elapsed().Seconds()/1e6, "MCIDs/s")
				})
			}
		}
		v.Close()
		if err := home.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
