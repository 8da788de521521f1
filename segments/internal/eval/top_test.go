package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/value"
)

// writeNumbers sets an attribute of those CIDs who have a number.
func writeNumbers(t testing.TB, ix *index.Index, name string, numbers map[uint32]value.Decimal) {
	t.Helper()
	ordinals := make([]uint32, 0, len(numbers))
	for o := range numbers {
		ordinals = append(ordinals, o)
	}
	slices.Sort(ordinals)
	for some := range slices.Chunk(ordinals, batch.MaxRecords) {
		c := batch.Column{Name: name, Kinds: make([]value.Kind, len(some)), Data: make([]int64, len(some)), Scales: make([]uint8, len(some))}
		for i, o := range some {
			c.Kinds[i], c.Data[i], c.Scales[i] = value.Number, numbers[o].Coef, numbers[o].Scale
		}
		write(t, ix, testDay, func(b *batch.Builder) error {
			return b.ProfileColumns(0, batch.Profiles{CIDs: cidsOf(some), Set: []batch.Column{c}})
		})
	}
}

// naiveOrder returns all candidates in the order that Top takes them in.
func naiveOrder(numbers map[uint32]value.Decimal, candidate func(o uint32) bool) []uint32 {
	var all []uint32
	for o := range numbers {
		if candidate(o) {
			all = append(all, o)
		}
	}
	slices.Sort(all)
	slices.SortStableFunc(all, func(a, b uint32) int { return numbers[b].Cmp(numbers[a]) })
	return all
}

// topShapes say which number an ordinal has.
var topShapes = map[string]func(r *rand.Rand, o uint32) (coef int64, scale int, some bool){
	"even":       func(r *rand.Rand, _ uint32) (int64, int, bool) { return r.Int64N(1024), 0, r.IntN(10) > 0 },
	"few values": func(r *rand.Rand, _ uint32) (int64, int, bool) { return r.Int64N(2), 0, true },
	"one value":  func(*rand.Rand, uint32) (int64, int, bool) { return -77, 0, true },
	"rare":       func(r *rand.Rand, _ uint32) (int64, int, bool) { return r.Int64N(90), 0, r.IntN(900) == 0 },
	"drifting":   func(r *rand.Rand, o uint32) (int64, int, bool) { return int64(o/3) - 20_000 + r.Int64N(900), 0, true },
	"odd bases": func(r *rand.Rand, o uint32) (int64, int, bool) {
		return int64(o>>16)*7777 - 9999 + r.Int64N(30_000), 0, true
	},
	"rare and many": func(r *rand.Rand, o uint32) (int64, int, bool) {
		return r.Int64N(70_000), 0, o>>16 == 1 || r.IntN(99) == 0
	},
	"scales":       func(r *rand.Rand, o uint32) (int64, int, bool) { return r.Int64N(5000) - 2500, int(o >> 16), true },
	"mixed scales": func(r *rand.Rand, _ uint32) (int64, int, bool) { return r.Int64N(5000) - 2500, r.IntN(4), true },
	"wide":         func(r *rand.Rand, _ uint32) (int64, int, bool) { return int64(r.Uint64()), 0, true },
	"ends": func(r *rand.Rand, _ uint32) (int64, int, bool) {
		return []int64{math.MinInt64 + 1, math.MaxInt64, 0, -1}[r.IntN(4)], 0, true
	},
	"no common scale": func(r *rand.Rand, o uint32) (int64, int, bool) {
		if o%5 == 0 {
			return math.MaxInt64 - r.Int64N(100), 0, true
		}
		return r.Int64N(1000) - 500, 18, true
	},
	"scales apart": func(r *rand.Rand, o uint32) (int64, int, bool) {
		return int64(r.Uint64()) >> 1, int(o>>16) * 9, true
	},
}

func TestTop(t *testing.T) {
	const cids = 75_000
	ix := newIndex(t)
	introduce(t, ix, cids)
	var some []uint32
	for o := uint32(0); o < cids; o += 7 {
		some = append(some, o)
	}
	write(t, ix, testDay, func(b *batch.Builder) error {
		return b.TagColumns(0, batch.Tags{Name: "some", CIDs: cidsOf(some), Remove: make([]bool, len(some))})
	})
	for shape, number := range topShapes {
		t.Run(shape, func(t *testing.T) {
			r := seeded(uint64(len(shape)))
			numbers := map[uint32]value.Decimal{}
			for o := range uint32(cids) {
				if coef, scale, there := number(r, o); there {
					d, err := value.NewDecimal(coef, scale)
					if err != nil {
						t.Fatal(err)
					}
					numbers[o] = d
				}
			}
			writeNumbers(t, ix, shape, numbers)
			e := envOf(t, ix)
			id, _, _, found := ix.Schema.Attribute(shape)
			if !found {
				t.Fatal("no attribute")
			}
			for text, candidate := range map[string]func(o uint32) bool{
				`everyone`:    func(uint32) bool { return true },
				`tag("some")`: func(o uint32) bool { return o%7 == 0 },
				`nobody`:      func(uint32) bool { return false },
			} {
				all := naiveOrder(numbers, candidate)
				for _, limit := range []uint64{0, 1, 2, 63, 64, 65, 1000, uint64(r.IntN(cids)), 65_535, uint64(len(all)) - 1, uint64(len(all)), uint64(len(all)) + 1} {
					selection, err := e.Top(t.Context(), parsed(t, text), id, limit)
					if err != nil {
						t.Fatal(err)
					}
					var got []uint32
					if err := selection.Each(func(ordinals []uint32) error { got = append(got, ordinals...); return nil }); err != nil {
						t.Fatal(err)
					}
					want := slices.Sorted(slices.Values(all[:min(uint64(len(all)), limit)]))
					if !slices.Equal(got, want) || selection.Count() != uint64(len(want)) {
						t.Fatalf("%s, first %d: %d ordinals, count %d, want %d", text, limit, len(got), selection.Count(), len(want))
					}
					if guessed, passes := guessTop(t, e, text, id, limit); guessed != nil && !slices.Equal(guessed, want) {
						t.Fatalf("%s, first %d: %d ordinals by guesses, want %d", text, limit, len(guessed), len(want))
					} else if passes > mostGuesses {
						t.Errorf("%s, first %d: %d guesses", text, limit, passes)
					}
				}
			}
		})
	}
	selection, err := envOf(t, ix).Top(t.Context(), parsed(t, "everyone"), 1000, 5)
	if err != nil || selection.Count() != 0 {
		t.Fatal("of an attribute that nobody has:", selection, err)
	}
}

