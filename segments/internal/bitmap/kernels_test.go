package bitmap

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// genBlock draws a block: empty, sparse, around the switch to a bit each, dense, full, with runs, with members at the edges.
func genBlock(t *rapid.T, label string) Block {
	var w Words
	switch rapid.SampledFrom([]string{"empty", "few", "switch", "dense", "runs", "full", "edges"}).Draw(t, label) {
	case "few":
		for _, x := range rapid.SliceOfN(rapid.Uint16(), 0, 20).Draw(t, label+" members") {
			w.Set(x)
		}
	case "switch":
		step := rapid.SampledFrom([]int{1, 2, 64, 65, 127}).Draw(t, label+" step")
		for i := range denseFrom + rapid.IntRange(-2, 2).Draw(t, label+" beyond") {
			w.Set(uint16(i * step))
		}
	case "dense":
		seed := rapid.Uint64().Draw(t, label+" seed")
		for i := range w {
			seed = seed*6364136223846793005 + 1442695040888963407
			w[i] = seed ^ seed>>29
		}
	case "runs":
		for range rapid.IntRange(1, 5).Draw(t, label+" runs") {
			from := rapid.IntRange(0, BlockOrdinals-1).Draw(t, label+" from")
			w.setRange(from, min(BlockOrdinals, from+rapid.SampledFrom([]int{1, 63, 64, 65, 600, 30_000}).Draw(t, label+" length")))
		}
	case "full":
		w.Fill(BlockOrdinals)
	case "edges":
		for _, x := range []uint16{0, 63, 64, 65534, 65535} {
			w.Set(x)
		}
	}
	return FromWords(&w)
}

func wordsOf(b Block) *Words {
	var w Words
	b.CopyTo(&w)
	return &w
}

func TestConjAgainstBits(t *testing.T) {
	var c Conj
	rapid.Check(t, func(t *rapid.T) {
		c.Reset()
		draw := func(label string) *Words { return wordsOf(genBlock(t, label)) }
		var pos, not []*Words
		var or [][2]*Words
		for range rapid.IntRange(0, 5).Draw(t, "ors") {
			or = append(or, [2]*Words{draw("or"), draw("or")})
			c.Or(or[len(or)-1][0], or[len(or)-1][1])
		}
		for range rapid.IntRange(min(1, max(0, 1-len(or))), 6).Draw(t, "ands") {
			pos = append(pos, draw("and"))
			c.And(pos[len(pos)-1])
		}
		for range rapid.IntRange(0, 4).Draw(t, "nots") {
			not = append(not, draw("not"))
			c.Not(not[len(not)-1])
		}
		var want Words
		for i := range want {
			word := ^uint64(0)
			for _, w := range pos {
				word &= w[i]
			}
			for _, p := range or {
				word &= p[0][i] | p[1][i]
			}
			for _, w := range not {
				word &^= w[i]
			}
			want[i] = word
		}
		if got := c.Count(); got != want.Count() {
			t.Fatalf("Count %d, want %d", got, want.Count())
		}
		to := new(Words)
		if len(pos) > 0 && rapid.Bool().Draw(t, "onto an operand") {
			to = pos[0]
		}
		if c.Store(to); *to != want {
			t.Fatal("Store differs")
		}
	})
}

func TestAddersAgainstCounts(t *testing.T) {
	var adder Adder
	var counters Counters
	rapid.Check(t, func(t *rapid.T) {
		adder.Reset()
		counters.Reset()
		var counts [BlockOrdinals]uint64
		total := uint64(0)
		for range rapid.IntRange(0, 40).Draw(t, "sets") {
			b, weight := genBlock(t, "set"), rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5}).Draw(t, "weight")
			adder.Add(&b, weight)
			if total += 1 << weight; total <= MostCounted {
				counters.Add(&b, 1<<weight)
			}
			b.Each(func(x uint16) { counts[x] += 1 << weight })
		}
		for _, n := range []uint64{0, 1, 2, 3, total / 2, total, total + 1, rapid.Uint64Range(0, total+2).Draw(t, "n"), 1 << 40} {
			var want, got Words
			for x, count := range counts {
				if count >= n {
					want.Set(uint16(x))
				}
			}
			if adder.AtLeast(n, &got); got != want {
				t.Fatalf("%d or more: the adder has %d, want %d", n, got.Count(), want.Count())
			}
			if total <= MostCounted {
				if counters.AtLeast(n, &got); got != want {
					t.Fatalf("%d or more: the counters have %d, want %d", n, got.Count(), want.Count())
				}
			}
		}
		if adder.Most() != total {
			t.Fatalf("Most %d, want %d", adder.Most(), total)
		}
	})
}

func TestOrAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want, got Words
		var list []*Words
		for range rapid.IntRange(0, 9).Draw(t, "sets") {
			list = append(list, wordsOf(genBlock(t, "set")))
			want.Or(list[len(list)-1])
		}
		if got.OrAll(list); got != want {
			t.Fatal("OrAll differs from Or after Or")
		}
		if len(list) > 0 {
			n := got.CountAnd(list[0])
			if got.And(list[0]); got.Count() != n {
				t.Fatalf("CountAnd says %d, there are %d", n, got.Count())
			}
		}
	})
}

func TestSetRange(t *testing.T) {
	edges := []int{0, 1, 63, 64, 65, 127, 128, 4096, BlockOrdinals - 64, BlockOrdinals - 1, BlockOrdinals}
	for _, from := range edges {
		for _, to := range edges {
			var got, want Words
			got.setRange(from, to)
			for x := from; x < to; x++ {
				want.Set(uint16(x))
			}
			if got != want {
				t.Errorf("setRange(%d, %d) sets %d bits", from, to, got.Count())
			}
		}
	}
}

func TestKeepAndDrop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, list := genBlock(t, "block"), genBlock(t, "list")
		var kept, dropped []uint16
		list.Each(func(x uint16) {
			if b.Has(x) {
				kept = append(kept, x)
			} else {
				dropped = append(dropped, x)
			}
		})
		if got := b.Keep(list.Members(nil)); !slices.Equal(got, kept) {
			t.Fatalf("Keep keeps %d, want %d", len(got), len(kept))
		}
		if got := b.Drop(list.Members(nil)); !slices.Equal(got, dropped) {
			t.Fatalf("Drop leaves %d, want %d", len(got), len(dropped))
		}
	})
}
