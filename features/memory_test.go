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
	if len(m.list) != 1 {
		t.Errorf("%d are kept of one kind", len(m.list))
	}
	v := s.yesterday()
	past, err := v.Before(v.Day() - 3)
	if err != nil {
		t.Fatal(err)
	}
	if s.ask(m, past, 30)[0] == first || s.ask(m, v, 30)[0] != first {
		t.Error("an earlier day has what is of a later one, or takes it away")
	}
	if kinds := s.ask(m, v, 30, 7, 14); kinds[0] == kinds[1] || s.ask(m, v, 14, 30)[1] != kinds[0] || s.ask(m, v, 7)[0] != kinds[1] {
		t.Error("spans are mixed up, or forgotten")
	}
	for days := range 3 * maxPopularities {
		s.ask(m, v, days+1)
	}
	if n := len(m.list); n != maxPopularities || m.list[n-1].days != 3*maxPopularities {
		t.Errorf("%d are kept, the last of %d days", n, m.list[n-1].days)
	}
}

// TestMemoryOfProperties holds that what is popular of one property is not taken for what is of another.
func TestMemoryOfProperties(t *testing.T) {
	s, m := newShop(t), NewMemory()
	v := s.yesterday()
	var of []*popularity
	for _, property := range []string{"item", "other", "item", "other"} {
		source, err := m.NewSource(t.Context(), v, popularityOf(property, 30), nil)
		if err != nil {
			t.Fatal(err)
		}
		of = append(of, source.popularities[0])
	}
	if of[0].property != "item" || of[1].property != "other" || of[2] != of[0] || of[3] != of[1] {
		t.Error("properties are mixed up, or forgotten")
	}
}

// TestMemoryIsBounded holds that what takes too much is not kept, alone or with others.
func TestMemoryIsBounded(t *testing.T) {
	s, m := newShop(t), NewMemory()
	source, err := newSource(s.yesterday(), popularityOf("item", 30), nil)
	if err != nil {
		t.Fatal(err)
	}
	large := func(days, values int) *popularity {
		p := newPopularity(popularityOf("item", days)[0])
		for i := range values {
			p.ranks.set(int64(i)<<1|1, 1)
		}
		p.read = true
		return p
	}
	third := maxRememberedBytes / 40 / 3
	for i, c := range []struct{ values, kept int }{{3*third + 10, 0}, {third, 1}, {third, 2}, {third, 3}, {third, 3}, {2 * third, 2}, {10, 2}, {2 * third, 2}, {3*third + 10, 2}} {
		m.memorise(source, []*popularity{large(i+1, c.values)})
		if len(m.list) != c.kept {
			t.Errorf("after number %d %d are kept, want %d", i, len(m.list), c.kept)
		}
	}
}

func popularityOf(property string, days int) []Column {
	return []Column{{Family: Popularity, Name: "buy", Property: property, SpanDays: days, WindowDays: 365}}
}

// askTogether has many ask for the same at once, each of whom notes what it got, and returns who waits for them all.
func askTogether(t *testing.T, m *Memory, v *segments.View, got []*popularity) *sync.WaitGroup {
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() {
			source, err := m.NewSource(t.Context(), v, popularityOf("item", 30), nil)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = source.popularities[0]
		})
	}
	return &wait
}

// TestMemoryOfMany holds that of many who ask for the same one reads.
func TestMemoryOfMany(t *testing.T) {
	s, m := newShop(t), NewMemory()
	v := s.yesterday()
	var all [16]*popularity
	wait := askTogether(t, m, v, all[:])
	wait.Wait()
	if i := slices.IndexFunc(all[:], func(p *popularity) bool { return p != all[0] || p == nil || !p.read }); i >= 0 {
		t.Errorf("number %d has another", i)
	}
}

// TestMemoryWaits holds that those who waited take what the one before them has read, that who waits can give up, whatever it is told as the cause, and that who
// gives up while reading makes place.
func TestMemoryWaits(t *testing.T) {
	s, m := newShop(t), NewMemory()
	v := s.yesterday()
	m.reading <- struct{}{}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the server stops"))
	if _, err := m.NewSource(ended, v, popularityOf("item", 7), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits and gives up: %v", err)
	}
	var all [8]*popularity
	wait := askTogether(t, m, v, all[:])
	time.Sleep(50 * time.Millisecond) // most of them wait by now
	<-m.reading
	wait.Wait()
	for i, p := range all {
		if p != all[0] {
			t.Errorf("number %d read again", i)
		}
	}
	for days := range 20 {
		if _, err := m.NewSource(ended, v, popularityOf("item", days+1), nil); err == nil {
			t.Error("it reads on")
		}
	}
	if len(m.reading) > 0 {
		t.Error("who gave up keeps the place")
	}
}
