package index

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/value"
)

// knownCIDs has an index know so many CIDs, numbered as packedCID writes them.
func knownCIDs(tb testing.TB, n int) *Index {
	tb.Helper()
	st, err := store.Open(tb.TempDir(), store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { st.Close() })
	ix, err := New(st, time.UTC, NewHot(64<<20), func(err error) error { return err })
	if err != nil {
		tb.Fatal(err)
	}
	position := uint64(0)
	for first := 0; first < n; first += batch.MaxRecords {
		b := &batch.Batch{ReceivedMillis: 1e12, Profiles: []batch.Profiles{{}}}
		for i := first; i < min(n, first+batch.MaxRecords); i++ {
			b.Profiles[0].CIDs.Packed = packedCID(b.Profiles[0].CIDs.Packed, i)
		}
		position++
		if err := ix.Apply([]*batch.Batch{b}, position); err != nil {
			tb.Fatal(err)
		}
	}
	return ix
}

func packedCID(to []byte, i int) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(i)*0x9e3779b97f4a7c15)
	return binary.BigEndian.AppendUint64(to, uint64(i))
}

// someEvents returns events of known CIDs within the last hours, with a word and an amount.
func someEvents(random *rand.Rand, cids, events int, over time.Duration) *batch.Batch {
	b := &batch.Batch{ReceivedMillis: 1_700_000_000_000, Events: []batch.Events{{Name: "written", Props: make([]batch.Column, 2)}}}
	e := &b.Events[0]
	words, amounts := &e.Props[0], &e.Props[1]
	words.Name, amounts.Name = "category", "amount"
	for i := range 16 {
		words.Strings = append(words.Strings, fmt.Sprint("word ", i))
	}
	for range events {
		e.CIDs.Packed = packedCID(e.CIDs.Packed, random.IntN(cids))
		e.TimesMillis = append(e.TimesMillis, b.ReceivedMillis-random.Int64N(over.Milliseconds()))
		words.Kinds, words.Data = append(words.Kinds, value.String), append(words.Data, random.Int64N(16))
		amounts.Kinds, amounts.Data, amounts.Scales = append(amounts.Kinds, value.Number), append(amounts.Data, 100+random.Int64N(100_000)), append(amounts.Scales, 2)
	}
	return b
}

// BenchmarkApplyEvents applies batches of events of known CIDs upon each other, beginning anew after some.
func BenchmarkApplyEvents(b *testing.B) {
	for _, cids := range []int{1_000_000, 10_000_000} {
		for _, events := range []int{2_000, batch.MaxRecords} {
			b.Run(fmt.Sprintf("cids=%d/events=%d", cids, events), func(b *testing.B) {
				if cids > 1_000_000 && testing.Short() {
					b.Skip("many CIDs")
				}
				const rounds = 64
				ix := knownCIDs(b, cids)
				base := ix.newest()
				batches := make([]*batch.Batch, 8)
				random := rand.New(rand.NewPCG(1, 2))
				for i := range batches {
					batches[i] = someEvents(random, cids, events, 12*time.Hour)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					if i%rounds == 0 {
						ix.mu.Lock()
						ix.current = base
						ix.mu.Unlock()
					}
					if err := ix.Apply(batches[i%len(batches):][:1], ix.Position()+1); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
			})
		}
	}
}
