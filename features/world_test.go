package features_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// happening is an event as a test knows it.
type happening struct {
	cid, name string
	millis    int64
	utc       int64 // minutes, or batch.NoOffset
	numbers   map[string]value.Decimal
	texts     map[string]string
}

// profile is what a test knows of the present state of a CID.
type profile struct {
	cid        string
	millis     int64
	tags       []string
	attributes map[string]value.Value
}

// history is what a store is filled with.
type history struct {
	zone   *time.Location
	now    time.Time
	events []happening
	people []profile
}

// before returns the history as if nothing had been recorded from a day on.
func (h history) before(day int32) history {
	past := h
	past.events, past.people = nil, nil
	for _, e := range h.events {
		if dayOf(h.zone, e.millis) < day {
			past.events = append(past.events, e)
		}
	}
	for _, p := range h.people {
		if dayOf(h.zone, p.millis) < day {
			past.people = append(past.people, p)
		}
	}
	return past
}

func dayOf(zone *time.Location, millis int64) int32 {
	y, m, d := time.UnixMilli(millis).In(zone).Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// open fills a store in a directory with a history, some records at a time.
func (h history) open(t fataler, dir string, batchRecords int) (app *segments.App, closed func()) {
	t.Helper()
	home, err := segments.OpenHome(dir, segments.Options{Clock: func() time.Time { return h.now }})
	if err != nil {
		t.Fatal(err)
	}
	if app, err = home.CreateApp("", h.zone.String()); err != nil {
		t.Fatal(err)
	}
	write := func(n int, build func(b *batch.Builder, i int)) {
		for from := 0; from < n; from += batchRecords {
			result, err := app.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
				for i := from; i < min(from+batchRecords, n); i++ {
					build(b, i)
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Rejects) > 0 {
				t.Fatalf("rejected: %+v", result.Rejects[0])
			}
		}
	}
	write(len(h.events), func(b *batch.Builder, i int) {
		e := h.events[i]
		record := batch.Event{CID: e.cid, Name: e.name, TimeMillis: e.millis, OffsetMinutes: e.utc}
		for name, d := range e.numbers {
			record.Properties = append(record.Properties, batch.Named{Name: name, Value: value.Num(d)})
		}
		for name, s := range e.texts {
			record.Properties = append(record.Properties, batch.Named{Name: name, Value: value.Text(s)})
		}
		b.Event(i, record)
	})
	write(len(h.people), func(b *batch.Builder, i int) {
		p := h.people[i]
		change := batch.ProfileChange{CID: p.cid, TimeMillis: p.millis}
		for name, v := range p.attributes {
			change.Set = append(change.Set, batch.Named{Name: name, Value: v})
		}
		b.Profile(i, change)
		for _, tag := range p.tags {
			b.Tag(i, batch.TagChange{CID: p.cid, Tag: tag, TimeMillis: p.millis})
		}
	})
	return app, func() {
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// pinned returns a view of everything that was written.
func pinned(t fataler, app *segments.App) *segments.View {
	t.Helper()
	status, err := app.Status()
	if err != nil {
		t.Fatal(err)
	}
	v, err := app.View(context.Background(), segments.ReadOptions{AtLeastPosition: status.DurablePosition})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// rowsOf returns the CIDs of a block's ordinals.
func rowsOf(v *segments.View, block int, ordinals []uint16) []string {
	all := make([]uint32, len(ordinals))
	for i, x := range ordinals {
		all[i] = uint32(block)<<16 | uint32(x)
	}
	var cids batch.CIDs
	v.ReadCIDs(&cids, all)
	names := make([]string, len(all))
	for i := range names {
		names[i] = cids.At(i)
	}
	return names
}

func decimal(t fataler, coefficient int64, scale int) value.Decimal {
	d, err := value.NewDecimal(coefficient, scale)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func cidOf(i int) string { return fmt.Sprintf("c%06d", i) }

func everyone() expr.Node { return expr.Everyone{} }
