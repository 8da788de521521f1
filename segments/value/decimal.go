package value

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// MaxScale is the largest number of digits a Decimal keeps after the point.
const MaxScale = 18

// ErrRange says that a number does not fit a Decimal.
var ErrRange = errors.New("number out of range: at most 18 digits before the point and a coefficient below 9.2e18")

// Decimal is the exact number Coef / 10^Scale. The zero Decimal is 0. A
// normal Decimal has no trailing zero after the point, so equal numbers are
// equal as Go values; every function here returns normal ones.
type Decimal struct {
	Coef  int64
	Scale uint8
}

// Int returns the Decimal of an integer.
func Int(n int64) Decimal { return Decimal{Coef: n} }

// NewDecimal returns coef / 10^scale in normal form. It fails with ErrRange
// when scale exceeds MaxScale and the surplus digits are not zeros.
func NewDecimal(coef int64, scale int) (Decimal, error) {
	for scale > 0 && coef%10 == 0 {
		coef, scale = coef/10, scale-1
	}
	if coef == 0 {
		return Decimal{}, nil
	}
	if scale > MaxScale {
		return Decimal{}, ErrRange
	}
	for ; scale < 0; scale++ {
		hi, lo := bits.Mul64(magnitude(coef), 10)
		if hi != 0 || lo > math.MaxInt64 {
			return Decimal{}, ErrRange
		}
		coef *= 10
	}
	return Decimal{Coef: coef, Scale: uint8(scale)}, nil
}

// FromFloat returns the number that the shortest decimal text of f stands
// for, which is what a person who typed f meant. Digits after the eighteenth
// behind the point are rounded half away from zero. NaN, infinities and
// magnitudes that do not fit give ErrRange.
func FromFloat(f float64) (Decimal, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Decimal{}, ErrRange
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return Decimal{Coef: int64(f)}, nil
	}
	var buf [40]byte
	return parse(string(strconv.AppendFloat(buf[:0], f, 'e', -1, 64)), true)
}

// ParseDecimal reads an optional sign, digits with at most one point, and an
// optional exponent: `12`, `-0.5`, `.5`, `1e3`. Nothing else is a number, not even
// surrounding blanks. A number that cannot be kept exactly gives ErrRange.
func ParseDecimal(s string) (Decimal, error) { return parse(s, false) }

func parse(s string, round bool) (Decimal, error) {
	bad := func() (Decimal, error) { return Decimal{}, fmt.Errorf("%.40q is not a number", s) }
	rest, negative := s, false
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		negative, rest = rest[0] == '-', rest[1:]
	}
	exponent := 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		text := rest[i+1:]
		if text == "" || strings.Trim(text[1:], "0123456789") != "" || strings.Trim(text, "0123456789+-") != "" || strings.Trim(text, "+-") == "" {
			return bad()
		}
		n, err := strconv.Atoi(text)
		if err != nil || n > 10_000 || n < -10_000 {
			return Decimal{}, ErrRange
		}
		exponent, rest = n, rest[:i]
	}
	var coef uint64
	digits, scale, point := 0, 0, false
	trailing := 0 // zeros behind the point not yet taken into coef
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			return bad()
		}
		digits++
		if point && c == '0' {
			trailing++
			continue
		}
		for ; trailing > 0; trailing-- {
			scale++
			if coef > math.MaxUint64/10 {
				return Decimal{}, ErrRange
			}
			coef *= 10
		}
		hi, lo := bits.Mul64(coef, 10)
		lo, carry := bits.Add64(lo, uint64(c-'0'), 0)
		if hi+carry != 0 {
			return Decimal{}, ErrRange
		}
		coef = lo
		if point {
			scale++
		}
	}
	if digits == 0 {
		return bad()
	}
	scale -= exponent
	for coef != 0 && scale > 0 && coef%10 == 0 {
		coef, scale = coef/10, scale-1
	}
	if round && scale > MaxScale {
		last := uint64(0)
		for ; scale > MaxScale; scale-- {
			coef, last = coef/10, coef%10
			if coef == 0 && scale > MaxScale+1 {
				return Decimal{}, nil
			}
		}
		if last >= 5 {
			coef++
		}
	}
	if coef > math.MaxInt64 {
		return Decimal{}, ErrRange
	}
	if coef != 0 && scale < -MaxScale {
		return Decimal{}, ErrRange
	}
	signed := int64(coef)
	if negative {
		signed = -signed
	}
	return NewDecimal(signed, scale)
}

// Cmp returns -1, 0 or 1 as d is below, equal to or above e.
func (d Decimal) Cmp(e Decimal) int {
	dn, en := d.Coef < 0, e.Coef < 0
	if dn != en {
		if dn {
			return -1
		}
		return 1
	}
	dhi, dlo := bits.Mul64(magnitude(d.Coef), Pow10(max(0, int(e.Scale)-int(d.Scale))))
	ehi, elo := bits.Mul64(magnitude(e.Coef), Pow10(max(0, int(d.Scale)-int(e.Scale))))
	order := 0
	switch {
	case dhi < ehi || dhi == ehi && dlo < elo:
		order = -1
	case dhi > ehi || dlo > elo:
		order = 1
	}
	if dn {
		return -order
	}
	return order
}

// Float returns the float64 nearest to d, give or take one rounding.
func (d Decimal) Float() float64 { return float64(d.Coef) / float64(Pow10(int(d.Scale))) }

// String returns d in plain digits, without exponent: "-0.5".
func (d Decimal) String() string {
	text := strconv.FormatUint(magnitude(d.Coef), 10)
	if d.Scale > 0 {
		if len(text) <= int(d.Scale) {
			text = strings.Repeat("0", int(d.Scale)-len(text)+1) + text
		}
		cut := len(text) - int(d.Scale)
		text = text[:cut] + "." + text[cut:]
	}
	if d.Coef < 0 {
		return "-" + text
	}
	return text
}

// Pow10 returns 10^n for 0 <= n <= 18.
func Pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return uint64(-n)
	}
	return uint64(n)
}
