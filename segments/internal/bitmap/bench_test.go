package bitmap

import (
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"whowhen.dev/whowhen/segments/internal/memory"
)

// The benchmarks are over 153 blocks, which is 10 million ordinals.
const benchBlocks = 153

func random(density float64, seed uint64) (blocks []Block, theirs *roaring.Bitmap) {
	r := rand.New(rand.NewPCG(seed, 1))
	theirs = roaring.New()
	for k := range benchBlocks {
		var w Words
		var members []uint32
		for x := range BlockOrdinals {
			if r.Float64() < density {
				w.Set(uint16(x))
				members = append(members, uint32(k)<<16|uint32(x))
			}
		}
		blocks = append(blocks, FromWords(&w))
		theirs.AddMany(members)
	}
	theirs.RunOptimize()
	return blocks, theirs
}

func BenchmarkAnd5(b *testing.B) {
	var ours [5][]Block
	var theirs [5]*roaring.Bitmap
	for i, density := range []float64{.5, .3, .1, .05, .2} {
		ours[i], theirs[i] = random(density, uint64(i))
	}
	want := 0
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			left := roaring.And(theirs[0], theirs[1])
			left.And(roaring.Or(theirs[2], theirs[3]))
			want = int(left.GetCardinality() - left.AndCardinality(theirs[4]))
		}
	})
	b.Run("ours", func(b *testing.B) {
		var c Conj
		got := 0
		for b.Loop() {
			got = 0
			for k := range benchBlocks {
				c.Reset()
				c.And(ours[0][k].words)
				c.And(ours[1][k].words)
				c.Or(ours[2][k].words, ours[3][k].words)
				c.Not(ours[4][k].words)
				got += c.Count()
			}
		}
		if want > 0 && got != want {
			b.Fatalf("%d, the library says %d", got, want)
		}
	})
}

func BenchmarkThreeOf30(b *testing.B) {
	for _, c := range []struct {
		name    string
		density float64
		days    int
	}{{"0.3 percent", .003, 30}, {"0.7 percent", .007, 30}, {"0.7 percent of 120 days", .007, 120}, {"3 percent", .03, 30}, {"20 percent", .2, 30}} {
		name, density := c.name, c.density
		days := make([][]Block, c.days)
		for d := range days {
			days[d], _ = random(density, uint64(d))
		}
		b.Run("adder "+name, func(b *testing.B) {
			var a Adder
			var out Words
			for b.Loop() {
				for k := range benchBlocks {
					a.Reset()
					for d := range days {
						a.Add(&days[d][k], 0)
					}
					a.AtLeast(3, &out)
				}
			}
		})
		b.Run("counters "+name, func(b *testing.B) {
			var c Counters
			var out Words
			for b.Loop() {
				for k := range benchBlocks {
					c.Reset()
					for d := range days {
						c.Add(&days[d][k], 1)
					}
					c.AtLeast(3, &out)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, density := range map[string]float64{"sparse": .001, "array": .03, "dense": .3} {
		blocks, _ := random(density, 1)
		row := &Bitmap{blocks: blocks[:ShardBlocks], present: 1<<ShardBlocks - 1}
		data, err := row.AppendTo(nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Decode(data, memory.Heap); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" encode", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := row.AppendTo(data[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
