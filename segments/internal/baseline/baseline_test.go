package baseline

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const cids = 70_000

// random returns members of a density, as runs or scattered.
func random(t *rapid.T, label string) ([]bool, *Set) {
	seed, density, run := rapid.Uint64().Draw(t, label), rapid.SampledFrom([]float64{0, .001, .1, .5, 1}).Draw(t, "density"), rapid.SampledFrom([]int{1, 1000}).Draw(t, "run")
	rng := rand.New(rand.NewPCG(seed, 0))
	has := make([]bool, cids)
	words := make([]uint64, (cids+65535)/65536*1024)
	var members []uint32
	for i := 0; i < cids; {
		in := rng.Float64() < density
		for range run {
			if i < cids && in {
				has[i], words[i/64] = true, words[i/64]|1<<(i%64)
				members = append(members, uint32(i))
			}
			i++
		}
	}
	if rapid.Bool().Draw(t, "from members") {
		return has, FromMembers(members)
	}
	return has, FromWords(words)
}

func count(t *rapid.T, what string, got uint64, holds func(i int) bool) {
	t.Helper()
	want := uint64(0)
	for i := range cids {
		if holds(i) {
			want++
		}
	}
	if got != want {
		t.Fatalf("%s: %d, want %d", what, got, want)
	}
}

func TestSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, sa := random(t, "a")
		b, sb := random(t, "b")
		c, sc := random(t, "c")
		d, sd := random(t, "d")
		e, se := random(t, "e")
		counter := NewCounter(cids)
		for range 2 { // the second time nothing may have changed
			count(t, "and5", And5(sa, sb, sc, sd, se), func(i int) bool { return a[i] && b[i] && (c[i] || d[i]) && !e[i] })
			count(t, "union", Union([]*Set{sa, sb, sc}), func(i int) bool { return a[i] || b[i] || c[i] })
			count(t, "union of two", Union([]*Set{sa, sb}), func(i int) bool { return a[i] || b[i] })
			count(t, "intersection", Intersection([]*Set{sa, sb, sc}), func(i int) bool { return a[i] && b[i] && c[i] })
			count(t, "intersection of two", Intersection([]*Set{sa, sb}), func(i int) bool { return a[i] && b[i] })
			days := []Day{{Presence: sa, Planes: []*Set{sb, sc}}, {Presence: sd}, {Presence: se}}
			for n := 1; n <= 4; n++ {
				atLeast := func(i int) bool { return int(one(a[i])+one(d[i])+one(e[i])) >= n }
				count(t, "days", counter.DaysAtLeast(uint8(n), days), atLeast)
				count(t, "days, sliced", slicedDaysAtLeast(n, days), atLeast)
				count(t, "events", counter.EventsAtLeast(uint8(n), days), func(i int) bool {
					return int(one(a[i])+one(b[i])+2*one(c[i])+one(d[i])+one(e[i])) >= n
				})
			}
		}
	})
}

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func TestNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		has, present := random(t, "present")
		n := &Number{Present: present}
		values := make([]uint64, cids)
		for k := range 4 {
			bits, _ := random(t, "plane")
			var members []uint32
			for i := range bits {
				if bits[i] && has[i] {
					values[i] |= 1 << k
					members = append(members, uint32(i))
				}
			}
			n.Planes = append(n.Planes, FromMembers(members))
		}
		for _, k := range []uint64{0, 1, 5, 8, 14, 15, 16, 1 << 40} {
			count(t, "above", n.Above(k), func(i int) bool { return has[i] && values[i] > k })
		}
		var all []int
		for i := range has {
			if has[i] {
				all = append(all, i)
			}
		}
		slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
		limit := rapid.IntRange(0, cids+5).Draw(t, "limit")
		all = all[:min(limit, len(all))]
		slices.Sort(all)
		top := n.Top(uint64(limit))
		var got []int
		top.Each(func(x uint32) { got = append(got, int(x)) })
		if !slices.Equal(got, all) || top.Count() != uint64(len(all)) {
			t.Fatalf("top %d: %d members, want %d", limit, len(got), len(all))
		}
	})
}

func BenchmarkDaysAtLeast(b *testing.B) {
	for _, rate := range []float64{.003, .03, .2} {
		const cids = 10_000_000
		var days []Day
		rng := rand.New(rand.NewPCG(1, 1))
		for range 30 {
			var members []uint32
			for i := range uint32(cids) {
				if rng.Float64() < rate {
					members = append(members, i)
				}
			}
			days = append(days, Day{Presence: FromMembers(members)})
		}
		counter := NewCounter(cids)
		want := counter.DaysAtLeast(3, days)
		b.Run("counted", func(b *testing.B) {
			for b.Loop() {
				if counter.DaysAtLeast(3, days) != want {
					b.Fatal()
				}
			}
		})
		b.Run("sliced", func(b *testing.B) {
			for b.Loop() {
				if slicedDaysAtLeast(3, days) != want {
					b.Fatal()
				}
			}
		})
	}
}

// slicedDaysAtLeast is Counter.DaysAtLeast with whole bitmaps: level i holds those who did it on more than i days so far.
func slicedDaysAtLeast(n int, days []Day) uint64 {
	levels := make([]*Set, n)
	for i := range levels {
		levels[i] = FromMembers(nil)
	}
	for d := range days {
		for i := n - 1; i > 0; i-- {
			again := levels[i-1].bits.Clone()
			again.And(days[d].Presence.bits)
			levels[i].bits.Or(again)
		}
		levels[0].bits.Or(days[d].Presence.bits)
	}
	return levels[n-1].Count()
}
