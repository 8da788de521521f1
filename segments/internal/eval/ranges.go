package eval

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sort"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// interval is a closed range of integers; low above high is empty.
type interval struct{ low, high int64 }

var (
	nothing    = interval{1, 0}
	everything = interval{math.MinInt64, math.MaxInt64}
)

func (i interval) has(n int64) bool { return n >= i.low && n <= i.high }

// has says whether one of the intervals holds n. They ascend and do not overlap.
func has(intervals []interval, n int64) bool {
	if len(intervals) > 4 {
		at := sort.Search(len(intervals), func(i int) bool { return intervals[i].high >= n })
		return at < len(intervals) && intervals[at].low <= n
	}
	for _, i := range intervals {
		if i.has(n) {
			return true
		}
	}
	return false
}

// tidy sorts intervals, and drops empty ones and repeats. Intervals that share anything must be equal.
func tidy(intervals []interval) []interval {
	intervals = slices.DeleteFunc(intervals, func(i interval) bool { return i.low > i.high })
	slices.SortFunc(intervals, func(a, b interval) int { return cmp.Compare(a.low, b.low) })
	return slices.Compact(intervals)
}

// numberRanges returns which coefficients, at a scale, stand for numbers that a comparison
// holds for. Ne gives the ranges on both sides.
func numberRanges(op expr.Op, literals []value.Value, scale uint8) []interval {
	switch op {
	case expr.In:
		var all []interval
		for _, l := range literals {
			all = append(all, numberRange(expr.Eq, l.Num, scale))
		}
		return tidy(all)
	case expr.Between:
		low, high := numberRange(expr.Ge, literals[0].Num, scale), numberRange(expr.Le, literals[1].Num, scale)
		if low == nothing || high == nothing {
			return nil // a bound lies beyond all coefficients
		}
		return []interval{{low.low, high.high}}
	case expr.Ne:
		return []interval{numberRange(expr.Lt, literals[0].Num, scale), numberRange(expr.Gt, literals[0].Num, scale)}
	}
	return []interval{numberRange(op, literals[0].Num, scale)}
}

// numberRange returns the coefficients n with n/10^scale OP literal.
func numberRange(op expr.Op, literal value.Decimal, scale uint8) interval {
	floor, exact, beyond := floorAt(literal, scale)
	switch {
	case beyond > 0: // above all coefficients
		if op == expr.Lt || op == expr.Le {
			return everything
		}
		return nothing
	case beyond < 0:
		if op == expr.Gt || op == expr.Ge {
			return everything
		}
		return nothing
	}
	switch op {
	case expr.Eq:
		if exact {
			return interval{floor, floor}
		}
		return nothing
	case expr.Lt:
		if exact {
			return below(floor)
		}
		return interval{math.MinInt64, floor}
	case expr.Le:
		return interval{math.MinInt64, floor}
	case expr.Gt:
		return above(floor)
	case expr.Ge:
		if exact {
			return interval{floor, math.MaxInt64}
		}
		return above(floor)
	}
	return nothing
}

func above(n int64) interval {
	if n == math.MaxInt64 {
		return nothing
	}
	return interval{n + 1, math.MaxInt64}
}

func below(n int64) interval {
	if n == math.MinInt64 {
		return nothing
	}
	return interval{math.MinInt64, n - 1}
}

// floorAt returns the largest coefficient at a scale that is not above d, and whether it is d;
// beyond is 1 or -1 when d lies above or below all coefficients.
func floorAt(d value.Decimal, scale uint8) (floor int64, exact bool, beyond int) {
	if d.Scale > scale {
		unit := int64(value.Pow10(int(d.Scale - scale)))
		floor, rest := d.Coef/unit, d.Coef%unit
		if rest < 0 {
			floor--
		}
		return floor, rest == 0, 0
	}
	magnitude := uint64(d.Coef)
	if d.Coef < 0 {
		magnitude = -magnitude
	}
	hi, lo := bits.Mul64(magnitude, value.Pow10(int(scale-d.Scale)))
	switch {
	case d.Coef >= 0 && (hi > 0 || lo > math.MaxInt64):
		return 0, false, 1
	case d.Coef < 0 && (hi > 0 || lo > 1<<63):
		return 0, false, -1
	case d.Coef < 0:
		return int64(-lo), true, 0
	}
	return int64(lo), true, 0
}

// timeRanges returns which milliseconds a comparison of moments holds for. A date
// stands for all moments of that civil day in the app's zone.
func (e *Env) timeRanges(op expr.Op, literals []value.Value) []interval {
	// Moments not after the literal, and moments before it.
	upTo := func(l value.Value) []interval {
		if l.Kind == value.Date {
			return e.until(l.Millis)
		}
		return []interval{{math.MinInt64, l.Millis}}
	}
	before := func(l value.Value) []interval {
		if l.Kind == value.Date {
			return e.until(l.Millis - 1)
		}
		return []interval{below(l.Millis)}
	}
	equal := func(l value.Value) []interval { return intersect(upTo(l), complement(before(l))) }
	switch op {
	case expr.In:
		var all []interval
		for _, l := range literals {
			all = append(all, equal(l)...)
		}
		return tidy(all)
	case expr.Between:
		return intersect(upTo(literals[1]), complement(before(literals[0])))
	case expr.Eq:
		return equal(literals[0])
	case expr.Ne:
		return complement(equal(literals[0]))
	case expr.Lt:
		return before(literals[0])
	case expr.Le:
		return upTo(literals[0])
	case expr.Gt:
		return complement(upTo(literals[0]))
	case expr.Ge:
		return complement(before(literals[0]))
	}
	return nil
}

// complement returns the integers that are in none of ascending disjoint intervals.
func complement(intervals []interval) []interval {
	var gaps []interval
	rest := everything
	for _, i := range intervals {
		if i.low > i.high {
			continue
		}
		if i.low > rest.low {
			gaps = append(gaps, interval{rest.low, i.low - 1})
		}
		if i.high == math.MaxInt64 {
			return gaps
		}
		rest.low = i.high + 1
	}
	return append(gaps, rest)
}

// intersect returns the integers that are in both of two lists of ascending disjoint intervals.
func intersect(a, b []interval) []interval {
	var both []interval
	for len(a) > 0 && len(b) > 0 {
		if i := (interval{max(a[0].low, b[0].low), min(a[0].high, b[0].high)}); i.low <= i.high {
			both = append(both, i)
		}
		if a[0].high < b[0].high {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return both
}

// boolRanges returns which of 0 and 1 a comparison holds for.
func boolRanges(op expr.Op, literals []value.Value) []interval {
	var all []interval
	for n := range int64(2) {
		holds := op == expr.Ne
		for _, l := range literals {
			if l.Bool == (n == 1) {
				holds = op != expr.Ne
			}
		}
		if holds {
			all = append(all, interval{n, n})
		}
	}
	return all
}

// textHolds says whether a comparison of strings holds; strings are ordered by their bytes.
func textHolds(op expr.Op, s string, literals []value.Value) bool {
	switch op {
	case expr.Eq:
		return s == literals[0].Str
	case expr.Ne:
		return s != literals[0].Str
	case expr.Lt:
		return s < literals[0].Str
	case expr.Le:
		return s <= literals[0].Str
	case expr.Gt:
		return s > literals[0].Str
	case expr.Ge:
		return s >= literals[0].Str
	case expr.Between:
		return s >= literals[0].Str && s <= literals[1].Str
	}
	return false
}
