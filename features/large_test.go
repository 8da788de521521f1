package features_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// crowd is a seeded store: on every day a share of all CIDs did an event, now and then twice, with an amount in hundredths.
type crowd struct {
	cids, days int
	share      float64
	event      string
	now        time.Time
}

// fill writes the events, and calls each with them if it is not nil.
func (c crowd) fill(t testing.TB, dir string, each func(h happening)) *segments.App {
	t.Helper()
	home, err := segments.OpenHome(dir, segments.Options{Clock: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	app, err := home.CreateApp("", "Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	start := c.now.UnixMilli()/86_400_000*86_400_000 - int64(c.days-1)*86_400_000
	const most = 50_000
	var e batch.Events
	flush := func() {
		e.Name = c.event
		whole := e
		e = batch.Events{}
		if len(whole.TimesMillis) == 0 {
			return
		}
		if _, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error { return b.EventColumns(0, whole) }}); err != nil {
			t.Fatal(err)
		}
	}
	take := func(cid int, millis int64) {
		amount := 100 + random.Int64N(100_000)
		e.CIDs.Packed = append(e.CIDs.Packed, packedOf(cid)...)
		e.TimesMillis = append(e.TimesMillis, millis)
		if len(e.Props) == 0 {
			e.Props = []batch.Column{{Name: "amount"}}
		}
		p := &e.Props[0]
		p.Kinds, p.Data, p.Scales = append(p.Kinds, value.Number), append(p.Data, amount), append(p.Scales, 2)
		if each != nil {
			each(happening{cid: hexOf(cid), name: c.event, millis: millis, utc: batch.NoOffset, numbers: map[string]value.Decimal{"amount": decimal(t, amount, 2)}})
		}
		if len(e.TimesMillis) == most {
			flush()
		}
	}
	for cid := range c.cids { // so that they get their ordinals in order
		if cid%4 != 3 {
			take(cid, start)
		}
	}
	for day := range c.days {
		for cid := range c.cids {
			if random.Float64() < c.share {
				millis := start + int64(day)*86_400_000 + random.Int64N(86_400_000)
				if take(cid, millis); random.IntN(5) == 0 {
					take(cid, millis)
				}
			}
		}
	}
	flush()
	return app
}

// packedOf is the CID of hexOf, packed.
func packedOf(cid int) []byte {
	var packed [16]byte
	binary.BigEndian.PutUint64(packed[8:], uint64(cid))
	return packed[:]
}

func hexOf(cid int) string { return fmt.Sprintf("%032x", cid) }

func parsed(t testing.TB, texts ...string) (all []features.Column) {
	t.Helper()
	for _, text := range texts {
		c, err := features.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		all = append(all, c)
	}
	return all
}

// fortyColumns are columns of one event and all windows.
func fortyColumns(t testing.TB, event string) []features.Column {
	t.Helper()
	all := parsed(t, `tenure`)
	for _, w := range []int{1, 3, 7, 14, 30, 60, 90, 180, 365} {
		for _, f := range []features.Family{features.Count, features.Days, features.Sum} {
			c := features.Column{Family: f, Name: event, WindowDays: w}
			if f == features.Sum {
				c.Property = "amount"
			}
			all = append(all, c)
		}
	}
	for _, w := range []int{30, 90, 365} {
		for _, f := range []features.Family{features.Recency, features.Gap, features.Weekend} {
			all = append(all, features.Column{Family: f, Name: event, WindowDays: w})
		}
	}
	return append(all,
		features.Column{Family: features.Count, Name: event, WindowDays: 365, Scaled: true, SinceDay: 19_631},
		features.Column{Family: features.Days, Name: event, WindowDays: 365, Scaled: true, SinceDay: 19_631},
		features.Column{Family: features.Sum, Name: event, Property: "amount", WindowDays: 365, Scaled: true, SinceDay: 19_631},
		features.Column{Family: features.Night, Name: event, WindowDays: 90},
		features.Column{Family: features.Pace, Name: event, WindowDays: 365},
		features.Column{Family: features.Flow, Name: event, Property: "amount", WindowDays: 365},
		features.Column{Family: features.Typical, Name: event, Property: "amount", Around: 500, WindowDays: 365},
		features.Column{Family: features.Habit, Name: event, WindowDays: 365, SpanDays: 30},
		features.Column{Family: features.Chance, Name: event, WindowDays: 365, SpanDays: 30},
		features.Column{Family: features.Trend, Name: event, WindowDays: 7, LongDays: 30},
		features.Column{Family: features.Trend, Name: event, WindowDays: 30, LongDays: 365})
}

// TestManyBlocks computes columns where rows are dense and there are several blocks: by one goroutine and by several, for everyone
// and for some.
func TestManyBlocks(t *testing.T) {
	c := crowd{cids: 2*segments.BlockCIDs + 5000, days: 12, share: .03, event: "open", now: time.Date(2024, 4, 5, 11, 0, 0, 0, time.UTC)}
	byCID := map[string][]happening{}
	app := c.fill(t, t.TempDir(), func(h happening) { byCID[h.cid] = append(byCID[h.cid], h) })
	v := pinned(t, app)
	defer v.Close()
	past, err := v.Before(v.Day() - 1)
	if err != nil {
		t.Fatal(err)
	}
	columns := fortyColumns(t, "open")
	one := table(t, past, columns, nil, 1)
	several := table(t, past, columns, nil, 3)
	if len(one) != len(several) {
		t.Fatalf("%d CIDs by one goroutine, %d by several", len(one), len(several))
	}
	for cid, row := range one {
		if !slices.EqualFunc(row, several[cid], same) {
			t.Fatalf("%s: %v by one goroutine, %v by several", cid, row, several[cid])
		}
	}
	if min := c.cids * 3 / 4; len(one) < min || len(one) >= c.cids {
		t.Errorf("%d of %d CIDs had been heard of", len(one), c.cids)
	}
	somebody := byCID[hexOf(0)][0] // who did it on the first day
	somebody.cid = "somebody"
	for i := range 500 {
		cid := hexOf(i * (c.cids / 500))
		w := twin{history: history{zone: app.Zone(), events: append(slices.Clip(byCID[cid]), somebody)}, today: past.Day(), now: c.now.UnixMilli()}
		got := map[string][]float32{}
		if row := one[cid]; row != nil {
			got[cid] = row
		}
		w.check(t, got, columns, []string{cid})
	}
	who, err := expr.Parse(`count("open", within 7d) >= 3`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = features.Walk{View: past, Columns: columns, Members: who}.Each(t.Context(), func(b features.Block) error {
		for row, cid := range rowsOf(past, b.Number, b.Ordinals) {
			n++
			for i := range columns {
				if !same(b.Columns[i][row], one[cid][i]) {
					return fmt.Errorf("%s of %s is %v among some, %v among all", columns[i], cid, b.Columns[i][row], one[cid][i])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want, err := past.Count(t.Context(), who); err != nil || uint64(n) != want || n == 0 {
		t.Errorf("columns for %d, %d are selected, %v", n, want, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (features.Walk{View: past, Columns: columns}).Each(ctx, func(features.Block) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a walk that is cancelled: %v", err)
	}
	stop := errors.New("stop")
	if err := (features.Walk{View: past, Columns: columns, Workers: 3}).Each(t.Context(), func(features.Block) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a walk whose yield fails: %v", err)
	}
}

// TestRoom watches that a block takes no memory for each of its days once another one of the same shard has been computed. (The race
// detector has a few allocations of its own.)
func TestRoom(t *testing.T) {
	c := crowd{cids: 3 * segments.BlockCIDs, days: 40, share: .02, event: "open", now: time.Date(2024, 4, 5, 11, 0, 0, 0, time.UTC)}
	v := pinned(t, c.fill(t, t.TempDir(), nil))
	defer v.Close()
	source, err := features.NewSource(t.Context(), v, fortyColumns(t, "open"), nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := source.Extractor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	who, err := v.Members(t.Context(), expr.Everyone{})
	if err != nil {
		t.Fatal(err)
	}
	defer who.Close()
	var words segments.Words
	block := 0
	next := func() {
		if err := who.At(block, &words); err != nil {
			t.Fatal(err)
		}
		if _, _, err := x.Extract(block, &words); err != nil {
			t.Fatal(err)
		}
		block = (block + 1) % 3
	}
	for range 3 {
		next()
	}
	if allocs := testing.AllocsPerRun(6, next); allocs > 20 && !raceDetector {
		t.Errorf("a block with 40 days takes %v allocations", allocs)
	}
}

func BenchmarkColumns(b *testing.B) {
	c := crowd{cids: 4 * segments.BlockCIDs, days: 365, share: .03, event: "open", now: time.Date(2024, 4, 5, 11, 0, 0, 0, time.UTC)}
	app := c.fill(b, b.TempDir(), nil)
	v := pinned(b, app)
	defer v.Close()
	all := fortyColumns(b, "open")
	for _, columns := range [][]features.Column{all, onlyOf(all, features.Count, features.Days, features.Recency)} {
		for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(fmt.Sprintf("columns=%d/workers=%d", len(columns), workers), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					walk := features.Walk{View: v, Columns: columns, Workers: workers}
					if err := walk.Each(b.Context(), func(features.Block) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
				perSecond := float64(b.N) * float64(c.cids) / b.Elapsed().Seconds()
				b.ReportMetric(perSecond/1e6, "MCIDs/s")
				b.ReportMetric(perSecond*float64(len(columns))/1e6, "Mvalues/s")
			})
		}
	}
}

func onlyOf(columns []features.Column, families ...features.Family) (some []features.Column) {
	for _, c := range columns {
		if slices.Contains(families, c.Family) {
			some = append(some, c)
		}
	}
	return some
}
