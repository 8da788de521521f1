package eval

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// sale is one event of the test data.
type sale struct {
	ordinal  uint32
	millis   int64
	category string        // "" when absent
	amount   value.Decimal // of any scale
	exact    int64         // amount in millionths
	size     int64
	mixed    value.Value // a string, a number, a bool, a time or absent
}

var categories = []string{"shoes", "hats", "bags", "belts", "socks", "rings", "coats", "gloves"}

func someSales(r *rand.Rand, cids, n int, several bool) []sale {
	sales := make([]sale, n)
	for i := range sales {
		s := &sales[i]
		s.ordinal = uint32(r.IntN(cids))
		if !several {
			s.ordinal = uint32(i * cids / n)
		}
		s.millis = int64(testDay-r.IntN(4))*dayMillis + r.Int64N(dayMillis)
		if r.IntN(9) > 0 {
			s.category = categories[min(r.IntN(8), r.IntN(8))]
		}
		scale := r.IntN(4)
		coef := r.Int64N(100_000) - 10_000
		s.amount, _ = value.NewDecimal(coef, scale)
		s.exact = coef * int64(value.Pow10(6-scale))
		s.size = r.Int64N(3) << (8 * r.IntN(6))
		switch r.IntN(5) {
		case 0:
			s.mixed = value.Text(categories[r.IntN(8)])
		case 1:
			s.mixed = value.Num(value.Int(r.Int64N(8)))
		case 2:
			s.mixed = value.Boolean(r.IntN(2) == 0)
		case 3:
			s.mixed = value.Value{Kind: value.Time, Millis: r.Int64N(3)}
		}
	}
	return sales
}

// columnOf returns a property of the sales by column; at gives kind, data, scale and, of strings, the text.
func columnOf(name string, n int, at func(i int) value.Value) batch.Column {
	c := batch.Column{Name: name, Kinds: make([]value.Kind, n), Data: make([]int64, n), Scales: make([]uint8, n), Strings: categories}
	for i := range n {
		switch v := at(i); v.Kind {
		case value.String:
			for code, s := range categories {
				if s == v.Str {
					c.Kinds[i], c.Data[i] = value.String, int64(code)
				}
			}
		case value.Number:
			c.Kinds[i], c.Data[i], c.Scales[i] = v.Kind, v.Num.Coef, v.Num.Scale
		case value.Bool:
			if c.Kinds[i] = v.Kind; v.Bool {
				c.Data[i] = 1
			}
		case value.Time:
			c.Kinds[i], c.Data[i] = v.Kind, v.Millis
		}
	}
	return c
}

func writeSales(t testing.TB, write func(build func(b *batch.Builder) error), sales []sale) {
	for from := 0; from < len(sales); from += batch.MaxRecords {
		some := sales[from:min(from+batch.MaxRecords, len(sales))]
		write(func(b *batch.Builder) error {
			n := len(some)
			ordinals, times := make([]uint32, n), make([]int64, n)
			for i := range some {
				ordinals[i], times[i] = some[i].ordinal, some[i].millis
			}
			return b.EventColumns(0, batch.Events{Name: "buy", CIDs: cidsOf(ordinals), TimesMillis: times, Props: []batch.Column{
				columnOf("category", n, func(i int) value.Value {
					if some[i].category == "" {
						return value.Value{}
					}
					return value.Text(some[i].category)
				}),
				columnOf("amount", n, func(i int) value.Value { return value.Num(some[i].amount) }),
				columnOf("size", n, func(i int) value.Value { return value.Num(value.Int(some[i].size)) }),
				columnOf("mixed", n, func(i int) value.Value { return some[i].mixed }),
			}})
		})
	}
}

