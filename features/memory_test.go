package features

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// shopOfTests is an app in which fifty people took things on the last days.
type shopOfTests struct {
	*testing.T
	app *segments.App
	now time.Time
}

func newShop(t *testing.T) *shopOfTests {
	s := &shopOfTests{T: t, now: time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)}
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return s.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	if s.app, err = home.CreateApp("", "UTC"); err != nil {
		t.Fatal(err)
	}
	for i := range 400 {
		s.take("buy", i%40, i%50, fmt.Sprint("item ", i*i%23))
	}
	return s
}

// take has somebody take an item some days ago.
func (s *shopOfTests) take(event string, daysAgo, who int, item string) {
	s.Helper()
	_, err := s.app.Write(s.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		b.Event(0, batch.Event{CID: fmt.Sprint("cid ", who), Name: event, TimeMillis: s.now.AddDate(0, 0, -daysAgo).UnixMilli(), OffsetMinutes: batch.NoOffset,
			Properties: []batch.Named{{Name: "item", Value: value.Text(item)}}})
		return nil
	}})
	if err != nil {
		s.Fatal(err)
	}
}

// yesterday is the view of the end of the day before.
func (s *shopOfTests) yesterday() *segments.View {
	s.Helper()
	status, err := s.app.Status()
	if err != nil {
		s.Fatal(err)
	}
	base, err := s.app.View(s.Context(), segments.ReadOptions{AtLeastPosition: status.DurablePosition})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(base.Close)
	v, err := base.Before(base.Day())
	if err != nil {
		s.Fatal(err)
	}
	return v
}

// ask has a memory make a source of the view, and holds that it says what one without a memory does. It returns what is popular.
func (s *shopOfTests) ask(m *Memory, v *segments.View, days ...int) (kinds []*popularity) {
	s.Helper()
	var columns []Column
	for _, d := range days {
		columns = append(columns, Column{Family: Popularity, Name: "buy", Property: "item", SpanDays: d, WindowDays: 365})
	}
	source, err := m.NewSource(s.Context(), v, columns, nil)
	if err != nil {
		s.Fatal(err)
	}
	plain, err := NewSource(s.Context(), v, columns, nil)
	if err != nil {
		s.Fatal(err)
	}
	var told [2][][]float32
	for i, of := range []*Source{source, plain} {
		x, err := of.Extractor(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		_, values, err := x.Extract(0, nil)
		if err != nil {
			s.Fatal(err)
		}
		for _, c := range values {
			told[i] = append(told[i], slices.Clone(c))
		}
		x.Close()
	}
	for c := range columns {
		if !slices.EqualFunc(told[0][c], told[1][c], func(a, b float32) bool { return a == b || a != a && b != b }) || len(told[0][c]) == 0 {
			s.Fatalf("%s: %v with a memory, %v without", columns[c], told[0][c], told[1][c])
		}
	}
	return source.popularities
}

// TestMemory holds that everybody is read again only when what is counted of them has changed.
func TestMemory(t *testing.T) {
	s, m := newShop(t), NewMemory()
	first := s.ask(m, s.yesterday(), 30)[0]
	for _, test := range []struct {
		what   string
		change func()
		again  bool
	}{
		{"nothing", func() {}, false},
		{"an event of today", func() { s.take("buy", 0, 3, "item 1") }, false},
		{"another event", func() { s.take("view", 5, 3, "item 1") }, false},
		{"an event before the days that count", func() { s.take("buy", 31, 3, "item 1") }, false},
		{"nothing, and all memory that is not in use is free", runtime.GC, false},
		{"a late event of yesterday", func() { s.take("buy", 1, 3, "item 1") }, true},
		{"a late event of somebody new on the first day that counts", func() { s.take("buy", 30, 99, "item 1") }, true},
		{"a day more", func() { s.now = s.now.AddDate(0, 0, 1) }, true},
	} {
		test.change()
		next := s.ask(m, s.yesterday(), 30)[0]
		if (next != first) != test.again {
			t.Errorf("%s: read again %v", test.what, next != first)
		}
		first = next
	}
	past, err := s.yesterday().Before(s.yesterday().Day() - 3)
	if err != nil {
		t.Fatal(err)
	}
	if s.ask(m, past, 30)[0] == first {
		t.Error("an earlier day has what is of a later one")
	}
	if kinds := s.ask(m, past, 30, 7, 14); kinds[0] == kinds[1] || s.ask(m, past, 14, 30)[1] != kinds[0] || s.ask(m, past, 7)[0] != kinds[1] {
		t.Error("spans are mixed up, or forgotten")
	}
	for days := range 3 * maxPopularities {
		s.ask(m, past, days+1)
	}
	if len(m.list) != maxPopularities {
		t.Errorf("%d are kept", len(m.list))
	}
}

// TestMemoryOfMany holds that of many who ask for the same one reads, and that who waits can give up.
func TestMemoryOfMany(t *testing.T) {
	s, m := newShop(t), NewMemory()
	v := s.yesterday()
	var all [16]*popularity
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() {
			source, err := m.NewSource(t.Context(), v, []Column{{Family: Popularity, Name: "buy", Property: "item", SpanDays: 30, WindowDays: 365}}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			all[i] = source.popularities[0]
		})
	}
	wait.Wait()
	if i := slices.IndexFunc(all[:], func(p *popularity) bool { return p != all[0] || p == nil || !p.read }); i >= 0 {
		t.Errorf("number %d has another", i)
	}
	m.reading <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.NewSource(ctx, v, []Column{{Family: Popularity, Name: "buy", Property: "item", SpanDays: 7, WindowDays: 365}}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits and gives up: %v", err)
	}
}
