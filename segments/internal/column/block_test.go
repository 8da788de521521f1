package column

import (
	"bytes"
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// same says whether two cells stand for one number: blocks may bring cells to a larger scale.
func same(a, b Cell) bool {
	x, err := value.NewDecimal(a.Data, int(a.Scale))
	y, err2 := value.NewDecimal(b.Data, int(b.Scale))
	return err == nil && err2 == nil && x == y
}

func genChanges(t *rapid.T, scaled, dense bool) []Change {
	byPlace := map[uint16]Change{}
	n := rapid.IntRange(1, 40).Draw(t, "changes")
	for range n {
		c := Change{At: rapid.OneOf(rapid.Uint16(), rapid.Uint16Range(0, 50), rapid.Just(uint16(math.MaxUint16))).Draw(t, "at"), Set: rapid.IntRange(0, 3).Draw(t, "set") > 0}
		c.Cell.Data = rapid.OneOf(rapid.Int64Range(-1000, 1000), rapid.Int64Range(math.MinInt64+1, math.MaxInt64)).Draw(t, "data")
		if scaled {
			c.Cell.Scale = rapid.Uint8Range(0, value.MaxScale).Draw(t, "scale")
		}
		byPlace[c.At] = c
	}
	if dense {
		for x := uint16(100); x < 100+sparseBelow+100; x++ {
			byPlace[x] = Change{At: x, Set: true, Cell: Cell{Data: int64(x % 977)}}
		}
	}
	list := make([]Change, 0, len(byPlace))
	for _, c := range byPlace {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Change) int { return int(a.At) - int(b.At) })
	return list
}

// TestBlockAgainstMap makes changes to a block and to a map, with blocks small and large.
func TestBlockAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scaled := rapid.Bool().Draw(t, "scaled")
		want, b := map[uint16]Cell{}, &Block{}
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			changes := genChanges(t, scaled, rapid.IntRange(0, 9).Draw(t, "dense") == 0)
			before := b.Count()
			b2 := b.Apply(changes)
			if b.Count() != before {
				t.Fatal("Apply changed its receiver")
			}
			b = b2
			for _, c := range changes {
				if c.Set {
					want[c.At] = c.Cell
				} else {
					delete(want, c.At)
				}
			}
		}
		check := func(b *Block) {
			if b.Count() != len(want) || b.Present().Count() != len(want) {
				t.Fatalf("%d cells, want %d", b.Count(), len(want))
			}
			last := -1
			b.Each(func(x uint16, c Cell) {
				at, found := b.At(x)
				if w, there := want[x]; !there || !found || at != c || !same(w, c) || int(x) <= last {
					t.Fatalf("at %d: %+v and %+v, want %+v", x, c, at, w)
				}
				last = int(x)
			})
			for _, x := range []uint16{0, 7, 99, 5000, math.MaxUint16} {
				if _, found := b.At(x); found != (want[x] != Cell{} || has(want, x)) {
					t.Fatalf("At(%d): %v", x, found)
				}
			}
		}
		check(b)
		encoded, err := b.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := DecodeBlock(encoded)
		if err != nil {
			t.Fatal(err)
		}
		check(decoded)
		if scale, uniform := b.Uniform(); uniform && b.Count() > 0 {
			low := rapid.OneOf(rapid.Int64Range(-1001, 1001), rapid.Int64()).Draw(t, "low")
			high := rapid.OneOf(rapid.Int64Range(-1001, 1001), rapid.Int64()).Draw(t, "high")
			var w bitmap.Words
			var scratch [bitmap.BlockOrdinals]int64
			w.Set(3) // left over from before
			b.Match(&w, low, high, &scratch)
			matched := 0
			b.Each(func(x uint16, c Cell) {
				in := c.Data >= low && c.Data <= high
				if in {
					matched++
				}
				if c.Scale != scale || w.Has(x) != in {
					t.Fatalf("Match [%d, %d] at %d, %+v: %v", low, high, x, c, w.Has(x))
				}
			})
			if w.Count() != matched {
				t.Fatalf("Match sets %d bits, want %d", w.Count(), matched)
			}
		}
	})
}

func has(m map[uint16]Cell, x uint16) bool {
	_, found := m[x]
	return found
}

