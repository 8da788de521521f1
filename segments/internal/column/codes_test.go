package column

import (
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// TestReadCodes reads blocks of all layouts in bulk and one by one.
func TestReadCodes(t *testing.T) {
	wide, narrow, least := new([bitmap.BlockOrdinals]uint32), new([bitmap.BlockOrdinals]uint16), new([bitmap.BlockOrdinals]uint8)
	rapid.Check(t, func(t *rapid.T) {
		b := drawCodes(t)
		var who, there bitmap.Words
		part := rapid.Uint64().Draw(t, "part")
		for w := range who {
			who[w] = [...]uint64{^uint64(0), part, 1 << (part & 63), 0}[(uint64(w)+part)%4]
		}
		check := func(x uint16, got uint32, none uint32) {
			want := none
			cell, found := b.At(x)
			if found {
				want = uint32(cell.Data)
			}
			if got != want || there.Has(x) != found {
				t.Fatalf("%d at %d, want %d", got, x, want)
			}
		}
		ReadCodes(b, &who, wide, 1<<31, &there)
		who.Each(func(x uint16) bool { check(x, wide[x], 1<<31); return true })
		ReadCodes(b, &who, narrow, 7, &there)
		who.Each(func(x uint16) bool { check(x, uint32(narrow[x]), 7); return true })
		ReadCodes(b, &who, least, 7, &there)
		who.Each(func(x uint16) bool {
			if uint8(narrow[x]) != least[x] {
				t.Fatalf("%d at %d, want the lower byte of %d", least[x], x, narrow[x])
			}
			return true
		})
		there.AndNot(&who)
		if !there.Empty() {
			t.Fatal("others are there")
		}
	})
	var who, there bitmap.Words
	who.Fill(70)
	there.Fill(100)
	if ReadCodes(nil, &who, narrow, 9, &there); !there.Empty() || narrow[69] != 9 {
		t.Error("nothing has cells")
	}
}

func drawCodes(t *rapid.T) *Block {
	n := rapid.SampledFrom([]int{0, 30, sparseBelow - 1, sparseBelow, 40_000, bitmap.BlockOrdinals}).Draw(t, "cells")
	low := rapid.Uint64Range(0, 1<<15).Draw(t, "low")
	spread := rapid.SampledFrom([]uint64{1, 20, 255, 256, 5000, 1 << 15}).Draw(t, "spread")
	seed := rapid.Uint64().Draw(t, "seed")
	var present bitmap.Words
	values := make([]int64, bitmap.BlockOrdinals)
	for i := range n {
		x := i * bitmap.BlockOrdinals / n
		seed = seed*6364136223846793005 + 1442695040888963407
		present.Set(uint16(x))
		values[x] = int64(low + (seed>>33)%spread)
	}
	return Build(rapid.SampledFrom([]Form{Bytes, Planes}).Draw(t, "form"), 0, &present, values)
}

// BenchmarkReadCodes reads codes of 16 bits kept in planes.
func BenchmarkReadCodes(b *testing.B) {
	for name, spread := range map[string]int64{"16 bits": 1 << 16, "8 bits": 1 << 8} {
		b.Run(name, func(b *testing.B) {
			var present, there bitmap.Words
			present.Fill(bitmap.BlockOrdinals)
			values := make([]int64, bitmap.BlockOrdinals)
			for i := range values {
				values[i] = int64(i) * 40_503 % spread
			}
			block, to := Build(Planes, 0, &present, values), new([bitmap.BlockOrdinals]uint16)
			for b.Loop() {
				ReadCodes(block, &present, to, 0, &there)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/bitmap.BlockOrdinals, "ns/cell")
		})
	}
}
