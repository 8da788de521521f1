package features_test

import (
	"testing"
	"time"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// TestKnown checks from which day on an event is known that scaled columns are made of: that of anybody, also of another block, as far as the view
// tells, which may leave out what was late, and what retention hides.
func TestKnown(t *testing.T) {
	const dayMillis = 86_400_000
	start := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	now := start
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	app, err := home.CreateApp("", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	// did writes on a day what these CIDs did on an earlier one, at noon.
	did := func(written, day int, cids ...string) {
		now = start.AddDate(0, 0, written).Add(13 * time.Hour)
		_, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i, cid := range cids {
				b.Event(i, batch.Event{CID: cid, Name: "open", TimeMillis: start.UnixMilli() + int64(day)*dayMillis + dayMillis/2, OffsetMinutes: batch.NoOffset})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	everybody := someCIDs(segments.BlockCIDs + 1)
	first, last := everybody[0], everybody[segments.BlockCIDs]
	did(10, 10, everybody[:segments.BlockCIDs]...)
	did(14, 8, last) // in the second block, and six days late
	did(20, 20, first)
	v := pinned(t, app)
	defer v.Close()
	before := func(v *segments.View, day int) *segments.View {
		t.Helper()
		past, err := v.Before(v.Day() - 20 + int32(day))
		if err != nil {
			t.Fatal(err)
		}
		return past
	}
	columns := parsed(t, `count("open", per 26d)`, `count("open", per 2d)`, `count("open", within 26d)`)
	for _, c := range []struct {
		what string
		view *segments.View
		want []float32 // of the first CID
	}{
		{"all", v, []float32{2 * 26 / 13.0, 1, 2}},
		{"until the day before", before(v, 20), []float32{26 / 12.0, 0, 1}},
		{"until the second day of the first CID", before(v, 12), []float32{26 / 4.0, 1, 1}},
		{"the late aside", v.WithoutLate(map[string]int32{"open": 1}), []float32{2 * 26 / 11.0, 1, 2}},
		{"the late aside, until the day before", before(v.WithoutLate(map[string]int32{"open": 1}), 20), []float32{26 / 10.0, 0, 1}},
		{"before anybody", before(v, 8), nil},
	} {
		row := table(t, c.view, columns, nil, 2)[first]
		if len(row) != len(c.want) {
			t.Fatalf("%s: %v", c.what, row)
		}
		for i, want := range c.want {
			if row[i] != want {
				t.Errorf("%s: %s is %v, want %v", c.what, columns[i], row[i], want)
			}
		}
	}
	if _, err := app.SetRetention(t.Context(), false, batch.Retention{Name: "open", KeepDays: 5}); err != nil {
		t.Fatal(err)
	}
	kept := pinned(t, app)
	defer kept.Close()
	if got := table(t, kept, columns, nil, 1)[first]; got[0] != 26 || got[2] != 1 {
		t.Errorf("with what happened on day 20 alone: %v", got)
	}
	if _, err := features.NewExtractor(t.Context(), kept, parsed(t, `count("never", per 7d)`), nil); err != nil {
		t.Errorf("an event that nobody did: %v", err)
	}
}
