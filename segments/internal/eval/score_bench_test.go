package eval

import (
	"fmt"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/index"
)

// writeScores publishes a generation of scores of the first cids; code says who has which.
func writeScores(t testing.TB, ix *index.Index, name string, generation uint64, cids int, code func(ordinal uint32) (code uint16, there bool)) {
	t.Helper()
	for first := 0; first < cids; first += batch.MaxChunkOrdinals {
		c := batch.ScoreChunk{Name: name, Generation: generation, First: uint32(first), Ordinals: min(batch.MaxChunkOrdinals, cids-first)}
		c.Present = make([]uint64, (c.Ordinals+63)/64)
		for i := range c.Ordinals {
			if x, there := code(c.First + uint32(i)); there {
				c.Present[i/64] |= 1 << (i % 64)
				c.Codes = append(c.Codes, x)
			}
		}
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		change(t, ix, &batch.Batch{ScoreChunks: []batch.ScoreChunk{c}})
	}
	change(t, ix, &batch.Batch{ScorePublishes: []batch.ScorePublish{{Name: name, Generation: generation, Version: fmt.Sprint("v", generation)}}})
}

func change(t testing.TB, ix *index.Index, b *batch.Batch) {
	t.Helper()
	b.ReceivedMillis = testDay * dayMillis
	if err := ix.Apply([]*batch.Batch{b}, ix.Position()+1); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkScores asks for a probability, and for the best, of everyone and of a tag.
func BenchmarkScores(b *testing.B) {
	for _, cids := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprintf("%dM", cids/1_000_000), func(b *testing.B) { benchmarkScores(b, cids) })
	}
}

func benchmarkScores(b *testing.B, cids int) {
	ix := newIndex(b)
	introduce(b, ix, cids)
	r := seeded(1)
	bell := func(uint32) (uint16, bool) { // log-odds about -1, most within 3
		return uint16(max(0, min(65535, 15*2048+r.NormFloat64()*3000))), r.IntN(20) > 0
	}
	writeScores(b, ix, "pay", 1, cids, bell)
	if _, err := ix.Checkpoint(func(uint64) []index.BatchID { return nil }, 0); err != nil {
		b.Fatal(err)
	}
	generation := uint64(1)
	b.Run("stage and publish", func(b *testing.B) {
		codes := make([]uint16, cids)
		for o := range codes {
			codes[o], _ = bell(uint32(o))
		}
		for b.Loop() {
			generation++
			writeScores(b, ix, "pay", generation, cids, func(o uint32) (uint16, bool) { return codes[o], true })
		}
	})
	if _, err := ix.Checkpoint(func(uint64) []index.BatchID { return nil }, 0); err != nil {
		b.Fatal(err)
	}
	e := envOf(b, ix)
	for _, text := range []string{
		`score("pay") >= 0.7`, `score("pay") between 0.2 and 0.4`,
		`top(100, score("pay"), everyone)`, `top(100000, score("pay"), everyone)`, `top(500000, score("pay"), everyone)`, `top(100000, score("pay"), sample(30%, "a"))`,
	} {
		n := parsed(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Count(b.Context(), n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
