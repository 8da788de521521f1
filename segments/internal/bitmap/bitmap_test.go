package bitmap

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/internal/memory"
)

// members draws ascending distinct ordinals: scattered, clustered, dense, at the edges of blocks.
func members(t *rapid.T, label string) []uint32 {
	set := map[uint32]bool{}
	for range rapid.IntRange(0, 4).Draw(t, label+" pieces") {
		start := rapid.OneOf(
			rapid.Uint32Range(0, ShardOrdinals-1),
			rapid.Map(rapid.Uint32Range(0, ShardBlocks-1), func(k uint32) uint32 { return k << 16 }),
			rapid.Map(rapid.Uint32Range(1, ShardBlocks), func(k uint32) uint32 { return k<<16 - 1 }),
		).Draw(t, label+" start")
		step := rapid.SampledFrom([]uint32{1, 2, 7, 64, 900}).Draw(t, label+" step")
		for i := range rapid.SampledFrom([]uint32{1, 3, 511, 512, 513, 5000}).Draw(t, label+" length") {
			if x := start + i*step; x < ShardOrdinals {
				set[x] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func collect(b *Bitmap) []uint32 {
	all := []uint32{}
	b.Each(func(x uint32) { all = append(all, x) })
	return all
}

func TestBitmapAgainstSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := members(t, "first")
		b := New(want)
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			add := members(t, "add")
			remove := slices.DeleteFunc(members(t, "remove"), func(x uint32) bool {
				_, found := slices.BinarySearch(add, x)
				return found
			})
			before := collect(b)
			next := b.Apply(add, remove)
			if !slices.Equal(collect(b), before) {
				t.Fatal("Apply changed its receiver")
			}
			set := map[uint32]bool{}
			for _, x := range append(want, add...) {
				set[x] = true
			}
			for _, x := range remove {
				delete(set, x)
			}
			b, want = next, slices.Sorted(maps.Keys(set))
		}
		if got := collect(b); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Fatalf("got %d members, want %d", len(got), len(want))
		}
		if b.Count() != len(want) {
			t.Fatalf("Count %d, want %d", b.Count(), len(want))
		}
		data, err := b.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(data, memory.Heap)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(collect(back), collect(b)) || back.Count() != b.Count() {
			t.Fatal("Decode(AppendTo) differs")
		}
		for _, x := range []uint32{0, 1, 65535, 65536, ShardOrdinals - 1, rapid.Uint32Range(0, ShardOrdinals-1).Draw(t, "probe")} {
			if _, found := slices.BinarySearch(want, x); b.Has(x) != found {
				t.Fatalf("Has(%d) = %v", x, !found)
			}
		}
	})
}

func TestBlockOperationsAgainstWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := New(members(t, "a")), New(members(t, "b"))
		for k := range ShardBlocks {
			var wa, wb Words
			if block := a.Block(k); block != nil {
				block.CopyTo(&wa)
			}
			block := b.Block(k)
			if block == nil {
				continue
			}
			block.CopyTo(&wb)
			for name, op := range map[string]struct {
				fast func(*Words)
				slow func(x, y uint64) uint64
			}{
				"or":     {block.OrInto, func(x, y uint64) uint64 { return x | y }},
				"and":    {block.AndInto, func(x, y uint64) uint64 { return x & y }},
				"andnot": {block.AndNotInto, func(x, y uint64) uint64 { return x &^ y }},
			} {
				got := wa
				op.fast(&got)
				for i := range got {
					if want := op.slow(wa[i], wb[i]); got[i] != want {
						t.Fatalf("%s, block %d, word %d: %x, want %x", name, k, i, got[i], want)
					}
				}
			}
		}
	})
}

func TestFill(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 1000, BlockOrdinals - 1, BlockOrdinals} {
		var w Words
		w.Fill(n)
		if w.Count() != n || n > 0 && !w.Has(uint16(n-1)) {
			t.Errorf("Fill(%d) sets %d bits", n, w.Count())
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range [][]uint32{nil, {0}, {1, 2, 3, 70000}, {ShardOrdinals - 1}} {
		data, err := New(m).AppendTo(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Decode(data, memory.Heap)
		if err != nil {
			return
		}
		if n := len(collect(b)); n != b.Count() {
			t.Fatalf("%d members, Count says %d", n, b.Count())
		}
	})
}
