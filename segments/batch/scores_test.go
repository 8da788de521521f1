package batch_test

import (
	"encoding/binary"
	"math/bits"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/batch"
)

// genScores gives a batch changes of scores.
func genScores(t *rapid.T, b *batch.Batch) {
	name := rapid.SampledFrom([]string{"churn", "pay soon"})
	generation := rapid.Uint64Min(1)
	b.ScoreDrops = rapid.SliceOfN(name, 0, 2).Draw(t, "drops")
	for range rapid.IntRange(0, 2).Draw(t, "chunks") {
		c := batch.ScoreChunk{Name: name.Draw(t, "name"), Generation: generation.Draw(t, "generation"), First: batch.ChunkAlign * rapid.Uint32Range(0, 1<<16-1).Draw(t, "first")}
		c.Ordinals = rapid.IntRange(0, 200).Draw(t, "ordinals")
		c.Present = make([]uint64, (c.Ordinals+63)/64)
		for i := range c.Ordinals {
			if rapid.Bool().Draw(t, "present") {
				c.Present[i/64] |= 1 << (i % 64)
				c.Codes = append(c.Codes, rapid.Uint16().Draw(t, "code"))
			}
		}
		b.ScoreChunks = append(b.ScoreChunks, c)
	}
	if rapid.Bool().Draw(t, "publish") || len(b.ScoreDrops)+len(b.ScoreChunks) == 0 {
		b.ScorePublishes = []batch.ScorePublish{{
			Name: name.Draw(t, "name"), Generation: generation.Draw(t, "generation"), Version: "2026-01-31 a",
			AsOfMillis: rapid.Int64Range(0, batch.MaxMillis).Draw(t, "as of"), Definition: rapid.SampledFrom([]string{"", "5d41402a"}).Draw(t, "definition"),
		}}
	}
}

func TestScoreChunkCheck(t *testing.T) {
	good := func() batch.ScoreChunk {
		return batch.ScoreChunk{Name: "churn", Generation: 1, First: batch.ChunkAlign, Ordinals: 70, Present: []uint64{5, 1 << 5}, Codes: []uint16{0, 65535, 7}}
	}
	for _, c := range []struct {
		name   string
		change func(*batch.ScoreChunk)
		wrong  string
	}{
		{"good", func(*batch.ScoreChunk) {}, ""},
		{"nobody", func(c *batch.ScoreChunk) { c.Ordinals, c.Present, c.Codes = 0, nil, nil }, ""},
		{"the last ordinals", func(c *batch.ScoreChunk) { c.First = 1<<32 - batch.ChunkAlign }, ""},
		{"whole words", func(c *batch.ScoreChunk) { c.Ordinals = 128 }, ""},
		{"no name", func(c *batch.ScoreChunk) { c.Name = "" }, "name is empty"},
		{"long name", func(c *batch.ScoreChunk) { c.Name = strings.Repeat("x", 257) }, "257 bytes"},
		{"control character", func(c *batch.ScoreChunk) { c.Name = "a\nb" }, "control character"},
		{"generation 0", func(c *batch.ScoreChunk) { c.Generation = 0 }, "counted from 1"},
		{"within a block", func(c *batch.ScoreChunk) { c.First = 64 }, "multiple of"},
		{"less than none", func(c *batch.ScoreChunk) { c.Ordinals = -1 }, "up to"},
		{"too many", func(c *batch.ScoreChunk) { c.Ordinals = batch.MaxChunkOrdinals + 1 }, "up to"},
		{"beyond all ordinals", func(c *batch.ScoreChunk) {
			c.First, c.Ordinals = 1<<32-batch.ChunkAlign, batch.ChunkAlign+1
			c.Present = make([]uint64, batch.ChunkAlign/64+1)
		}, "no more than"},
		{"too few words", func(c *batch.ScoreChunk) { c.Present = c.Present[:1] }, "words"},
		{"too many words", func(c *batch.ScoreChunk) { c.Present = append(c.Present, 0) }, "words"},
		{"present behind the end", func(c *batch.ScoreChunk) { c.Present[1] = 1 << 6 }, "more present"},
		{"too few codes", func(c *batch.ScoreChunk) { c.Codes = c.Codes[:2] }, "2 codes for 3 present"},
		{"too many codes", func(c *batch.ScoreChunk) { c.Codes = append(c.Codes, 1) }, "4 codes for 3 present"},
	} {
		chunk := good()
		c.change(&chunk)
		err := chunk.Check()
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %q", c.name, err, c.wrong)
		}
		// What cannot be is not read either.
		b := &batch.Batch{ScoreChunks: []batch.ScoreChunk{chunk}}
		if chunk.Ordinals >= 0 && len(chunk.Present) == (chunk.Ordinals+63)/64 && len(chunk.Codes) == count(chunk.Present) {
			if _, err := batch.Decode(b.AppendTo(nil)); (err == nil) != (c.wrong == "") {
				t.Errorf("%s: decoded: %v", c.name, err)
			}
		}
	}
}

