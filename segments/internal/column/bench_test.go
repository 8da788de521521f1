package column

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// ofMillions are as many blocks as 10 million CIDs have, so that the caches are as cold as in a query. Times are per block.
const ofMillions = 153

func benchBlocks(form Form, k int) []*Block {
	r := rand.New(rand.NewPCG(1, 2))
	blocks := make([]*Block, ofMillions)
	for i := range blocks {
		present := firstOf(bitmap.BlockOrdinals)
		present.AndNot(randomSet(r, 6000))
		blocks[i] = randomBlock(r, form, present, [2]int64{0, 1<<k - 1}, 1)
	}
	return blocks
}

func eachOf(b *testing.B, name string, blocks []*Block, f func(b *Block)) {
	b.Run(name, func(b *testing.B) {
		i := 0
		for b.Loop() {
			f(blocks[i])
			if i++; i == len(blocks) {
				i = 0
			}
		}
	})
}

// BenchmarkBetween compares planes and bytes with going over the values.
func BenchmarkBetween(b *testing.B) {
	for _, k := range []int{7, 10, 16, 24} {
		planes, bytes := benchBlocks(Planes, k), benchBlocks(Bytes, k)
		var out bitmap.Words
		everyone := firstOf(bitmap.BlockOrdinals)
		c, most := int64(1)<<k/3, int64(1)<<k-1
		for name, r := range map[string]Range{"above": {c, most}, "not above": {0, c}, "between": {c, 2 * c}, "equal": {c, c}} {
			eachOf(b, fmt.Sprintf("%s of %d/planes", name, k), planes, func(b *Block) { b.Between(&out, everyone, r) })
			eachOf(b, fmt.Sprintf("%s of %d/bytes", name, k), bytes, func(b *Block) { b.Between(&out, everyone, r) })
		}
		scratch := make([]int64, bitmap.BlockOrdinals)
		eachOf(b, fmt.Sprintf("above of %d/naive", k), bytes, func(b *Block) {
			for x, v := range b.values.Read(scratch[:b.values.Len()], 0) {
				if v > c {
					out.Set(uint16(x))
				}
			}
			out.And(b.present)
		})
	}
}

func BenchmarkInCodes(b *testing.B) {
	for _, k := range []int{7, 12} {
		blocks := benchBlocks(Planes, k)
		everyone := firstOf(bitmap.BlockOrdinals)
		var out bitmap.Words
		for _, runs := range []int{1, 3, 20, 40} {
			codes := make([]uint64, 1<<k/64)
			for i := range runs {
				codes[3*i>>6] |= 1 << (3 * i & 63)
			}
			eachOf(b, fmt.Sprintf("%d of %d", runs, k), blocks, func(b *Block) { b.InCodes(&out, everyone, codes) })
		}
	}
}

func BenchmarkSumOver(b *testing.B) {
	w := randomSet(rand.New(rand.NewPCG(1, 2)), 40_000)
	for _, form := range []Form{Bytes, Planes} {
		eachOf(b, fmt.Sprint(form), benchBlocks(form, 10), func(b *Block) { b.SumOver(w) })
	}
}

func BenchmarkApply(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, form := range []Form{Bytes, Planes} {
		for _, n := range []int{1, 430, 5000, 65536} {
			var changes []Change
			for _, x := range r.Perm(1 << 16)[:n] {
				changes = append(changes, Change{At: uint16(x), Set: true, Cell: Cell{Data: 1 + r.Int64N(1022)}})
			}
			sortChanges(changes)
			eachOf(b, fmt.Sprintf("%d/%d", form, n), benchBlocks(form, 10)[:20], func(b *Block) { b.Apply(changes) })
		}
		out := []Change{{At: 4, Set: true, Cell: Cell{Data: -2000}}}
		eachOf(b, fmt.Sprintf("%d/out of range", form), benchBlocks(form, 10)[:20], func(b *Block) { b.Apply(out) })
	}
	grown := Build(Bytes, 0, firstOf(60_000), make([]int64, 1<<16)).Apply([]Change{{At: 3, Set: true, Cell: Cell{Data: 1 << 20}}})
	more := []Change{{At: 60_000, Set: true, Cell: Cell{Data: 1 << 20}}, {At: 60_001, Set: true, Cell: Cell{Data: 1 << 20}}}
	eachOf(b, "append", []*Block{grown}, func(b *Block) { b.Apply(more) })
	few := Build(Bytes, 0, randomSet(r, 6000), make([]int64, 1<<16))
	eachOf(b, "few", []*Block{few}, func(b *Block) { b.Apply(more) })
}

func BenchmarkDecodeBlock(b *testing.B) {
	for _, form := range []Form{Bytes, Planes} {
		encoded, err := benchBlocks(form, 10)[0].AppendTo(nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(form), func(b *testing.B) {
			for b.Loop() {
				if _, err := DecodeBlock(encoded, memory.Heap); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMask is per 2,048 rows.
func BenchmarkMask(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int64{200, 60_000, 1 << 30, 1 << 50} {
		values := make([]int64, 2048)
		for i := range values {
			values[i] = r.Int64N(most)
		}
		c := NewInts(values)
		var mask [32]uint64
		b.Run(fmt.Sprintf("between/%d", c.width), func(b *testing.B) {
			for b.Loop() {
				c.Between(mask[:], 0, 2048, Range{most / 3, most / 2})
			}
		})
		codes := make([]uint64, 1000)
		b.Run(fmt.Sprintf("codes/%d", c.width), func(b *testing.B) {
			for b.Loop() {
				c.InCodes(mask[:], 0, 2048, codes)
			}
		})
	}
}
