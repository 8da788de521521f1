package segments_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
)

func count(t *testing.T, a *segments.App, o segments.ReadOptions, text string) uint64 {
	t.Helper()
	n, err := expr.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.View(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	count, err := v.Count(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// TestRetention goes through the life of two rules; the judge goes through thousands.
func TestRetention(t *testing.T) {
	ctx, clock, dir := context.Background(), newClock(time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)), t.TempDir()
	home, a := open(t, dir, segments.Options{Clock: clock.now, ClockPatience: -1})
	position := uint64(0)
	write := func(build func(b *batch.Builder)) {
		t.Helper()
		r, err := a.Write(ctx, segments.WriteRequest{Build: func(b *batch.Builder) error { build(b); return nil }})
		if err != nil || len(r.Rejects) > 0 {
			t.Fatal(r, err)
		}
		position = r.Position
	}
	retain := func(rule batch.Retention) {
		t.Helper()
		var err error
		if position, err = a.SetRetention(ctx, false, rule); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when, text string, want uint64) {
		t.Helper()
		if got := count(t, a, segments.ReadOptions{AtLeastPosition: position}, text); got != want {
			t.Errorf("%s: %s holds for %d, want %d", when, text, got, want)
		}
	}
	history := func(b *batch.Builder) {
		for day := range 10 { // one CID a day: c0 today, c9 nine days ago
			b.Event(day, batch.Event{CID: fmt.Sprint("c", day), Name: "open", ID: "x", OffsetMinutes: batch.NoOffset,
				TimeMillis: clock.now().AddDate(0, 0, -day).UnixMilli()})
		}
	}
	write(history)
	write(func(b *batch.Builder) {
		b.Tag(0, batch.TagChange{CID: "c0", Tag: "vip", TimeMillis: batch.NoTime})
		b.Tag(1, batch.TagChange{CID: "c1", Tag: "vip", TimeMillis: batch.NoTime, ExpiresMillis: clock.now().Add(time.Hour).UnixMilli()})
	})
	want("at first", `did("open")`, 10)

	retain(batch.Retention{Name: "open", KeepDays: 7})
	want("with 7 days", `did("open")`, 7)
	want("with 7 days", `count("open", within 30d) >= 1`, 7)
	want("with 7 days", `everyone`, 10)
	for text, warned := range map[string]bool{`did("open")`: false, `did("open", within 7d)`: false, `did("open", within 8d)`: true, `did("open", from 2026-01-01 to 2026-03-05)`: true} {
		v, err := a.View(ctx, segments.ReadOptions{AtLeastPosition: position})
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Warnings(parsed(t, text)); (len(got) > 0) != warned || warned && got[0].Reason != "BEYOND_RETENTION" {
			t.Errorf("%s: warnings %v", text, got)
		}
		v.Close()
	}
	if got := count(t, a, segments.ReadOptions{AsOf: clock.now().AddDate(0, 0, -5)}, `did("open")`); got != 2 {
		t.Errorf("as of five days ago %d, want the 2 who are still kept by today", got)
	}
	clock.advance(24 * time.Hour)
	want("a day later", `did("open")`, 6)

	retain(batch.Retention{Name: "open"})
	want("kept for ever again", `did("open")`, 6)
	clock.advance(-24 * time.Hour) // as history says it
	write(history)
	clock.advance(24 * time.Hour)
	want("written again", `did("open")`, 10)
	want("written again, with event ids", `count("open") = 1`, 10)

	retain(batch.Retention{Tag: true, Name: "vip", KeepDays: 2})
	want("tags count as set now", `tag("vip")`, 1)
	write(func(b *batch.Builder) { b.Tag(0, batch.TagChange{CID: "c5", Tag: "vip", TimeMillis: batch.NoTime}) })
	clock.advance(2*24*time.Hour - time.Minute)
	want("a minute before two days", `tag("vip")`, 2)
	clock.advance(time.Minute)
	want("after two days", `tag("vip")`, 0)
	clock.advance(2 * time.Hour)
	if err := a.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	want("after the sweep", `tag("vip")`, 0)

	status, err := a.Status()
	if err != nil || len(status.Retentions) != 1 || status.Tags[0].CIDs != 0 {
		t.Errorf("status: %+v, %v", status, err)
	}
	v, err := a.View(ctx, segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	why, err := v.ExplainCID(ctx, expr.Tag{Name: "vip"}, "c5")
	v.Close()
	if err != nil || !strings.Contains(why.Root.Evidence.Summary, "expired at") {
		t.Errorf("the sweep took the explanation along: %+v, %v", why.Root.Evidence, err)
	}
	for _, bad := range []batch.Retention{{}, {Name: "open", KeepDays: -1}, {Name: "open", KeepDays: batch.MaxKeepDays + 1}, {Tag: true, Name: strings.Repeat("x", 10_000)}} {
		reason := new(segments.Error)
		if _, err := a.SetRetention(ctx, false, bad); !errors.As(err, &reason) || reason.Reason != segments.RetentionInvalid {
			t.Errorf("%.40v: %v", bad, err)
		}
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	_, a = open(t, dir, segments.Options{Clock: clock.now, ClockPatience: -1})
	want("after a restart", `tag("vip")`, 0)
	if rules := a.Retentions(); len(rules) != 1 || rules[0] != (batch.Retention{Tag: true, Name: "vip", KeepDays: 2}) {
		t.Errorf("rules after a restart: %v", rules)
	}
}

// TestRetentionGivesDiskBack has old events leave the index, then log and snapshots.
func TestRetentionGivesDiskBack(t *testing.T) {
	ctx, clock, dir := context.Background(), newClock(time.Now()), t.TempDir()
	options := segments.Options{Clock: clock.now, ClockPatience: -1, CheckpointBytes: 1 << 20, LogSegmentBytes: 1 << 20, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	home, a := open(t, dir, options)
	const days, each = 60, 8000
	for day := range days {
		_, err := a.Write(ctx, segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range each {
				b.Event(i, batch.Event{CID: fmt.Sprintf("%032x", i), Name: "open", ID: fmt.Sprintf("%0100d", i), OffsetMinutes: batch.NoOffset,
					TimeMillis: clock.now().AddDate(0, 0, -day).UnixMilli()})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.SetRetention(ctx, false, batch.Retention{Name: "open", KeepDays: 2}); err != nil {
		t.Fatal(err)
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	before := diskUse(t, dir)
	for range 3 { // a day with little to write, and a restart at its end
		home, a = open(t, dir, options)
		if err := a.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		fill(t, a, int(clock.millis.Load()), int(clock.millis.Load())+1)
		clock.advance(25 * time.Hour)
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
	}
	after := diskUse(t, dir)
	t.Logf("MiB before and after: log %d, %d; index %d, %d; snapshots %d, %d",
		before["log"]>>20, after["log"]>>20, before["index"]>>20, after["index"]>>20, before["snapshots"]>>20, after["snapshots"]>>20)
	for _, part := range []string{"log", "index", "snapshots"} {
		if after[part] > max(before[part]/4, 4<<20) {
			t.Errorf("%s takes %d MiB, and %d before", part, after[part]>>20, before[part]>>20)
		}
	}
}

// diskUse returns the bytes of the files in each folder of the default app.
func diskUse(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	use := map[string]int64{}
	app := filepath.Join(dir, "apps", "default")
	err := filepath.WalkDir(app, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		part, _ := filepath.Rel(app, path)
		use[strings.Split(part, string(filepath.Separator))[0]] += info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return use
}

// TestRetentionOfAnIdleApp has what is no longer kept leave log and snapshots of an app that writes nothing more.
func TestRetentionOfAnIdleApp(t *testing.T) {
	ctx, clock, dir := context.Background(), newClock(time.Now()), t.TempDir()
	options := segments.Options{Clock: clock.now, ClockPatience: -1}
	home, a := open(t, dir, options)
	_, err := a.Write(ctx, segments.WriteRequest{Build: func(b *batch.Builder) error {
		b.Event(0, batch.Event{CID: "a", Name: "open", ID: "the needle in it", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetRetention(ctx, false, batch.Retention{Name: "open", KeepDays: 2}); err != nil {
		t.Fatal(err)
	}
	for day := 0; ; day++ {
		clock.advance(25 * time.Hour)
		if err := a.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, pattern := range []string{"log/*", "snapshots/*"} {
			for _, name := range files(t, dir, pattern) {
				if data, err := os.ReadFile(name); err != nil || strings.Contains(string(data), "the needle in it") {
					found = append(found, filepath.Base(name))
				}
			}
		}
		if len(found) == 0 {
			t.Logf("gone after %d days", day+1)
			break
		}
		if day == 8 {
			t.Fatalf("after %d days it is in %v", day+1, found)
		}
		home, a = open(t, dir, options)
	}
	_, a = open(t, dir, options)
	if n := count(t, a, segments.ReadOptions{}, "everyone"); n != 1 {
		t.Errorf("%d CIDs", n)
	}
}

// TestClockSetBackAfterASweep holds that what is written after a sweep by a clock that was ahead counts.
func TestClockSetBackAfterASweep(t *testing.T) {
	ctx, clock := context.Background(), newClock(time.Now())
	_, a := open(t, t.TempDir(), segments.Options{Clock: clock.now, ClockPatience: -1})
	write := func(cid string, lasts time.Duration) uint64 {
		t.Helper()
		r, err := a.Write(ctx, segments.WriteRequest{Build: func(b *batch.Builder) error {
			b.Tag(0, batch.TagChange{CID: cid, Tag: "vip", TimeMillis: batch.NoTime, ExpiresMillis: clock.now().Add(lasts).UnixMilli()})
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Position
	}
	position := write("early", time.Minute)
	count(t, a, segments.ReadOptions{AtLeastPosition: position}, "everyone")
	clock.advance(3 * time.Hour)
	if err := a.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	clock.advance(-3 * time.Hour)
	write("one", 90*time.Minute)
	position = write("two", 90*time.Minute)
	if n := count(t, a, segments.ReadOptions{AtLeastPosition: position}, `tag("vip")`); n != 2 {
		t.Errorf("%d bear the tag, want the 2 who got it after the clock was set back", n)
	}
	clock.advance(91 * time.Minute)
	if n := count(t, a, segments.ReadOptions{}, `tag("vip")`); n != 0 {
		t.Errorf("%d bear a tag that has expired", n)
	}
}
