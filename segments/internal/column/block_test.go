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
	"whowhen.dev/whowhen/segments/internal/memory"
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

// TestBlockAgainstMap makes changes to a block and to a map, with blocks small and large and in both forms.
func TestBlockAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scaled := rapid.Bool().Draw(t, "scaled")
		want, b := map[uint16]Cell{}, New(rapid.SampledFrom([]Form{Bytes, Planes}).Draw(t, "form"))
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			changes := genChanges(t, scaled, rapid.IntRange(0, 4).Draw(t, "dense") == 0)
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
		sameAsMap(t, b, want)
		encoded, err := b.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		decoded, bytes := decodedOnce(t, encoded)
		sameAsMap(t, decoded, want)
		if again, err := decoded.AppendTo(nil); err != nil || !slices.Equal(again, encoded) {
			t.Fatal("another encoding after decoding", err)
		}
		moved := relocatedOnce(t, b, bytes)
		sameAsMap(t, moved, want)
		if moved.MemoryBytes() != decoded.MemoryBytes() || b.form != decoded.form || b.form != moved.form {
			t.Fatalf("%d bytes when moved, %d when decoded", moved.MemoryBytes(), decoded.MemoryBytes())
		}
		if _, uniform := b.Uniform(); uniform && b.Count() > 0 {
			matchesNaive(t, decoded)
		}
	})
}

// decodedOnce decodes and returns the size of the one piece of memory that was asked for.
func decodedOnce(t *rapid.T, encoded []byte) (b *Block, bytes int) {
	b, err := DecodeBlock(encoded, once(t, &bytes))
	if err != nil {
		t.Fatal(err)
	}
	clear(encoded[:0:len(encoded)])
	return b, bytes
}

func relocatedOnce(t *rapid.T, b *Block, bytes int) *Block {
	got := 0
	moved, err := b.Relocate(once(t, &got))
	if err != nil || got != bytes || got != b.contentBytes() {
		t.Fatalf("%d bytes to relocate, %d to decode, %d by count: %v", got, bytes, b.contentBytes(), err)
	}
	return moved
}

// once is an Alloc that may be called once; what it gives is full of rubbish.
func once(t *rapid.T, bytes *int) memory.Alloc {
	return func(n int) ([]byte, error) {
		if *bytes > 0 || n == 0 {
			t.Fatalf("asked for %d bytes after %d", n, *bytes)
		}
		*bytes = n
		piece, err := memory.Heap(n)
		for i := range piece {
			piece[i] = 0xa5
		}
		return piece, err
	}
}

func sameAsMap(t *rapid.T, b *Block, want map[uint16]Cell) {
	if b.Count() != len(want) {
		t.Fatalf("%d cells, want %d", b.Count(), len(want))
	}
	var present bitmap.Words
	present.Set(9) // left over from before
	b.Present(&present)
	if present.Count() != len(want) {
		t.Fatalf("%d ordinals present, want %d", present.Count(), len(want))
	}
	last := -1
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	b.Each(func(x uint16, c Cell) {
		at, found := b.At(x)
		if w, there := want[x]; !there || !found || at != c || !same(w, c) || int(x) <= last || !present.Has(x) {
			t.Fatalf("at %d: %+v and %+v, want %+v", x, c, at, w)
		}
		last = int(x)
		low, high = min(low, c.Data), max(high, c.Data)
	})
	if l, h := b.Range(); b.Count() > 0 && (l != low || h != high) {
		t.Fatalf("range [%d, %d], want [%d, %d]", l, h, low, high)
	}
	for _, x := range []uint16{0, 7, 99, 5000, math.MaxUint16} {
		if _, found := b.At(x); found != has(want, x) {
			t.Fatalf("At(%d): %v", x, found)
		}
	}
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
		e, rest, err := parseInts(append(c.AppendTo(nil), "rest"...))
		if err != nil || string(rest) != "rest" {
			t.Fatal(err, rest)
		}
		to, err := newRoom(memory.Heap, partBytes(len(e.data)))
		if err != nil || len(e.data) != c.dataBytes() {
			t.Fatal(err, len(e.data))
		}
		decoded := e.place(&to)
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
	for _, form := range []Form{Bytes, Planes} {
		for _, places := range []int{sparseBelow, sparseBelow + 1, 1 << 16} {
			var present bitmap.Words
			present.Fill(places)
			present.Unset(70)
			values := make([]int64, 1<<16)
			values[5] = 3
			encoded, err := Build(form, 2, &present, values).AppendTo(nil)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(encoded)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBlock(data, memory.Heap)
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
		if _, uniform := b.Uniform(); uniform && b.Count() > 0 {
			low, high := b.Range()
			var everyone bitmap.Words
			everyone.Fill(bitmap.BlockOrdinals)
			for _, r := range []Range{{-5, 5}, {low, low}, {high, high}, {low + 1, high}, {low, high - 1}, {low/2 + high/2, high}} {
				sameAsNaive(t, b, &everyone, r)
			}
		}
		again, err := b.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := DecodeBlock(again, memory.Heap)
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

func sortChanges(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int { return int(a.At) - int(b.At) })
}