// TestRows compares behaviour over columns with going over the events one by one: of busy and of idle CIDs, in one
// chunk and in several, for everyone, for few and for hardly anybody.
func TestRows(t *testing.T) {
	const millionth = 1_000_000
	ever := func(*sale) bool { return true }
	wheres := []struct {
		text  string
		holds func(s *sale) bool
	}{
		{`category = "shoes"`, func(s *sale) bool { return s.category == "shoes" }},
		{`category != "shoes"`, func(s *sale) bool { return s.category != "" && s.category != "shoes" }},
		{`category in ("hats", "socks", "coats")`, func(s *sale) bool {
			return s.category == "hats" || s.category == "socks" || s.category == "coats"
		}},
		{`category exists`, func(s *sale) bool { return s.category != "" }},
		{`not category exists`, func(s *sale) bool { return s.category == "" }},
		{`amount > 10`, func(s *sale) bool { return s.exact > 10*millionth }},
		{`amount <= 0.5 or size >= 256`, func(s *sale) bool { return s.exact <= millionth/2 || s.size >= 256 }},
		{`amount between 1.25 and 99.9 and not category < "hats"`, func(s *sale) bool {
			return s.exact >= 1.25*millionth && s.exact <= 99.9*millionth && (s.category == "" || s.category >= "hats")
		}},
		{`size != 1`, func(s *sale) bool { return s.size != 1 }},
		{`size in (0, 2, 256, 512, 65536, 131072, 33554432)`, func(s *sale) bool {
			return s.size != 1 && s.size != 16777216 && s.size < 4294967296
		}},
		{`mixed = "hats"`, func(s *sale) bool { return s.mixed.Kind == value.String && s.mixed.Str == "hats" }},
		{`mixed < 4`, func(s *sale) bool { return s.mixed.Kind == value.Number && s.mixed.Num.Coef < 4 }},
		{`mixed = true`, func(s *sale) bool { return s.mixed.Kind == value.Bool && s.mixed.Bool }},
		{`mixed exists and not (mixed = false or mixed >= 0)`, func(s *sale) bool {
			return s.mixed.Kind != value.Absent && s.mixed.Kind != value.Number && (s.mixed.Kind != value.Bool || s.mixed.Bool)
		}},
		{`unheard = 1`, func(*sale) bool { return false }},
	}
	windows := []struct {
		text  string
		holds func(s *sale) bool
	}{
		{``, ever},
		{`, within 2d`, func(s *sale) bool { return s.millis >= (testDay-1)*dayMillis }},
		{`, within 30h`, func(s *sale) bool { return s.millis/1000 >= (testDay+1)*dayMillis/1000-30*3600 }},
	}
	for _, shape := range []struct {
		cids, sales int
		several     bool
	}{{200, 3000, true}, {70_000, 63, false}, {140_000, 30_000, false}, {140_000, 150_000, true}} {
		t.Run(fmt.Sprintf("%d of %d", shape.sales, shape.cids), func(t *testing.T) {
			r := seeded(uint64(shape.sales))
			ix := newIndex(t)
			introduce(t, ix, shape.cids)
			sales := someSales(r, shape.cids, shape.sales, shape.several)
			writeSales(t, func(build func(b *batch.Builder) error) { write(t, ix, testDay+1, build) }, sales)
			few := uint32(r.IntN(100))
			write(t, ix, testDay-40, func(b *batch.Builder) error {
				var ordinals []uint32
				for o := few; int(o) < shape.cids; o += 1000 {
					ordinals = append(ordinals, o)
				}
				return b.TagColumns(0, batch.Tags{Name: "few", CIDs: cidsOf(ordinals), Remove: make([]bool, len(ordinals))})
			})
			e := envOf(t, ix)
			for i, where := range wheres {
				window := windows[i%len(windows)]
				counts, sums, days := make([]int64, shape.cids), make([]int64, shape.cids), make([]uint8, shape.cids)
				for j := range sales {
					if s := &sales[j]; where.holds(s) && window.holds(s) {
						counts[s.ordinal]++
						sums[s.ordinal] += s.exact
						days[s.ordinal] |= 1 << (s.millis/dayMillis - testDay + 3)
					}
				}
				for text, want := range map[string]func(o int) bool{
					fmt.Sprintf(`did("buy" where %s%s)`, where.text, window.text):                            func(o int) bool { return counts[o] > 0 },
					fmt.Sprintf(`count("buy" where %s%s) >= 2`, where.text, window.text):                     func(o int) bool { return counts[o] >= 2 },
					fmt.Sprintf(`count("buy" where %s%s) < 1`, where.text, window.text):                      func(o int) bool { return counts[o] < 1 },
					fmt.Sprintf(`days("buy" where %s%s) = 2`, where.text, window.text):                       func(o int) bool { return bitsOf(days[o]) == 2 },
					fmt.Sprintf(`sum("buy.amount" where %s%s) > 12.5`, where.text, window.text):              func(o int) bool { return sums[o] > 12.5*millionth },
					fmt.Sprintf(`tag("few") and did("buy" where %s%s)`, where.text, window.text):             func(o int) bool { return o%1000 == int(few) && counts[o] > 0 },
					fmt.Sprintf(`tag("few") and sum("buy.amount" where %s%s) <= 3`, where.text, window.text): func(o int) bool { return o%1000 == int(few) && sums[o] <= 3*millionth },
				} {
					for o, got := range holdsFor(t, e, text, shape.cids) {
						if got != want(o) {
							t.Fatalf("%s: ordinal %d is %v; %d events, sum %d", text, o, got, counts[o], sums[o])
						}
					}
				}
			}
		})
	}
}

func bitsOf(b uint8) (n int) {
	for ; b != 0; b &= b - 1 {
		n++
	}
	return n
}

