package column

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// sets are shapes of sets of ordinals.
var sets = map[string]func(r *rand.Rand) *bitmap.Words{
	"nobody":   func(*rand.Rand) *bitmap.Words { return new(bitmap.Words) },
	"one":      func(r *rand.Rand) *bitmap.Words { return randomSet(r, 1) },
	"few":      func(r *rand.Rand) *bitmap.Words { return randomSet(r, 300) },
	"many":     func(r *rand.Rand) *bitmap.Words { return randomSet(r, 40_000) },
	"everyone": func(*rand.Rand) *bitmap.Words { return firstOf(bitmap.BlockOrdinals) },
	"runs": func(r *rand.Rand) *bitmap.Words {
		w := new(bitmap.Words)
		for range 20 {
			from := r.IntN(60_000)
			for x := range 1 + r.IntN(5000) {
				w.Set(uint16(from + x))
			}
		}
		return w
	},
	"mixed": func(r *rand.Rand) *bitmap.Words {
		w := randomSet(r, 2000)
		w.Or(firstOf(9000))
		return w
	},
}

func firstOf(n int) *bitmap.Words {
	w := new(bitmap.Words)
	w.Fill(n)
	return w
}

func randomSet(r *rand.Rand, n int) *bitmap.Words {
	w := new(bitmap.Words)
	for range n {
		w.Set(uint16(r.Uint32()))
	}
	return w
}

// valueSpans are pairs of least and greatest value.
var valueSpans = [][2]int64{
	{0, 0}, {0, 1}, {-3, 4}, {18, 90}, {0, 255}, {-1, 255}, {1 << 40, 1<<40 + 1000}, {0, 65535}, {-40_000, 40_000}, {0, 1<<32 - 1},
	{math.MinInt64, math.MinInt64 + 1000}, {math.MaxInt64 - 1000, math.MaxInt64}, {math.MinInt64, math.MaxInt64},
}

func randomBlock(r *rand.Rand, form Form, present *bitmap.Words, span [2]int64, step int64) *Block {
	values := make([]int64, bitmap.BlockOrdinals)
	for i := range values {
		values[i] = between(r, span[0], span[1])
		if step > 1 {
			values[i] -= (values[i] - span[0]) % step
		}
	}
	return Build(form, 0, present, values)
}

func between(r *rand.Rand, low, high int64) int64 {
	spread := uint64(high) - uint64(low)
	if spread == math.MaxUint64 {
		return int64(r.Uint64())
	}
	return int64(uint64(low) + r.Uint64N(spread+1))
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// naive returns the candidates whose cell holds is true of.
func naive(b *Block, candidates *bitmap.Words, holds func(int64) bool) (w bitmap.Words) {
	candidates.Each(func(x uint16) bool {
		if c, found := b.At(x); found && holds(c.Data) {
			w.Set(x)
		}
		return true
	})
	return w
}

func sameAsNaive(t failer, b *Block, candidates *bitmap.Words, r Range) {
	t.Helper()
	out := *randomSet(rand.New(rand.NewPCG(1, 1)), 9) // left over from before
	b.Between(&out, candidates, r)
	if want := naive(b, candidates, func(v int64) bool { return v >= r.Low && v <= r.High }); out != want {
		t.Fatalf("%+v of a block of layout %d with [%d, %d]: %d ordinals, want %d", r, b.layout, b.low, b.high, out.Count(), want.Count())
	}
}

// interesting returns values at and about the ends of the block's range and of its representation.
func interesting(r *rand.Rand, b *Block) []int64 {
	var all []int64
	for _, v := range []int64{b.low, b.high, b.bits.base, b.values.base, 0, math.MinInt64, math.MaxInt64, between(r, b.low, b.high), between(r, b.low, b.high)} {
		all = append(all, v)
		if v > math.MinInt64 {
			all = append(all, v-1)
		}
		if v < math.MaxInt64 {
			all = append(all, v+1)
		}
	}
	for _, d := range []uint64{254, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32} {
		if v := int64(uint64(b.low) + d); v > b.low {
			all = append(all, v)
		}
	}
	return all
}

func matchesNaive(t failer, b *Block) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(b.count), uint64(b.low)))
	values := interesting(r, b)
	for rounds, candidates := range []*bitmap.Words{firstOf(bitmap.BlockOrdinals), randomSet(r, 2000)} {
		for range 1 + 3*rounds { // of everyone it takes long
			low, high := values[r.IntN(len(values))], values[r.IntN(len(values))]
			if low > high && r.IntN(5) > 0 {
				low, high = high, low
			}
			sameAsNaive(t, b, candidates, Range{low, high})
			sameAsNaive(t, b, candidates, Range{low, low})
			sameAsNaive(t, b, candidates, Range{low, math.MaxInt64})
			sameAsNaive(t, b, candidates, Range{math.MinInt64, high})
		}
	}
}

