package rhythm_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/features/weekend"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

func open(t testing.TB, zone string, now time.Time, fill func(b *batch.Builder)) *segments.App {
	t.Helper()
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	app, err := home.CreateApp("", zone)
	if err != nil {
		t.Fatal(err)
	}
	r, err := app.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error { fill(b); return nil }})
	if err != nil || len(r.Rejects) > 0 {
		t.Fatal(err, r.Rejects)
	}
	v, err := app.View(context.Background(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	return app
}

// readAll returns everybody by CID, with their events copied.
func readAll(t testing.TB, app *segments.App, v *segments.View, s rhythm.Source) map[string]rhythm.Person {
	t.Helper()
	r := rhythm.NewReader(context.Background(), v, app.Zone(), s)
	defer r.Close()
	people := map[string]rhythm.Person{}
	for block := range v.Blocks() {
		err := r.Block(block, func(persons []rhythm.Person) error {
			for _, p := range persons {
				var cids batch.CIDs
				v.ReadCIDs(&cids, []uint32{p.Ordinal})
				p.Events = slices.Clone(p.Events)
				people[cids.At(0)] = p
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return people
}

func TestReaderTellsLocalTime(t *testing.T) {
	at := func(text string) int64 {
		m, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return m.UnixMilli()
	}
	day := func(text string) int32 { return int32(at(text+"T00:00:00Z") / 86_400_000) }
	type event struct {
		name, at string
		offset   int64
	}
	people := []struct {
		cid, zone string
		events    []event
		days      []rhythm.Active
	}{
		{"own", "", []event{{"open", "2026-01-10T22:30:00Z", 330}}, []rhythm.Active{{Day: day("2026-01-11"), Hours: 1 << 4}}},
		{"profile", "Asia/Kathmandu", []event{{"open", "2026-01-10T22:30:00Z", batch.NoOffset}}, []rhythm.Active{{Day: day("2026-01-11"), Hours: 1 << 4}}},
		{"profile in summer", "America/New_York", []event{{"open", "2026-07-10T03:30:00Z", batch.NoOffset}, {"open", "2026-12-10T03:30:00Z", batch.NoOffset}},
			[]rhythm.Active{{Day: day("2026-07-09"), Hours: 1 << 23}, {Day: day("2026-12-09"), Hours: 1 << 22}}},
		{"traveller", "Asia/Kathmandu", []event{{"open", "2026-01-10T22:30:00Z", -300}}, []rhythm.Active{{Day: day("2026-01-10"), Hours: 1 << 17}}},
		{"app", "", []event{{"open", "2026-01-10T23:30:00Z", batch.NoOffset}}, []rhythm.Active{{Day: day("2026-01-11"), Hours: 1 << 0}}},
		{"no zone", "Nowhere/At_All", []event{{"open", "2026-01-10T23:30:00Z", batch.NoOffset}}, []rhythm.Active{{Day: day("2026-01-11"), Hours: 1 << 0}}},
		{"messaged", "", []event{{"push.displayed", "2026-01-10T10:00:00Z", batch.NoOffset}, {"push.clicked", "2026-01-10T10:05:00Z", batch.NoOffset}, {"open", "2026-01-10T12:05:00Z", batch.NoOffset}, {"push.sent", "2026-01-10T09:00:00Z", batch.NoOffset}, {"other", "2026-01-10T09:00:00Z", batch.NoOffset}},
			[]rhythm.Active{{Day: day("2026-01-10"), Hours: 1 << 13}}},
		{"silent", "Asia/Tokyo", nil, nil},
	}
	countryOf := func(cid string) string {
		if cid == "profile" {
			return "sa"
		}
		return "c-" + cid
	}
	now := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	app := open(t, "Europe/Berlin", now, func(b *batch.Builder) {
		row := 0
		for _, p := range people {
			change := batch.ProfileChange{CID: p.cid, TimeMillis: at("2026-01-09T00:00:00Z"), Set: []batch.Named{{Name: "country", Value: value.Text(countryOf(p.cid))}}}
			if p.zone != "" {
				change.Set = append(change.Set, batch.Named{Name: "zone", Value: value.Text(p.zone)})
			}
			b.Profile(row, change)
			row++
			for _, e := range slices.Backward(p.events) {
				b.Event(row, batch.Event{CID: p.cid, Name: e.name, TimeMillis: at(e.at), OffsetMinutes: e.offset})
				row++
			}
		}
	})
	v, err := app.View(context.Background(), segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	source := rhythm.DefaultSource()
	source.ZoneAttribute, source.CountryAttribute = "zone", "country"
	read := readAll(t, app, v, source)
	if len(read) != len(people) {
		t.Fatalf("%d people, want %d", len(read), len(people))
	}
	for _, p := range people {
		got := read[p.cid]
		if days := rhythm.ActiveDays(got.Events, nil); !slices.Equal(days, p.days) {
			t.Errorf("%s: %v, want %v", p.cid, days, p.days)
		}
		if country := v.AttributeText("country", got.Country); country != countryOf(p.cid) || got.Rest != weekend.Of(countryOf(p.cid)) {
			t.Errorf("%s: country %q, weekend %b", p.cid, country, got.Rest)
		}
		if got.HeardDay != day("2026-01-09") {
			t.Errorf("%s: heard of on day %d", p.cid, got.HeardDay)
		}
	}
	state := rhythm.State{}
	silent := read["silent"]
	if !silent.Zoned(&state) || silent.Offset(&state, 0) != 540 {
		t.Errorf("silent: zoned %v, offset %d", silent.Zoned(&state), silent.Offset(&state, 0))
	}
	far := read["traveller"]
	state.Add(far.Events[0])
	if got := far.Offset(&state, far.Events[0].Seconds+86400); got != -300 {
		t.Errorf("a traveller's clock is %d minutes ahead, want the one it was last seen with", got)
	}
}

// TestReaderAtAPastDay: a view of a past day reads what a store would that was closed then.
func TestReaderAtAPastDay(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	first := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	var all []rhythm.Event
	app := open(t, "UTC", now, func(b *batch.Builder) {
		for i := range 200 {
			at := first.Add(time.Duration(i*i%600) * time.Hour)
			b.Event(i, batch.Event{CID: "a", Name: "open", TimeMillis: at.UnixMilli(), OffsetMinutes: int64(i%3) * 60})
			all = append(all, rhythm.Event{Seconds: at.Unix(), OffsetMinutes: int16(i%3) * 60, Own: true})
		}
	})
	v, err := app.View(context.Background(), segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, days := range []int{1, 5, 20, 28} {
		cut := first.AddDate(0, 0, days)
		past, err := v.Before(int32(cut.Unix() / 86400))
		if err != nil {
			t.Fatal(err)
		}
		var want []rhythm.Event
		for _, e := range all {
			if e.Seconds < cut.Unix() {
				want = append(want, e)
			}
		}
		slices.SortFunc(want, func(a, b rhythm.Event) int {
			if a.Seconds != b.Seconds {
				return int(a.Seconds - b.Seconds)
			}
			return int(a.OffsetMinutes - b.OffsetMinutes)
		})
		if got := readAll(t, app, past, rhythm.DefaultSource())["a"].Events; !slices.Equal(got, want) {
			t.Errorf("%d days: %s, want %s", days, fmt.Sprint(got), fmt.Sprint(want))
		}
	}
}

// TestReaderInTurns: however few events are held at a time, everybody comes once with all of them.
func TestReaderInTurns(t *testing.T) {
	const people, events = 50, 400
	start := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	app := open(t, "UTC", start.AddDate(0, 2, 0), func(b *batch.Builder) {
		for i := range events {
			b.Event(i, batch.Event{CID: fmt.Sprintf("cid-%d", i*i%people), Name: "open", TimeMillis: start.Add(time.Duration(i) * 3 * time.Hour).UnixMilli(), OffsetMinutes: batch.NoOffset})
		}
	})
	v, err := app.View(context.Background(), segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	read := func(most uint32) (persons []rhythm.Person, turns int) {
		r := rhythm.NewReader(context.Background(), v, app.Zone(), rhythm.DefaultSource())
		defer r.Close()
		r.HoldAtMost(most)
		err := r.Block(0, func(some []rhythm.Person) error {
			turns++
			for _, p := range some {
				p.Events = slices.Clone(p.Events)
				persons = append(persons, p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return persons, turns
	}
	want, _ := read(events)
	for _, most := range []uint32{1, 7, 100} {
		got, turns := read(most)
		if turns < 3 || len(got) != len(want) {
			t.Fatalf("%d at a time: %d people in %d turns, want %d", most, len(got), turns, len(want))
		}
		for i := range got {
			if got[i].Ordinal != want[i].Ordinal || !slices.Equal(got[i].Events, want[i].Events) {
				t.Errorf("%d at a time: %v, want %v", most, got[i], want[i])
			}
		}
	}
}

// TestOwnOffsetOfTheApp holds that an offset that happens to be the app's says where the CID was, and that one that is not there is its profile's.
func TestOwnOffsetOfTheApp(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	app := open(t, "Europe/Lisbon", now, func(b *batch.Builder) {
		b.Profile(0, batch.ProfileChange{CID: "traveller", Set: []batch.Named{{Name: "zone", Value: value.Text("Asia/Tokyo")}}})
		for i, offset := range []int64{0, batch.NoOffset, 540, 60} {
			b.Event(i+1, batch.Event{CID: "traveller", Name: "open", TimeMillis: now.Add(time.Duration(i-10) * time.Hour).UnixMilli(), OffsetMinutes: offset})
		}
	})
	v, err := app.View(context.Background(), segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	source := rhythm.DefaultSource()
	source.ZoneAttribute = "zone"
	var got []int16
	for _, e := range readAll(t, app, v, source)["traveller"].Events {
		got = append(got, e.OffsetMinutes)
	}
	if want := []int16{0, 540, 540, 60}; !slices.Equal(got, want) {
		t.Errorf("offsets %v, want %v", got, want)
	}
}
