package dict

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// sizes are how many CIDs benchmarks have; -short leaves the large one out.
func sizes() []int {
	if testing.Short() {
		return []int{1_000_000}
	}
	return []int{1_000_000, 10_000_000}
}

func packed(rng *rand.Rand, n int) []byte {
	all := make([]byte, n*batch.PackedBytes)
	for i := 0; i < len(all); i += 8 {
		binary.LittleEndian.PutUint64(all[i:], rng.Uint64())
	}
	return all
}

const batchRows = 1 << 16

func resolveAll(b *testing.B, d *CIDs, all []byte, ordinals []uint32) {
	for from := 0; from < len(all); from += batchRows * batch.PackedBytes {
		c := batch.CIDs{Packed: all[from:min(from+batchRows*batch.PackedBytes, len(all))]}
		if err := d.Resolve(&c, ordinals[:c.Len()]); err != nil {
			b.Fatal(err)
		}
	}
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkCIDs compares the dictionary with a Go map of packed CIDs, which knows ordinals only, and the slice that leads back.
func BenchmarkCIDs(b *testing.B) {
	for _, n := range sizes() {
		rng := rand.New(rand.NewPCG(1, 2))
		all := packed(rng, n)
		batches := make([]batch.CIDs, 64)
		ordinals := make([]uint32, batchRows)
		for i := range batches {
			for range batchRows {
				at := rng.IntN(n) * batch.PackedBytes
				batches[i].Packed = append(batches[i].Packed, all[at:at+batch.PackedBytes]...)
			}
		}
		perCID := func(b *testing.B, of int) {
			b.ReportMetric(float64(of)/1e6*float64(b.N)/b.Elapsed().Seconds(), "M/s")
		}
		b.Run(fmt.Sprintf("dict/%d/new", n), func(b *testing.B) {
			for b.Loop() {
				arena := memory.NewArena()
				d := NewCIDs(arena)
				resolveAll(b, d, all, ordinals)
				b.ReportMetric(float64(d.MemoryBytes())/float64(n), "B/CID")
				b.ReportMetric(float64(arena.ResidentBytes())/float64(n), "residentB/CID")
				b.StopTimer()
				d.content.free()
				b.StartTimer()
			}
			perCID(b, n)
		})
		d := NewCIDs(memory.NewArena())
		resolveAll(b, d, all, ordinals)
		b.Run(fmt.Sprintf("dict/%d/known", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if err := d.Resolve(&batches[i%len(batches)], ordinals); err != nil {
					b.Fatal(err)
				}
			}
			perCID(b, batchRows)
		})
		b.Run(fmt.Sprintf("dict/%d/unknown", n), func(b *testing.B) {
			others := batch.CIDs{Packed: packed(rng, batchRows*16)}
			for i := 0; b.Loop(); i++ {
				part := batch.CIDs{Packed: others.Packed[i%16*batchRows*batch.PackedBytes:][:batchRows*batch.PackedBytes]}
				d.FindAll(&part, ordinals)
			}
			perCID(b, batchRows)
		})
		texts := make([]batch.CIDs, 8)
		for i := range texts {
			for k := range batchRows {
				texts[i].Strings = append(texts[i].Strings, batches[i].At(k))
			}
		}
		b.Run(fmt.Sprintf("dict/%d/knownText", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				d.FindAll(&texts[i%len(texts)], ordinals)
			}
			perCID(b, batchRows)
		})
		b.Run(fmt.Sprintf("dict/%d/one", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				for k := range batchRows {
					d.Find(texts[i%len(texts)].Strings[k])
				}
			}
			perCID(b, batchRows)
		})
		random := make([][]uint32, 64)
		for i := range random {
			for range 8192 {
				random[i] = append(random[i], uint32(rng.IntN(n)))
			}
		}
		b.Run(fmt.Sprintf("dict/%d/read", n), func(b *testing.B) {
			var to batch.CIDs
			for i := 0; b.Loop(); i++ {
				d.Read(&to, random[i%len(random)])
			}
			perCID(b, 8192)
		})
		b.Run(fmt.Sprintf("dict/%d/load", n), func(b *testing.B) {
			var pieces [][]byte
			var counts []int
			for first := 0; first < n; first += ChunkCIDs {
				counts = append(counts, min(ChunkCIDs, n-first))
				pieces = append(pieces, d.AppendPiece(nil, first, min(ChunkCIDs, n-first)))
			}
			for b.Loop() {
				loaded := NewCIDs(memory.NewArena())
				if err := loaded.Load(counts, runtime.GOMAXPROCS(0), func(i int) ([]byte, error) { return pieces[i], nil }); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(loaded.MemoryBytes())/float64(n), "B/CID")
				b.StopTimer()
				loaded.content.free()
				b.StartTimer()
			}
			perCID(b, n)
		})
		before := heapBytes()
		m := map[key]uint32{}
		b.Run(fmt.Sprintf("map/%d/new", n), func(b *testing.B) {
			for b.Loop() {
				m = map[key]uint32{}
				for at := 0; at < len(all); at += batch.PackedBytes {
					m[key(all[at:])] = uint32(at / batch.PackedBytes)
				}
			}
			perCID(b, n)
		})
		b.Run(fmt.Sprintf("map/%d/known", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				for k := range ordinals {
					ordinals[k] = m[key(batches[i%len(batches)].Packed[k*batch.PackedBytes:])]
				}
			}
			perCID(b, batchRows)
			b.ReportMetric(float64(heapBytes()-before)/float64(n)+batch.PackedBytes, "B/CID")
		})
		b.Run(fmt.Sprintf("slice/%d/read", n), func(b *testing.B) {
			to := make([]byte, 0, 8192*batch.PackedBytes)
			for i := 0; b.Loop(); i++ {
				to = to[:0]
				for _, ordinal := range random[i%len(random)] {
					to = append(to, all[int(ordinal)*batch.PackedBytes:][:batch.PackedBytes]...)
				}
			}
			perCID(b, 8192)
		})
		runtime.KeepAlive(m)
	}
}