// eachBlock calls f with blocks of every shape, form and span of values.
func eachBlock(t *testing.T, f func(t *testing.T, r *rand.Rand, b *Block)) {
	for shape, set := range sets {
		for _, form := range []Form{Bytes, Planes} {
			t.Run(fmt.Sprintf("%s/%d", shape, form), func(t *testing.T) {
				for i, span := range valueSpans {
					r := rand.New(rand.NewPCG(uint64(i), 7))
					for _, step := range []int64{1, 64} {
						f(t, r, randomBlock(r, form, set(r), span, step))
					}
				}
			})
		}
	}
	for _, n := range []int{0, 1, 63, 64, 65, sparseBelow - 1, sparseBelow, sparseBelow + 1, 65535, 65536} {
		for _, form := range []Form{Bytes, Planes} {
			t.Run(fmt.Sprintf("first %d/%d", n, form), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(n), 8))
				f(t, r, randomBlock(r, form, firstOf(n), [2]int64{-7, 1000}, 1))
			})
		}
	}
}

func TestBetween(t *testing.T) {
	eachBlock(t, func(t *testing.T, _ *rand.Rand, b *Block) { matchesNaive(t, b) })
}

func TestInRanges(t *testing.T) {
	eachBlock(t, func(t *testing.T, r *rand.Rand, b *Block) {
		for _, n := range []int{0, 3, otherRuns + 1, planarRuns + 1, 300} {
			var ranges []Range
			at := b.low - 5
			if b.low < math.MinInt64+5 {
				at = math.MinInt64
			}
			for range n {
				next := Range{at + r.Int64N(4), 0}
				next.High = next.Low + r.Int64N(3)
				if next.Low < at || next.High < next.Low || next.High > math.MaxInt64-10 {
					break
				}
				ranges, at = append(ranges, next), next.High+1
			}
			candidates := randomSet(r, 9000)
			var out bitmap.Words
			b.InRanges(&out, candidates, ranges)
			want := naive(b, candidates, func(v int64) bool {
				for _, one := range ranges {
					if v >= one.Low && v <= one.High {
						return true
					}
				}
				return false
			})
			if out != want {
				t.Fatalf("%d ranges from %d, layout %d, [%d, %d]: %d ordinals, want %d", len(ranges), b.low-5, b.layout, b.low, b.high, out.Count(), want.Count())
			}
		}
	})
}

func TestInCodes(t *testing.T) {
	for _, most := range []int64{0, 1, 7, 200, 255, 256, 300, 5000, 70_000} {
		for shape, set := range sets {
			for _, form := range []Form{Bytes, Planes} {
				r := rand.New(rand.NewPCG(uint64(most), uint64(form)))
				b := randomBlock(r, form, set(r), [2]int64{most / 5, most}, 1)
				for _, density := range []int{0, 1, 2, 3, 100} {
					codes := make([]uint64, r.IntN(int(most/64)+3))
					for i := range codes {
						for bit := range 64 {
							if r.IntN(100) < density*33 {
								codes[i] |= 1 << bit
							}
						}
					}
					candidates := randomSet(r, 60_000)
					var out bitmap.Words
					b.InCodes(&out, candidates, codes)
					want := naive(b, candidates, func(v int64) bool { return v>>6 < int64(len(codes)) && codes[v>>6]>>(v&63)&1 != 0 })
					if out != want {
						t.Fatalf("codes up to %d, %s, form %d, density %d: %d ordinals, want %d", most, shape, form, density, out.Count(), want.Count())
					}
				}
			}
		}
	}
}

