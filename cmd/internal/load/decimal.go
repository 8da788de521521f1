package load

import (
	"math"
	"math/big"
	"math/bits"

	"whowhen.dev/whowhen/segments/value"
)

// addDecimals returns d + e, and false when the sum has too many digits.
func addDecimals(d, e value.Decimal) (value.Decimal, bool) {
	if d.Scale < e.Scale {
		d, e = e, d
	}
	aligned, ok := mulInt64(e.Coef, int64(value.Pow10(int(d.Scale-e.Scale))))
	if !ok {
		return value.Decimal{}, false
	}
	sum := d.Coef + aligned
	if (sum > d.Coef) != (aligned > 0) && aligned != 0 || sum == math.MinInt64 {
		return value.Decimal{}, false
	}
	r, err := value.NewDecimal(sum, int(d.Scale))
	return r, err == nil
}

// mulDecimals returns d * e, and false when the product has too many digits.
func mulDecimals(d, e value.Decimal) (value.Decimal, bool) {
	coef, ok := mulInt64(d.Coef, e.Coef)
	if !ok {
		return value.Decimal{}, false
	}
	r, err := value.NewDecimal(coef, int(d.Scale)+int(e.Scale))
	return r, err == nil
}

func mulInt64(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

func ratOf(d value.Decimal) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(d.Coef), new(big.Int).SetUint64(value.Pow10(int(d.Scale))))
}

// roundRat returns r rounded half away from zero to 18 digits behind the point, or to as many as
// fit, and false when r is too large.
func roundRat(r *big.Rat) (value.Decimal, bool) {
	for scale := value.MaxScale; scale >= 0; scale-- {
		scaled := new(big.Int).Mul(new(big.Int).Abs(r.Num()), new(big.Int).SetUint64(value.Pow10(scale)))
		// Half away from zero: (2n + d) / 2d, rounded down.
		scaled.Lsh(scaled, 1).Add(scaled, r.Denom())
		scaled.Quo(scaled, new(big.Int).Lsh(r.Denom(), 1))
		if !scaled.IsInt64() {
			continue
		}
		coef := scaled.Int64()
		if r.Sign() < 0 {
			coef = -coef
		}
		d, err := value.NewDecimal(coef, scale)
		return d, err == nil
	}
	return value.Decimal{}, false
}
