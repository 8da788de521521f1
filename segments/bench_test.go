package segments_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

func benchApp(b *testing.B) *segments.App {
	b.Helper()
	home, err := segments.OpenHome(b.TempDir(), segments.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { home.Close() })
	a, err := home.CreateApp("", "Europe/London")
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// BenchmarkWrite writes batches of 8,192 events of 200,000 CIDs on 30 days, until all of them can be seen.
func BenchmarkWrite(b *testing.B) {
	const size, batches = 8192, 16
	rng := rand.New(rand.NewPCG(1, 2))
	now := time.Now().UnixMilli()
	rows := make([][]batch.Event, batches)
	for i := range rows {
		for range size {
			var cid [16]byte
			binary.LittleEndian.PutUint64(cid[:], rng.Uint64N(200_000)*0x9e3779b97f4a7c15)
			rows[i] = append(rows[i], batch.Event{CID: hex.EncodeToString(cid[:]), Name: "open", TimeMillis: now - rng.Int64N(30*86400_000), OffsetMinutes: 60,
				Properties: []batch.Named{{Name: "amount", Value: value.Num(value.Decimal{Coef: rng.Int64N(10000), Scale: 2})}, {Name: "source", Value: value.Text([]string{"push", "mail", "web"}[rng.IntN(3)])}}})
		}
	}
	run := func(b *testing.B, build func(to *batch.Builder, events []batch.Event) error) {
		a := benchApp(b)
		ctx := context.Background()
		var last segments.WriteResult
		i := 0
		for b.Loop() {
			var err error
			last, err = a.Write(ctx, segments.WriteRequest{Build: func(to *batch.Builder) error { return build(to, rows[i%batches]) }})
			if err != nil || last.Accepted != size {
				b.Fatal(last, err)
			}
			i++
		}
		v, err := a.View(ctx, segments.ReadOptions{AtLeastPosition: last.Position})
		if err != nil {
			b.Fatal(err)
		}
		v.Close()
		b.ReportMetric(float64(i)*size/b.Elapsed().Seconds(), "events/s")
	}
	b.Run("rows", func(b *testing.B) {
		run(b, func(to *batch.Builder, events []batch.Event) error {
			for i := range events {
				to.Event(i, events[i])
			}
			return nil
		})
	})
	b.Run("columns", func(b *testing.B) {
		run(b, func(to *batch.Builder, events []batch.Event) error {
			e := batch.Events{Name: "open", CIDs: batch.CIDs{Packed: make([]byte, 16*len(events))}, TimesMillis: make([]int64, len(events)), Props: []batch.Column{
				{Name: "amount", Kinds: make([]value.Kind, len(events)), Data: make([]int64, len(events)), Scales: make([]uint8, len(events))},
				{Name: "source", Kinds: make([]value.Kind, len(events)), Data: make([]int64, len(events)), Strings: []string{"push", "mail", "web"}},
			}}
			for i := range events {
				if !batch.Pack((*[16]byte)(e.CIDs.Packed[16*i:]), events[i].CID) {
					panic("not packed")
				}
				e.TimesMillis[i] = events[i].TimeMillis
				amount := events[i].Properties[0].Value.Num
				e.Props[0].Kinds[i], e.Props[0].Data[i], e.Props[0].Scales[i] = value.Number, amount.Coef, amount.Scale
				e.Props[1].Kinds[i], e.Props[1].Data[i] = value.String, int64(i%3)
			}
			return to.EventColumns(0, e)
		})
	})
}

// BenchmarkRetail counts the expressions of the reference figures over data that is in memory.
func BenchmarkRetail(b *testing.B) {
	a := benchApp(b)
	loadRetail(b, a)
	status, err := a.Status()
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for _, c := range retail {
		var asOf time.Time
		if c.asOf != "" {
			asOf = moment(b, c.asOf)
		}
		n := parsed(b, c.expression)
		b.Run(c.expression, func(b *testing.B) {
			v, err := a.View(ctx, segments.ReadOptions{AsOf: asOf, AtLeastPosition: status.DurablePosition})
			if err != nil {
				b.Fatal(err)
			}
			defer v.Close()
			for b.Loop() {
				if got, err := v.Count(ctx, n); err != nil || got != c.count {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// BenchmarkSelectMillion hands out 1,000,000 packed CIDs.
func BenchmarkSelectMillion(b *testing.B) {
	const total = 1_000_000
	a := benchApp(b)
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(1, 2))
	var last segments.WriteResult
	for from := 0; from < total; from += batch.MaxRecords {
		n := min(batch.MaxRecords, total-from)
		packed, times := make([]byte, 16*n), make([]int64, n)
		for i := range n {
			binary.LittleEndian.PutUint64(packed[16*i:], rng.Uint64())
			binary.LittleEndian.PutUint64(packed[16*i+8:], uint64(from+i))
			times[i] = time.Now().UnixMilli()
		}
		var err error
		last, err = a.Write(ctx, segments.WriteRequest{Build: func(to *batch.Builder) error {
			return to.EventColumns(0, batch.Events{Name: "open", CIDs: batch.CIDs{Packed: packed}, TimesMillis: times})
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	v, err := a.View(ctx, segments.ReadOptions{AtLeastPosition: last.Position})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	n := parsed(b, `did("open")`)
	for b.Loop() {
		got := 0
		selection, err := v.Select(ctx, n, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := selection.Each(func(cids *batch.CIDs) error { got += len(cids.Packed) / 16; return nil }); err != nil || got != total {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(b.N)*total/b.Elapsed().Seconds(), "CIDs/s")
}
