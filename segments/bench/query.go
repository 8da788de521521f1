package bench

import (
	"math/rand/v2"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// Query is one way to ask what a figure asks: an expression, and the same of the library.
type Query struct {
	Expression expr.Node
	Library    func(l *Library) uint64
}

// varied returns the randomness of a round of a figure.
func (d Dataset) varied(round int) *rand.Rand { return rand.New(rand.NewPCG(d.Seed, uint64(round))) }

// And5 returns `(a and b and (c or d)) and not e` and, for rounds above 0, the same in another order.
func (d Dataset) And5(round int) Query {
	tags := [5]int{0, 1, 2, 3, 4}
	if round == 0 {
		return d.and5(tags, func(int, func(i, j int)) {})
	}
	return d.and5(tags, d.varied(round).Shuffle)
}

// And5Wide returns And5 of any tags of the same densities, in any order: together they are more than a processor's caches hold.
func (d Dataset) And5Wide(round int) Query {
	tags := [5]int{0, 1, 2, 3, 4}
	random := d.varied(round)
	for i := range tags {
		tags[i] += 5 * random.IntN(Variants)
	}
	return d.and5(tags, random.Shuffle)
}

// and5Of returns And5 with the tags of one variant, 0 to Variants-1, none of which another variant has.
func (d Dataset) and5Of(variant int) Query {
	tags := [5]int{0, 1, 2, 3, 4}
	for i := range tags {
		tags[i] += 5 * variant
	}
	return d.and5(tags, func(int, func(i, j int)) {})
}

func (d Dataset) and5(tags [5]int, shuffle func(n int, swap func(i, j int))) Query {
	names := d.Tags()
	var tag [5]expr.Node
	for i, t := range tags {
		tag[i] = expr.Tag{Name: names[t].Name}
	}
	either := []expr.Node{tag[2], tag[3]}
	shuffle(len(either), func(i, j int) { either[i], either[j] = either[j], either[i] })
	all := []expr.Node{tag[0], tag[1], expr.Or{Terms: either}, expr.Not{Term: tag[4]}}
	shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return Query{expr.And{Terms: all}, func(l *Library) uint64 { return l.and5(tags) }}
}

// Days3of30 returns `days("open", within 30d) >= 3` and, for rounds above 0, also 2 and 4 days, and the
// other event of 3 % a day.
func (d Dataset) Days3of30(round int) Query {
	n, event := []uint8{3, 2, 4}[round%3], eventOpen+round/3%2
	return Query{
		d.atLeast(expr.Days, event, n),
		func(l *Library) uint64 { return l.daysAtLeast(event, n) },
	}
}

// Count3of30 returns `count("click", within 30d) >= 3` and, for rounds above 0, also 2, 4 and 5 times.
func (d Dataset) Count3of30(round int) Query {
	n := []uint8{3, 2, 4, 5}[round%4]
	return Query{
		d.atLeast(expr.Count, eventClick, n),
		func(l *Library) uint64 { return l.eventsAtLeast(eventClick, n) },
	}
}

func (d Dataset) atLeast(f expr.Func, event int, n uint8) expr.Node {
	return expr.Behaviour{Func: f, Event: d.Events()[event].Name, Window: last30(), Op: expr.Ge, Values: whole(uint64(n))}
}

// last30 returns the window of all days of the dataset.
func last30() expr.Window { return expr.Window{Kind: expr.WithinDays, N: Days} }

func whole(n uint64) []value.Value { return []value.Value{value.Num(value.Int(int64(n)))} }

// Where30 returns `did("open" where category = "shoes", within 30d)` and, for rounds above 0, other categories.
func (d Dataset) Where30(round int) Query {
	categories := d.Categories()
	category := round % len(categories)
	where := expr.Property{Comparison: expr.Comparison{Name: "category", Op: expr.Eq, Values: []value.Value{value.Text(categories[category])}}}
	return Query{
		expr.Behaviour{Func: expr.Did, Event: d.Events()[eventOpen].Name, Where: where, Window: last30()},
		func(l *Library) uint64 { return l.didCategory(eventOpen, category) },
	}
}

// GT10Bit returns `points > 511` and, for rounds above 0, other bounds.
func (d Dataset) GT10Bit(round int) Query {
	n := d.Numbers()[numberPoints]
	k := uint64(1)<<(n.Bits-1) - 1
	if round > 0 {
		k = 1 + d.varied(round).Uint64N(1<<n.Bits-2)
	}
	return Query{
		expr.Attribute{Comparison: expr.Comparison{Name: n.Name, Op: expr.Gt, Values: whole(k)}},
		func(l *Library) uint64 { return l.above(numberPoints, k) },
	}
}