// guessTop is Top as if the column were not in memory; nil when it comes to nothing that has to be found.
func guessTop(t *testing.T, e *Env, text string, id uint32, limit uint64) (found []uint32, passes int) {
	t.Helper()
	guess, err := e.newTop(t.Context(), parsed(t, text), attributeColumn(e.Version, id))
	if err != nil {
		t.Fatal(err)
	}
	if limit == 0 || guess.open <= limit || !guess.align() {
		return nil, 0
	}
	if err := guess.guess(limit); err != nil {
		t.Fatal(err)
	}
	found = []uint32{}
	if err := guess.selection.Each(func(ordinals []uint32) error { found = append(found, ordinals...); return nil }); err != nil {
		t.Fatal(err)
	}
	if guess.selection.Count() != uint64(len(found)) {
		t.Fatalf("%d ordinals, count %d", len(found), guess.selection.Count())
	}
	return found, guess.passes
}

// TestTopMisled has every value that a sample sees be greater than all others, and every one that it sees be less.
func TestTopMisled(t *testing.T) {
	const cids = 70_000
	for _, seen := range []int64{-1, 1} {
		ix := newIndex(t)
		introduce(t, ix, cids)
		numbers := map[uint32]value.Decimal{}
		for o := range uint32(cids) {
			numbers[o] = value.Int(int64(o) * 1e12)
		}
		const every = 1 << 16 / manySamples
		for o := uint32(every / 2); o < 1<<16; o += every {
			numbers[o] = value.Int(seen * (1e18 + int64(o)))
		}
		writeNumbers(t, ix, "n", numbers)
		e := envOf(t, ix)
		id, _, _, _ := ix.Schema.Attribute("n")
		all := naiveOrder(numbers, func(uint32) bool { return true })
		for _, limit := range []uint64{1, 500, 5000, 35_000, cids - 300, cids - 1} {
			found, passes := guessTop(t, e, "everyone", id, limit)
			if want := slices.Sorted(slices.Values(all[:limit])); !slices.Equal(found, want) {
				t.Fatalf("first %d: %d ordinals, want %d", limit, len(found), len(want))
			}
			if passes > mostGuesses+64 {
				t.Errorf("first %d: %d guesses", limit, passes)
			}
		}
	}
}

// TestTopHoldsNothing takes the best by a column that the cache has no room for.
func TestTopHoldsNothing(t *testing.T) {
	const cids = 3 * 65_536
	ix := newIndexWith(t, 1)
	introduce(t, ix, cids)
	r, numbers := seeded(3), map[uint32]value.Decimal{}
	for o := range uint32(cids) {
		numbers[o] = value.Int(r.Int64N(60_000))
	}
	writeNumbers(t, ix, "n", numbers)
	if _, err := ix.Checkpoint(func(uint64) []index.BatchID { return nil }, 0); err != nil {
		t.Fatal(err)
	}
	e := envOf(t, ix)
	id, _, _, _ := ix.Schema.Attribute("n")
	_, before := ix.CacheUse()
	selection, err := e.Top(t.Context(), parsed(t, "everyone"), id, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint32
	if err := selection.Each(func(ordinals []uint32) error { got = append(got, ordinals...); return nil }); err != nil {
		t.Fatal(err)
	}
	all := naiveOrder(numbers, func(uint32) bool { return true })
	if want := slices.Sorted(slices.Values(all[:10_000])); !slices.Equal(got, want) {
		t.Fatalf("%d ordinals, want %d", len(got), len(want))
	}
	if _, after := ix.CacheUse(); after-before > 3*8 {
		t.Errorf("%d reads of 3 blocks", after-before)
	}
}

// BenchmarkTop takes the first hundredth of a million CIDs by 16 bits, and goes over all values for comparison.
func BenchmarkTop(b *testing.B) {
	const cids, limit = 1_000_000, 10_000
	ix := newIndex(b)
	introduce(b, ix, cids)
	r := seeded(1)
	for _, bits := range []int{7, 16, 24} {
		name := fmt.Sprint("score", bits)
		numbers := map[uint32]value.Decimal{}
		for o := range uint32(cids) {
			numbers[o] = value.Int(r.Int64N(1 << bits))
		}
		writeNumbers(b, ix, name, numbers)
		e := envOf(b, ix)
		id, _, _, _ := ix.Schema.Attribute(name)
		everyone := parsed(b, "everyone")
		b.Run(name+"/planes", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s, err := e.Top(b.Context(), everyone, id, limit); err != nil || s.Count() != limit {
					b.Fatal(s, err)
				}
			}
		})
		b.Run(name+"/one by one", func(b *testing.B) {
			for b.Loop() {
				t, err := e.newTop(b.Context(), everyone, attributeColumn(e.Version, id))
				if err != nil || t.exact(limit) != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
