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
// stands for its whole day in the app's zone.
func (e *Env) timeRanges(op expr.Op, literals []value.Value) []interval {
	spans := make([]interval, len(literals))
	for i, l := range literals {
		spans[i] = interval{l.Millis, l.Millis}
		if l.Kind == value.Date {
			spans[i].low, spans[i].high = e.dayRange(l.Millis)
		}
	}
	switch op {
	case expr.In, expr.Eq:
		return tidy(spans)
	case expr.Between:
		return []interval{{spans[0].low, spans[1].high}}
	case expr.Ne:
		return []interval{below(spans[0].low), above(spans[0].high)}
	case expr.Lt:
		return []interval{below(spans[0].low)}
	case expr.Le:
		return []interval{{math.MinInt64, spans[0].high}}
	case expr.Gt:
		return []interval{above(spans[0].high)}
	case expr.Ge:
		return []interval{{spans[0].low, math.MaxInt64}}
	}
	return nil
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
