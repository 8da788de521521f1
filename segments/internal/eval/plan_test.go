package eval

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
)

// shape writes a plan down: rows by number, what is computed by its kind.
func shape(t term) string {
	list := func(terms []term) (s []string) {
		for _, t := range terms {
			s = append(s, shape(t))
		}
		return s
	}
	rows := func(rows []row) (s []string) {
		for _, r := range rows {
			s = append(s, shape(r))
		}
		return s
	}
	switch t := t.(type) {
	case *and:
		parts := rows(t.rows)
		for _, group := range t.any {
			parts = append(parts, "("+strings.Join(rows(group), "|")+")")
		}
		for _, r := range rows(t.none) {
			parts = append(parts, "-"+r)
		}
		return "[" + strings.Join(append(parts, list(t.others)...), " ") + "]"
	case *or:
		return "{" + strings.Join(append(rows(t.rows), list(t.others)...), " ") + "}"
	case not:
		return "!" + shape(t.term)
	case *tag:
		return fmt.Sprint(t.id)
	case *shared:
		return "shared " + shape(t.term)
	}
	return strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", t), "*"), "eval.")
}

func TestPlanShapes(t *testing.T) {
	ix := newIndex(t)
	introduce(t, ix, 10)
	for _, name := range []string{"a", "b", "c", "d"} { // 1 to 4; introduce makes 0
		write(t, ix, testDay, func(b *batch.Builder) error {
			return b.TagColumns(0, batch.Tags{Name: name, CIDs: cidsOf([]uint32{1}), Remove: []bool{false}})
		})
	}
	writeSales(t, func(build func(b *batch.Builder) error) { write(t, ix, testDay, build) }, someSales(seeded(1), 10, 5, true))
	e := envOf(t, ix)
	for text, want := range map[string]string{
		`everyone`: "[everyone]",
		`nobody`:   "[nobody]",
		`tag("a")`: "[1]",
		`tag("unheard of") or tag("a") and everyone`:              "[1]",
		`tag("unheard of") and tag("a")`:                          "[nobody]",
		`not (tag("a") and nobody)`:                               "[everyone]",
		`not not tag("a")`:                                        "[1]",
		`not tag("a")`:                                            "[-1]",
		`tag("a") and (tag("b") and (tag("c") and not tag("d")))`: "[1 2 3 -4]",
		`(tag("a") and tag("b") and (tag("c") or tag("d"))) and not tag("known")`: "[1 2 (3|4) -0]",
		`tag("a") and not (tag("b") or tag("c"))`:                                 "[1 -2 -3]",
		`tag("a") and tag("b") and tag("a")`:                                      "[1 2]",
		`tag("a") and tag("b") and not tag("a")`:                                  "[nobody]",
		`tag("a") or (tag("b") or tag("a"))`:                                      "[(1|2)]",
		`not (tag("a") and tag("b"))`:                                             "[![1 2]]",
		// What is dear comes after what is cheap.
		`did("buy" where size = 1) and days("buy", within 3d) >= 2 and did("buy", within 2d) and tag("a")`: "[1 did counting did]",
		// What stands there twice is worked out once.
		`(tag("a") or days("buy") >= 2) and (tag("b") or days("buy") >= 2)`: "[{1 shared counting} {2 shared counting}]",
		`days("buy") >= 2 and not (days("buy") >= 2)`:                       "[shared counting !shared counting]",
		`days("buy") >= 2 or days("buy") >= 2`:                              "[shared counting]",
		`last("buy") before 2d ago`:                                         "[!did did]",
	} {
		root, err := e.plan(parsed(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := shape(root); got != want {
			t.Errorf("%s is planned as %s, want %s", text, got, want)
		}
	}
}

// crowd is a few blocks of CIDs with tags and events of all densities, and who has them.
type crowd struct {
	env  *Env
	cids int
	has  map[string][]bool // by the text of a term
}

// newCrowd makes one. Its blocks are full, dense, at the switch from list to bits, sparse and empty in turn.
func newCrowd(t testing.TB, r *rand.Rand) *crowd {
	const block = 1 << 16
	c := &crowd{cids: 3*block + 1234, has: map[string][]bool{}}
	ix := newIndex(t)
	introduce(t, ix, c.cids)
	shares := []func(x int) bool{
		func(int) bool { return true },
		func(int) bool { return r.IntN(3) == 0 },
		func(int) bool { return r.IntN(128) == 0 }, // about 512 in a block
		func(int) bool { return r.IntN(5000) == 0 },
		func(int) bool { return false },
		func(x int) bool { return x%1000 < 700 },
		func(x int) bool { return x%block == 0 || x%block == block-1 },
	}
	members := func(turn int) (is []bool, ordinals []uint32) {
		is = make([]bool, c.cids)
		for x := range is {
			if is[x] = shares[(x/block*3+turn)%len(shares)](x); is[x] {
				ordinals = append(ordinals, uint32(x))
			}
		}
		return is, ordinals
	}
	for i := range 7 {
		is, ordinals := members(i)
		for part := range slices.Chunk(ordinals, batch.MaxRecords) {
			write(t, ix, testDay-40, func(b *batch.Builder) error {
				return b.TagColumns(0, batch.Tags{Name: fmt.Sprint("t", i), CIDs: cidsOf(part), Remove: make([]bool, len(part))})
			})
		}
		c.has[fmt.Sprintf(`tag("t%d")`, i)] = is
	}
	counts, days := make([]int, c.cids), make([]int, c.cids)
	for i := range 9 {
		is, ordinals := members(i)
		var done []uint32
		for _, x := range ordinals {
			days[x]++
			for range 1 + r.IntN(1+i%3) {
				done = append(done, x)
				counts[x]++
			}
		}
		_ = is
		for part := range slices.Chunk(done, batch.MaxRecords) {
			times := make([]int64, len(part))
			for j := range times {
				times[j] = int64(testDay-i)*dayMillis + 1000
			}
			write(t, ix, testDay, func(b *batch.Builder) error {
				return b.EventColumns(0, batch.Events{Name: "open", CIDs: cidsOf(part), TimesMillis: times})
			})
		}
	}
	for n := range 12 {
		c.has[fmt.Sprintf(`days("open", within 9d) >= %d`, n)] = where(days, func(d int) bool { return d >= n })
		c.has[fmt.Sprintf(`count("open", within 9d) > %d`, n)] = where(counts, func(d int) bool { return d > n })
		c.has[fmt.Sprintf(`count("open", within 9d) != %d`, n)] = where(counts, func(d int) bool { return d != n })
		c.has[fmt.Sprintf(`count("open", within 9d) between 2 and %d`, n+2)] = where(counts, func(d int) bool { return d >= 2 && d <= n+2 })
	}
	c.has[`did("open", within 9d)`] = where(days, func(d int) bool { return d > 0 })
	c.env = envOf(t, ix)
	return c
}

func where(numbers []int, holds func(int) bool) []bool {
	is := make([]bool, len(numbers))
	for i, n := range numbers {
		is[i] = holds(n)
	}
	return is
}

// draw returns a random expression and for whom it holds.
func (c *crowd) draw(r *rand.Rand, terms []string, depth int) (string, []bool) {
	if depth == 0 || r.IntN(4) == 0 {
		text := terms[r.IntN(len(terms))]
		return text, c.has[text]
	}
	if r.IntN(4) == 0 {
		text, is := c.draw(r, terms, depth-1)
		return "not (" + text + ")", where2(is, is, func(a, _ bool) bool { return !a })
	}
	word, op := " and ", func(a, b bool) bool { return a && b }
	if r.IntN(3) == 0 {
		word, op = " or ", func(a, b bool) bool { return a || b }
	}
	text, is := c.draw(r, terms, depth-1)
	for range 1 + r.IntN(4) {
		other, has := c.draw(r, terms, depth-1)
		text, is = text+word+"("+other+")", where2(is, has, op)
		text = "(" + text + ")"
	}
	return text, is
}

func where2(a, b []bool, op func(a, b bool) bool) []bool {
	is := make([]bool, len(a))
	for i := range a {
		is[i] = op(a[i], b[i])
	}
	return is
}

// TestPlansAgainstSets compares random expressions over blocks of all kinds with going over the CIDs one by one: counted, selected
// with and without a limit, and asked for single CIDs.
func TestPlansAgainstSets(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := seeded(seed)
	c := newCrowd(t, r)
	terms := make([]string, 0, len(c.has))
	for text := range c.has {
		terms = append(terms, text)
	}
	slices.Sort(terms)
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	for range rounds {
		text, is := c.draw(r, terms, 3)
		var want []uint32
		for x, holds := range is {
			if holds {
				want = append(want, uint32(x))
			}
		}
		n := parsed(t, text)
		count, err := c.env.Count(t.Context(), n)
		if err != nil || count != uint64(len(want)) {
			t.Fatalf("seed %d: %s holds for %d, want %d: %v", seed, text, count, len(want), err)
		}
		limit := uint64(0)
		if r.IntN(2) == 0 {
			limit = 1 + r.Uint64N(uint64(len(want)+2))
			want = want[:min(limit, uint64(len(want)))]
		}
		var got []uint32
		s, err := c.env.Select(t.Context(), n, limit)
		if err == nil {
			err = s.Each(func(ordinals []uint32) error { got = append(got, ordinals...); return nil })
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("seed %d: %s with limit %d selects %d, want %d: %v", seed, text, limit, len(got), len(want), err)
		}
		for x, holds := range holdsFor(t, c.env, text, 2000) {
			if holds != is[x] {
				t.Fatalf("seed %d: %s for ordinal %d is %v", seed, text, x, holds)
			}
		}
	}
}

// TestBlocksAllocateNothing holds that evaluating more blocks takes no more memory.
func TestBlocksAllocateNothing(t *testing.T) {
	c := newCrowd(t, seeded(1))
	for _, text := range []string{
		`tag("t0") and tag("t1") and (tag("t2") or tag("t5")) and not tag("t3")`,
		`tag("t3") and not tag("t2")`,
		`days("open", within 9d) >= 3 and tag("t1")`,
		`count("open", within 9d) between 2 and 4 or did("open", within 2d)`,
	} {
		root, err := c.env.plan(parsed(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		r := c.env.bareRun(context.Background(), root)
		all := func() {
			for number := range c.env.blocks() {
				if _, err := r.count(number); err != nil {
					t.Fatal(err)
				}
			}
		}
		all() // room for scratch is taken now
		if n := testing.AllocsPerRun(20, all); n > 0 {
			t.Errorf("%s: %v allocations over %d blocks", text, n, c.env.blocks())
		}
		r.end()
	}
}

// TestLimitStopsEarly holds that a limit ends the evaluation once enough are found.
func TestLimitStopsEarly(t *testing.T) {
	c := newCrowd(t, seeded(2))
	ctx := &askedContext{Context: context.Background()}
	s, err := c.env.Select(ctx, parsed(t, `tag("known")`), 10)
	if err != nil || s.Count() != 10 {
		t.Fatalf("%d selected: %v", s.Count(), err)
	}
	if ctx.asked > 2 {
		t.Errorf("the caller was asked about %d times for the first 10 of the first block", ctx.asked)
	}
}

// askedContext is a context that counts how often it is asked, which is once a block at least.
type askedContext struct {
	context.Context
	asked int
}

func (c *askedContext) Err() error {
	c.asked++
	return nil
}