// BenchmarkRows is over 900,000 events of a million CIDs in 30 days; times are also given per event.
func BenchmarkRows(b *testing.B) {
	const cids, days, each = 1_000_000, 30, 30_000
	ix := newIndex(b)
	introduce(b, ix, cids)
	r := seeded(1)
	for day := range days {
		sales := someSales(r, cids, each, false)
		for i := range sales {
			sales[i].millis = int64(testDay-day)*dayMillis + r.Int64N(dayMillis)
		}
		writeSales(b, func(build func(*batch.Builder) error) { write(b, ix, testDay+1, build) }, sales)
	}
	e := envOf(b, ix)
	for _, text := range []string{
		`did("buy" where category = "shoes", within 30d)`,
		`did("buy" where category in ("hats", "belts", "rings"), within 30d)`,
		`did("buy" where category = "shoes" and size > 1, within 30d)`,
		`did("buy" where amount > 10, within 30d)`,
		`count("buy" where category = "shoes", within 30d) >= 2`,
		`days("buy" where category = "shoes", within 30d) >= 2`,
		`sum("buy.size", within 30d) > 100`,
		`sum("buy.amount", within 30d) > 100`,
	} {
		n := parsed(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Count(b.Context(), n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(days*each), "ns/event")
		})
	}
}

// eachDay calls f with a run at every block, and every day of the span of a did, whose events are selected from.
func eachDay(t testing.TB, e *Env, text string, f func(r *run, s *events, d *day)) {
	n := parsed(t, text)
	behaviour := n.(expr.Behaviour)
	id, _ := e.Schema.Event(behaviour.Event)
	selected := &events{id: id, keptFrom: firstDay, span: e.span(behaviour.Window)}
	if behaviour.Where != nil {
		var err error
		if selected.where, err = e.compileCond(id, behaviour.Where); err != nil {
			t.Fatal(err)
		}
	}
	r, err := e.newRun(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer r.end()
	for number := range e.blocks() {
		if _, err := r.goTo(number); err != nil {
			t.Fatal(err)
		}
		for _, d := range selected.days(r) {
			f(r, selected, &day{EventDay: d})
		}
	}
}

// TestMarkAndTally compares both with scan, for everyone and for few.
func TestMarkAndTally(t *testing.T) {
	const cids = 140_000
	r := seeded(5)
	ix := newIndex(t)
	introduce(t, ix, cids)
	writeSales(t, func(build func(*batch.Builder) error) { write(t, ix, testDay+1, build) }, someSales(r, cids, 90_000, true))
	everyone, few, one := new(bitmap.Words), new(bitmap.Words), new(bitmap.Words)
	everyone.Fill(bitmap.BlockOrdinals)
	for range 900 {
		few.Set(uint16(r.IntN(bitmap.BlockOrdinals)))
	}
	one.Set(777)
	for _, text := range []string{`did("buy" where category = "hats")`, `did("buy", within 50h)`, `did("buy" where size >= 0)`} {
		eachDay(t, envOf(t, ix), text, func(run *run, s *events, d *day) {
			for _, candidates := range []*bitmap.Words{everyone, few, one, new(bitmap.Words)} {
				var want, marked, touched bitmap.Words
				var counts, tallied [bitmap.BlockOrdinals]uint32
				if err := s.scan(run, d, candidates, func(_ *column.Chunk, _ int, x uint16) { want.Set(x); counts[x]++ }); err != nil {
					t.Fatal(err)
				}
				if err := s.mark(run, d, candidates, &marked); err != nil {
					t.Fatal(err)
				}
				if err := s.tally(run, d, candidates, &touched, &tallied); err != nil {
					t.Fatal(err)
				}
				if touched != marked {
					t.Fatal("mark and tally differ")
				}
				if marked.And(candidates); marked != want {
					t.Fatalf("%s: %d marked, want %d", text, marked.Count(), want.Count())
				}
				for x := range counts {
					if candidates.Has(uint16(x)) && counts[x] != tallied[x] {
						t.Fatalf("%s: %d of ordinal %d, want %d", text, tallied[x], x, counts[x])
					}
				}
			}
		})
	}
}

// BenchmarkMark goes over 300,000 events of a million CIDs by bits and by a call for each row that matches.
func BenchmarkMark(b *testing.B) {
	const cids, sales = 1_000_000, 300_000
	ix := newIndex(b)
	introduce(b, ix, cids)
	writeSales(b, func(build func(*batch.Builder) error) { write(b, ix, testDay+1, build) }, someSales(seeded(1), cids, sales, false))
	e := envOf(b, ix)
	everyone, out := new(bitmap.Words), new(bitmap.Words)
	everyone.Fill(bitmap.BlockOrdinals)
	for _, text := range []string{`did("buy" where category = "shoes")`, `did("buy" where amount > 10)`} {
		for name, f := range map[string]func(r *run, s *events, d *day) error{
			"mark": func(r *run, s *events, d *day) error { return s.mark(r, d, everyone, out) },
			"scan": func(r *run, s *events, d *day) error {
				return s.scan(r, d, everyone, func(_ *column.Chunk, _ int, x uint16) { out.Set(x) })
			},
		} {
			b.Run(name+"/"+text, func(b *testing.B) {
				for b.Loop() {
					eachDay(b, e, text, func(r *run, s *events, d *day) {
						if err := f(r, s, d); err != nil {
							b.Fatal(err)
						}
					})
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/sales, "ns/event")
			})
		}
	}
}
