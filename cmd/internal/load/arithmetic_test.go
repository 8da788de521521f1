package load

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/value"
)

// compute evaluates with the given columns; empty text is a missing value.
func compute(t *testing.T, text string, columns map[string]string) (string, *fault) {
	t.Helper()
	a, err := parseArithmetic(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var names []string
	a.names(func(leaf *arithmetic) {
		leaf.slot = len(names)
		names = append(names, leaf.name)
	})
	n, ok, f := a.eval(func(slot int) (value.Decimal, bool, *fault) {
		cell, known := columns[names[slot]]
		if !known {
			t.Fatalf("%s asks for %q", text, names[slot])
		}
		if cell == "" {
			return value.Decimal{}, false, nil
		}
		n, err := value.ParseDecimal(cell)
		if err != nil {
			return n, false, &fault{names[slot], "SET_NOT_A_NUMBER", err.Error()}
		}
		return n, true, nil
	})
	if f != nil || !ok {
		return "", f
	}
	return n.String(), nil
}

func TestArithmetic(t *testing.T) {
	columns := map[string]string{"Quantity": "6", "UnitPrice": "2.55", "none": "", "zero": "0", "Unit Price": "3", "a\"b": "4", "big": "9223372036854775807", "text": "x", "é_1": "1"}
	for text, want := range map[string]string{
		"Quantity*UnitPrice":        "15.3",
		" Quantity * UnitPrice\t":   "15.3",
		`Quantity * "Unit Price"`:   "18",
		`"a\"b"+1`:                  "5",
		"1+2*3":                     "7",
		"(1+2)*3":                   "9",
		"10-2-3":                    "5",
		"100/10/5":                  "2",
		"-Quantity":                 "-6",
		"--1":                       "1",
		"2*-3":                      "-6",
		"1/3":                       "0.333333333333333333",
		"2/3":                       "0.666666666666666667",
		"-2/3":                      "-0.666666666666666667",
		"1/3*3":                     "1",
		"1000/3":                    "333.3333333333333333",
		"0.1+0.2":                   "0.3",
		"1e3+.5":                    "1000.5",
		"big+1-1":                   "9223372036854775807",
		"big*big/big":               "9223372036854775807",
		"0.000000001*0.00000000005": "0.000000000000000000" + "", // 5e-20 rounds to nothing
		"Quantity/zero":             "",
		"Quantity/(zero*2)":         "",
		"Quantity+none":             "",
		"none/zero":                 "",
		"é_1":                       "1",
		"42":                        "42",
	} {
		want := strings.TrimSuffix(want, ".000000000000000000")
		if got, f := compute(t, text, columns); f != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", text, got, f, want)
		}
	}
	for text, reason := range map[string]string{"big+1": "NUMBER_OUT_OF_RANGE", "big*big": "NUMBER_OUT_OF_RANGE", "text+1": "SET_NOT_A_NUMBER", "-big-2": "NUMBER_OUT_OF_RANGE"} {
		if got, f := compute(t, text, columns); f == nil || f.reason != reason {
			t.Errorf("%s = %q, %v; want %s", text, got, f, reason)
		}
	}
	for _, text := range []string{
		"", "1+", "*2", "(1", "1)", "a b", "1 2", `"a`, `""`, "a%b", "1..2", "1e", "a=b", "sum(a)", "0.1234567890123456789", "99999999999999999999",
		strings.Repeat("(", 100) + "1" + strings.Repeat(")", 100), strings.Repeat("-", 100) + "1", strings.Repeat("1+", 3000) + "1",
	} {
		if a, err := parseArithmetic(text); err == nil {
			t.Errorf("%.40q was taken as %+v", text, a)
		}
	}
}

func TestArithmeticAgainstFractions(t *testing.T) {
	leaf := rapid.Custom(func(t *rapid.T) *arithmetic {
		coef := rapid.OneOf(rapid.Int64Range(-1000, 1000), rapid.Int64Range(-1<<62, 1<<62)).Draw(t, "coef")
		n, err := value.NewDecimal(coef, rapid.IntRange(0, value.MaxScale).Draw(t, "scale"))
		if err != nil {
			t.Fatal(err)
		}
		return &arithmetic{number: n}
	})
	var tree func(t *rapid.T, depth int) *arithmetic
	tree = func(t *rapid.T, depth int) *arithmetic {
		if depth == 0 || rapid.Bool().Draw(t, "leaf") {
			return leaf.Draw(t, "number")
		}
		return &arithmetic{op: rapid.SampledFrom([]byte("+-*/")).Draw(t, "op"), left: tree(t, depth-1), right: tree(t, depth-1)}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := tree(t, 3)
		got, ok, f := a.eval(nil)
		exact, _ := a.exact(nil)
		if exact == nil {
			if ok || f != nil {
				t.Fatalf("a division by zero is %v, %v, %v", got, ok, f)
			}
			return
		}
		if f != nil {
			if limit := new(big.Rat).SetInt64(1<<63 - 1); new(big.Rat).Abs(exact).Cmp(limit) < 0 {
				t.Fatalf("%v does not fit: %v", exact, f)
			}
			return
		}
		// Within half a unit of the last digit kept, and exact when all digits are.
		difference := new(big.Rat).Sub(ratOf(got), exact)
		if difference.Sign() == 0 {
			return
		}
		next := value.Decimal{Coef: max(got.Coef, -got.Coef), Scale: got.Scale}
		for int(next.Scale) < value.MaxScale {
			more, ok := mulInt64(next.Coef, 10)
			if !ok {
				break
			}
			next.Coef, next.Scale = more, next.Scale+1
		}
		half := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).SetUint64(2*value.Pow10(int(next.Scale))))
		if next.Scale == value.MaxScale && next.Coef == 0 {
			half = new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Mul(big.NewInt(2), new(big.Int).SetUint64(value.Pow10(value.MaxScale))))
		}
		if new(big.Rat).Abs(difference).Cmp(half) > 0 {
			t.Fatalf("%v was rounded to %v", exact, got)
		}
	})
}

func FuzzArithmetic(f *testing.F) {
	f.Add(`Quantity * "Unit Price" - (1.5e3 / -x)`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseArithmetic(text)
		if err != nil {
			return
		}
		five := func(int) (value.Decimal, bool, *fault) { return value.Int(5), true, nil }
		if len(text) < 200 {
			if _, _, f := a.eval(five); f != nil && f.reason != "NUMBER_OUT_OF_RANGE" {
				t.Fatal(f)
			}
		}
	})
}
