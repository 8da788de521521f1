package segments_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// TestDaysMark holds that marks are equal while the same is known of the days, and not when anything of them differs: what came, what is left out as
// late, what is kept, the moment, the event.
func TestDaysMark(t *testing.T) {
	now := time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	home, a := open(t, dir, segments.Options{Clock: func() time.Time { return now }})
	write := func(event string, daysAgo int, cids ...int) {
		t.Helper()
		_, err := a.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i, cid := range cids {
				b.Event(i, batch.Event{CID: fmt.Sprint(cid), Name: event, TimeMillis: now.AddDate(0, 0, -daysAgo).UnixMilli(), OffsetMinutes: batch.NoOffset})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	yesterday := func() *segments.View {
		t.Helper()
		status, err := a.Status()
		if err != nil {
			t.Fatal(err)
		}
		base, err := a.View(t.Context(), segments.ReadOptions{AtLeastPosition: status.DurablePosition})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(base.Close)
		v, err := base.Before(base.Day())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for day := range 20 {
		write("buy", day, 1, 2, 3)
		write("view", day, 1)
	}
	v := yesterday()
	from := v.Day() - 9
	mark := v.MarkDays("buy", from)
	differs := func(what string, other segments.DaysMark, want bool) {
		t.Helper()
		if mark.Equal(other) == want || other.Equal(mark) == want || !other.Equal(other) {
			t.Errorf("%s: differs %v, want %v", what, !want, want)
		}
	}
	differs("the same view", v.MarkDays("buy", from), false)
	differs("another view of the same", yesterday().MarkDays("buy", from), false)
	differs("another event", v.MarkDays("view", from), true)
	differs("an event that is not known", v.MarkDays("nothing", from), true)
	differs("a day more", v.MarkDays("buy", from-1), true)
	differs("without the late ones", v.WithoutLate(map[string]int32{"buy": 0}).MarkDays("buy", from), true)
	differs("without the late ones of another event", v.WithoutLate(map[string]int32{"view": 0}).MarkDays("buy", from), false)
	past, err := v.Before(v.Day())
	if err != nil {
		t.Fatal(err)
	}
	differs("an earlier moment", past.MarkDays("buy", from), true)
	write("buy", 0, 4)
	write("buy", 15, 4)
	write("view", 2, 4)
	differs("what came for other days, and of others", yesterday().MarkDays("buy", from), false)
	write("buy", 5, 4)
	differs("what came late", yesterday().MarkDays("buy", from), true)
	mark = yesterday().MarkDays("buy", from)
	if _, err := a.SetRetention(t.Context(), false, batch.Retention{Name: "buy", KeepDays: 5}); err != nil {
		t.Fatal(err)
	}
	differs("less is kept", yesterday().MarkDays("buy", from), true)
	mark = yesterday().MarkDays("buy", from)
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	if home, err = segments.OpenHome(dir, segments.Options{Clock: func() time.Time { return now }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { home.Close() })
	if a, err = home.ReadyApp(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	differs("the app opened again", yesterday().MarkDays("buy", from), true)
}

// TestDaysMarkOfMoments has what tells two marks apart be the moment alone, and how late events may be.
func TestDaysMarkOfMoments(t *testing.T) {
	now := time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	_, a := open(t, t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	r, err := a.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		b.Event(0, batch.Event{CID: "a", Name: "buy", TimeMillis: now.UnixMilli(), OffsetMinutes: batch.NoOffset})
		b.Event(1, batch.Event{CID: "b", Name: "buy", TimeMillis: now.Add(2 * time.Hour).UnixMilli(), OffsetMinutes: batch.NoOffset})
		return nil
	}})
	if err != nil || len(r.Rejects) > 0 {
		t.Fatal(err, r.Rejects)
	}
	view := func() *segments.View {
		v, err := a.View(t.Context(), segments.ReadOptions{AtLeastPosition: r.Position})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		return v
	}
	early := view()
	now = now.Add(3 * time.Hour)
	later := view()
	if early.MarkDays("buy", 0).Equal(later.MarkDays("buy", 0)) {
		t.Error("an event more counts, and the marks are equal")
	}
	late := func(days int32) segments.DaysMark {
		return later.WithoutLate(map[string]int32{"buy": days}).MarkDays("buy", 0)
	}
	if late(0).Equal(late(3)) || !late(3).Equal(late(3)) {
		t.Error("marks do not know how late events may be")
	}
}
