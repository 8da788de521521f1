package judge

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// compare says whether a comparison holds for a value. Nothing holds for one that is missing, nor for one of
// another type than the literals.
func (j *Judge) compare(v value.Value, c expr.Comparison) bool {
	if v.Kind == value.Absent {
		return false
	}
	switch c.Op {
	case expr.Exists:
		return true
	case expr.Has:
		return v.Kind == value.List && slices.Contains(v.List, c.Values[0].Str)
	}
	kind := c.Values[0].Kind
	switch {
	case kind == value.Date && v.Kind == value.Time:
		v = value.Day(j.day(floor(v.Millis)))
	case kind != v.Kind:
		return false
	}
	switch v.Kind {
	case value.Number:
		return holdsNumber(rat(v.Num), c.Op, c.Values)
	case value.Bool, value.String, value.Time, value.Date:
		return holds(c.Op, len(c.Values), func(i int) int { return order(v, c.Values[i]) })
	}
	return false
}

func order(v, w value.Value) int {
	switch v.Kind {
	case value.Bool:
		if v.Bool == w.Bool {
			return 0
		}
		return 1
	case value.String:
		return strings.Compare(v.Str, w.Str)
	}
	return cmp.Compare(v.Millis, w.Millis)
}

func rat(d value.Decimal) *big.Rat {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil)
	return new(big.Rat).SetFrac(big.NewInt(d.Coef), ten)
}

func holdsNumber(r *big.Rat, op expr.Op, literals []value.Value) bool {
	return holds(op, len(literals), func(i int) int { return r.Cmp(rat(literals[i].Num)) })
}

// holds says whether a comparison holds; order compares the value with literal i.
func holds(op expr.Op, literals int, order func(i int) int) bool {
	switch op {
	case expr.Eq:
		return order(0) == 0
	case expr.Ne:
		return order(0) != 0
	case expr.Lt:
		return order(0) < 0
	case expr.Le:
		return order(0) <= 0
	case expr.Gt:
		return order(0) > 0
	case expr.Ge:
		return order(0) >= 0
	case expr.Between:
		return order(0) >= 0 && order(1) <= 0
	case expr.In:
		for i := range literals {
			if order(i) == 0 {
				return true
			}
		}
		return false
	}
	panic(fmt.Sprintf("judge: operator %d", op))
}