func TestSumOver(t *testing.T) {
	eachBlock(t, func(t *testing.T, r *rand.Rand, b *Block) {
		for _, over := range []*bitmap.Words{new(bitmap.Words), firstOf(bitmap.BlockOrdinals), randomSet(r, 9000)} {
			want, n := new(big.Int), 0
			b.Each(func(x uint16, c Cell) {
				if over.Has(x) {
					want.Add(want, big.NewInt(c.Data))
					n++
				}
			})
			count, high, low := b.SumOver(over)
			got := new(big.Int).Lsh(big.NewInt(high), 64)
			got.Add(got, new(big.Int).SetUint64(low))
			if count != n || got.Cmp(want) != 0 {
				t.Fatalf("layout %d: sum of %d is %s, want %d and %s", b.layout, count, got, n, want)
			}
		}
	})
}

// TestIntsMatch compares what masks say with the values, from any place on and for any number.
func TestIntsMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.SampledFrom(valueSpans).Draw(t, "span")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		values := make([]int64, rapid.IntRange(1, 400).Draw(t, "values"))
		for i := range values {
			values[i] = between(r, span[0], span[1])
		}
		c := NewInts(values)
		from := rapid.IntRange(0, len(values)-1).Draw(t, "from")
		n := rapid.IntRange(1, len(values)-from).Draw(t, "n")
		mask := make([]uint64, (n+63)/64)
		check := func(what string, holds func(v int64) bool) {
			for i := range 64 * len(mask) {
				want := i < n && holds(values[from+min(i, n-1)])
				if mask[i>>6]>>(i&63)&1 == 1 != want {
					t.Fatalf("%s: bit %d of %d is %v, value %d, width %d", what, i, n, !want, values[from+min(i, n-1)], c.width)
				}
			}
		}
		for range 10 {
			mask[0] = 5 // left over from before
			one := Range{between(r, span[0], span[1]), between(r, span[0], span[1])}
			switch r.IntN(5) {
			case 0:
				one.Low = values[from]
			case 1:
				one.High = values[from]
			case 2:
				one = Range{values[from], values[from]}
			case 3:
				one.Low = math.MinInt64
			}
			c.Between(mask, from, n, one)
			check(fmt.Sprint(one), func(v int64) bool { return v >= one.Low && v <= one.High })
		}
		codes := make([]uint64, 1+r.IntN(40))
		for i := range codes {
			codes[i] = r.Uint64()
		}
		c.InCodes(mask, from, n, codes)
		check("codes", func(v int64) bool { return v >= 0 && v>>6 < int64(len(codes)) && codes[v>>6]>>(v&63)&1 != 0 })
	})
}

// TestBetween8 tries every pair of bounds on every byte, at every place in a word.
func TestBetween8(t *testing.T) {
	list := make([]byte, 256+8)
	for i := range list {
		list[i] = byte(i * 37)
	}
	var mask [5]uint64
	for low := range 256 {
		for high := low; high < 256; high++ {
			between8(mask[:], list, byte(low), byte(high))
			for i, v := range list {
				if want := int(v) >= low && int(v) <= high; mask[i>>6]>>(i&63)&1 == 1 != want {
					t.Fatalf("[%d, %d] of %d is %v", low, high, v, !want)
				}
			}
		}
	}
}

func TestLanes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var a [8]uint64
	for i := range a {
		a[i] = r.Uint64()
	}
	b := a
	lanes(&b)
	for i := range 8 {
		for j := range 8 {
			for s := range 8 {
				if a[i]>>(8*j+s)&1 != b[j]>>(8*s+i)&1 {
					t.Fatal(i, j, s)
				}
			}
		}
	}
	unlanes(&b)
	if a != b {
		t.Fatal("unlanes does not undo lanes")
	}
}

// TestHeaderBytes holds what MemoryBytes takes for headers against their types.
func TestHeaderBytes(t *testing.T) {
	if n, most := (&Block{}).MemoryBytes(), int(reflect.TypeFor[Block]().Size()); n < most || n > most+64 {
		t.Errorf("a block's header takes %d bytes, MemoryBytes says %d", most, n)
	}
	if n, most := (&Chunk{}).MemoryBytes(), int(reflect.TypeFor[Chunk]().Size()); n < most || n > most+64 {
		t.Errorf("a chunk's header takes %d bytes, MemoryBytes says %d", most, n)
	}
	one, none := (&Chunk{props: make([]Prop, 1)}).MemoryBytes(), (&Chunk{}).MemoryBytes()
	if n := int(reflect.TypeFor[Prop]().Size()); one-none < n || one-none > n+16 {
		t.Errorf("a property's header takes %d bytes, MemoryBytes says %d", n, one-none)
	}
}