func TestInts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.SampledFrom([]int64{0, 1, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, math.MaxInt64}).Draw(t, "spread")
		base := rapid.Int64Range(math.MinInt64, math.MaxInt64-spread).Draw(t, "base")
		values := rapid.SliceOfN(rapid.Int64Range(base, base+spread), 0, 50).Draw(t, "values")
		c := NewInts(values)
		decoded, rest, err := DecodeInts(append(c.AppendTo(nil), "rest"...))
		if err != nil || string(rest) != "rest" {
			t.Fatal(err, rest)
		}
		for _, ints := range []*Ints{&c, &decoded} {
			if !slices.Equal(ints.All(), values) {
				t.Fatalf("%v, want %v", ints.All(), values)
			}
			for i, v := range values {
				if ints.At(i) != v {
					t.Fatalf("At(%d) = %d, want %d", i, ints.At(i), v)
				}
			}
			if n := len(values); n > 2 && !slices.Equal(ints.Read(make([]int64, n-2), 1), values[1:n-1]) {
				t.Fatal("Read from the middle")
			}
		}
	})
}

func FuzzDecodeBlock(f *testing.F) {
	for _, changes := range [][]Change{
		{{At: 1, Set: true, Cell: Cell{Data: 5}}},
		{{At: 1, Set: true, Cell: Cell{Data: math.MaxInt64}}, {At: 9, Set: true, Cell: Cell{Data: 1, Scale: 18}}},
	} {
		encoded, err := new(Block).Apply(changes).AppendTo(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBlock(data)
		if err != nil {
			return
		}
		n := 0
		b.Each(func(x uint16, c Cell) {
			if at, found := b.At(x); !found || at != c {
				t.Fatalf("At(%d) = %+v, Each says %+v", x, at, c)
			}
			n++
		})
		if n != b.Count() {
			t.Fatalf("%d cells, Count says %d", n, b.Count())
		}
		var w bitmap.Words
		var scratch [bitmap.BlockOrdinals]int64
		if _, uniform := b.Uniform(); uniform {
			b.Match(&w, -5, 5, &scratch)
		}
		_ = b.MemoryBytes()
		again, err := b.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := DecodeBlock(again)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := c.AppendTo(nil)
		if err != nil || !bytes.Equal(again, twice) {
			t.Fatalf("%x, then %x: %v", again, twice, err)
		}
	})
}

func TestDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 7, 300, 9000}).Draw(t, "n")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var changes []Change
		for x, left := 0, n; left > 0; x, left = x+1+random.IntN(6), left-1 {
			changes = append(changes, Change{At: uint16(x), Set: true, Cell: Cell{Data: random.Int64N(1000)}})
		}
		b := (&Block{}).Apply(changes)
		for _, limit := range []int64{-1, random.Int64N(1100), random.Int64N(1100), 0, math.MaxInt64} {
			after := random.Int64N(1100) - 100
			got := slices.Clone(b.Due(after, limit, random.Int64N(100)))
			var want []uint16
			for _, c := range changes {
				if c.Cell.Data > after && c.Cell.Data <= limit {
					want = append(want, c.At)
				}
			}
			slices.SortStableFunc(want, func(x, y uint16) int { return cmp.Compare(b.data(x), b.data(y)) })
			if !slices.Equal(got, want) {
				t.Fatalf("due after %d up to %d: %v, want %v", after, limit, got, want)
			}
		}
	})
}

// BenchmarkDue is what a tag with expiries costs a query, a block at a time: reading all against what is due.
func BenchmarkDue(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 0))
	var changes []Change
	for x := range 60_000 {
		changes = append(changes, Change{At: uint16(x), Set: true, Cell: Cell{Data: random.Int64N(30 * 24 * 3600 * 1000)}})
	}
	block := (&Block{}).Apply(changes)
	now := int64(3600 * 1000)
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			n := 0
			block.Each(func(_ uint16, c Cell) {
				if c.Data <= now {
					n++
				}
			})
		}
	})
	b.Run("due", func(b *testing.B) {
		for b.Loop() {
			block.Due(math.MinInt64, now, 600_000)
		}
	})
}
