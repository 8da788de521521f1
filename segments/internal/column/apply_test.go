package column

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// TestApplyMany makes few and many changes, in the range of what is there and out of it, to blocks with many cells, and compares with a
// plain list.
func TestApplyMany(t *testing.T) {
	for _, form := range []Form{Bytes, Planes} {
		for _, span := range valueSpans {
			t.Run(fmt.Sprint(form, span), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(span[1]), 3))
				present, values := randomSet(r, 30_000), make([]int64, bitmap.BlockOrdinals)
				for i := range values {
					values[i] = between(r, span[0], span[1])
				}
				b := Build(form, 3, present, values)
				for _, n := range []int{1, 7, 400, 65_536} {
					var changes []Change
					unset := r.IntN(2) * 40 // in a hundred
					for x := range bitmap.BlockOrdinals {
						if r.IntN(bitmap.BlockOrdinals) >= n {
							continue
						}
						c := Change{At: uint16(x), Set: r.IntN(100) >= unset, Cell: Cell{Data: between(r, span[0], span[1]), Scale: 3}}
						if n == 7 && span[0] > math.MinInt64 {
							c.Cell.Data = span[0] - 1
						}
						if changes = append(changes, c); c.Set {
							present.Set(c.At)
							values[x] = c.Cell.Data
						} else {
							present.Unset(c.At)
						}
					}
					b = b.Apply(changes)
					isList(t, b, present, values)
				}
				// All but few values near the least go: fewer planes are enough, then a list of members.
				for _, left := range []int{20_000, sparseBelow - 1, 0} {
					var changes []Change
					for x := range bitmap.BlockOrdinals {
						if present.Has(uint16(x)) && present.Count() > left {
							changes = append(changes, Change{At: uint16(x)})
							present.Unset(uint16(x))
						}
					}
					b = b.Apply(changes)
					isList(t, b, present, values)
				}
				if b.form != form {
					t.Fatal("the form is lost")
				}
			})
		}
	}
}

func isList(t *testing.T, b *Block, present *bitmap.Words, values []int64) {
	t.Helper()
	var got bitmap.Words
	b.Present(&got)
	if got != *present || b.Count() != present.Count() {
		t.Fatalf("%d cells, want %d", b.Count(), present.Count())
	}
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	b.Each(func(x uint16, c Cell) {
		if c.Data != values[x] || c.Scale != 3 {
			t.Fatalf("at %d: %+v, want %d", x, c, values[x])
		}
		low, high = min(low, c.Data), max(high, c.Data)
	})
	if b.Count() > 0 && (low != b.low || high != b.high) {
		t.Fatalf("range [%d, %d], want [%d, %d]", b.low, b.high, low, high)
	}
	if b.layout == planar && uint64(high)-uint64(low) <= math.MaxUint64>>(64-b.bits.k)>>1 && b.bits.k > 0 {
		t.Fatalf("%d planes for [%d, %d]", b.bits.k, low, high)
	}
}

// TestApplyAppends lengthens a block as CIDs come in that are first heard of.
func TestApplyAppends(t *testing.T) {
	var present bitmap.Words
	values := make([]int64, bitmap.BlockOrdinals)
	b := &Block{}
	for n, second := 0, int64(1_700_000_000); n < bitmap.BlockOrdinals; second += 40 {
		var changes []Change
		for range min(700, bitmap.BlockOrdinals-n) {
			present.Set(uint16(n))
			values[n] = second - int64(n%3)
			changes = append(changes, Change{At: uint16(n), Set: true, Cell: Cell{Data: values[n], Scale: 3}})
			n++
		}
		b = b.Apply(changes)
		isList(t, b, &present, values)
		if b.present != nil {
			t.Fatal("ordinals present are kept although none is missing")
		}
	}
}
