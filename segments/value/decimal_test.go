package value

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"0", "0"}, {"-0", "0"}, {"00", "0"}, {"12", "12"}, {"+12", "12"}, {"-0.50", "-0.5"}, {".5", "0.5"}, {"5.", "5"},
		{"1e3", "1000"}, {"1.5E-3", "0.0015"}, {"1e+2", "100"}, {"9223372036854775807", "9223372036854775807"},
		{"0.000000000000000001", "0.000000000000000001"}, {"100000000000000000e1", "1000000000000000000"},
		{"1.000000000000000000000000", "1"}, {"0e999", "0"},
	} {
		got, err := ParseDecimal(c.in)
		if err != nil || got.String() != c.want {
			t.Errorf("ParseDecimal(%q) = %v, %v; want %s", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"", "-", ".", "1.2.3", "1e", "1e+", "e5", " 1", "1 ", "0x10", "1_000", "NaN", "inf", "١", "1e5.5", "--1", "1e--5"} {
		if got, err := ParseDecimal(in); err == nil || errors.Is(err, ErrRange) {
			t.Errorf("ParseDecimal(%q) = %v, %v; want a syntax error", in, got, err)
		}
	}
	for _, in := range []string{"9223372036854775808", "1e19", "0.0000000000000000001", "1e-400", "1e99999999999", "1e400"} {
		if got, err := ParseDecimal(in); !errors.Is(err, ErrRange) {
			t.Errorf("ParseDecimal(%q) = %v, %v; want ErrRange", in, got, err)
		}
	}
}

func TestFromFloat(t *testing.T) {
	for f, want := range map[float64]string{
		2.55: "2.55", 0.1: "0.1", -1e-7: "-0.0000001", 1e15: "1000000000000000", 0.30000000000000004: "0.30000000000000004",
		1e-300: "0", 1.2345678901234567e-5: "0.000012345678901235", 5e-19: "0.000000000000000001", 4e-19: "0",
	} {
		if got, err := FromFloat(f); err != nil || got.String() != want {
			t.Errorf("FromFloat(%v) = %v, %v; want %s", f, got, err, want)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e19, -1e300} {
		if got, err := FromFloat(f); !errors.Is(err, ErrRange) {
			t.Errorf("FromFloat(%v) = %v, %v; want ErrRange", f, got, err)
		}
	}
}

func genDecimal(t *rapid.T, label string) Decimal {
	coef := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000)).Draw(t, label)
	if coef == math.MinInt64 {
		coef++
	}
	d, err := NewDecimal(coef, rapid.IntRange(0, MaxScale).Draw(t, label+" scale"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func rat(d Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}

func TestDecimalAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, e := genDecimal(t, "d"), genDecimal(t, "e")
		if got, want := d.Cmp(e), rat(d).Cmp(rat(e)); got != want {
			t.Fatalf("%v.Cmp(%v) = %d, want %d", d, e, got, want)
		}
		if back, err := ParseDecimal(d.String()); err != nil || back != d {
			t.Fatalf("ParseDecimal(%v) = %v, %v", d, back, err)
		}
		if (d == e) != (d.Cmp(e) == 0) {
			t.Fatalf("%v and %v: equal values differ as Go values", d, e)
		}
	})
}