func count(words []uint64) (n int) {
	for _, w := range words {
		n += bits.OnesCount64(w)
	}
	return n
}

func TestScorePublishCheck(t *testing.T) {
	good := batch.ScorePublish{Name: "churn", Generation: 1, Version: "v1", AsOfMillis: 5}
	for _, c := range []struct {
		name   string
		change func(*batch.ScorePublish)
		fine   bool
	}{
		{"good", func(*batch.ScorePublish) {}, true},
		{"with a definition", func(p *batch.ScorePublish) { p.Definition = "abc" }, true},
		{"no name", func(p *batch.ScorePublish) { p.Name = "" }, false},
		{"generation 0", func(p *batch.ScorePublish) { p.Generation = 0 }, false},
		{"no version", func(p *batch.ScorePublish) { p.Version = "" }, false},
		{"long version", func(p *batch.ScorePublish) { p.Version = strings.Repeat("x", 257) }, false},
		{"long definition", func(p *batch.ScorePublish) { p.Definition = strings.Repeat("x", 257) }, false},
		{"before 1970", func(p *batch.ScorePublish) { p.AsOfMillis = -1 }, false},
		{"after 2105", func(p *batch.ScorePublish) { p.AsOfMillis = batch.MaxMillis + 1 }, false},
	} {
		p := good
		c.change(&p)
		b := &batch.Batch{ScorePublishes: []batch.ScorePublish{p}}
		_, decoded := batch.Decode(b.AppendTo(nil))
		if err := p.Check(); (err == nil) != c.fine || (decoded == nil) != c.fine {
			t.Errorf("%s: %v, decoded %v", c.name, err, decoded)
		}
	}
}

// TestDecodeScoresTakesNoMemory reads a few bytes that promise a chunk of the greatest size.
func TestDecodeScoresTakesNoMemory(t *testing.T) {
	whole := &batch.Batch{ScoreChunks: []batch.ScoreChunk{{Name: "churn", Generation: 1, Ordinals: batch.MaxChunkOrdinals, Present: make([]uint64, batch.MaxChunkOrdinals/64)}}}
	data := whole.AppendTo(nil)
	at := slices.Index(data, 'n') + 1 // generation, first and ordinals follow
	for data[at-1] != 'n' || data[at-2] != 'r' {
		at++
	}
	short := binary.AppendUvarint(append(slices.Clone(data[:at]), 1, 0), batch.MaxChunkOrdinals)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := batch.Decode(short); err == nil {
			t.Fatal("a chunk without its words is read")
		}
	}
	runtime.ReadMemStats(&after)
	if bytes := (after.TotalAlloc - before.TotalAlloc) / 100; bytes > 4096 {
		t.Errorf("%d bytes for a chunk that is not there", bytes)
	}
	if _, err := batch.Decode(data); err != nil {
		t.Error(err)
	}
}
