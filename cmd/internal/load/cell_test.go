package load

import (
	"errors"
	"testing"

	"whowhen.dev/whowhen/segments/value"
)

func TestClassify(t *testing.T) {
	for text, want := range map[string]class{
		"0": classNumber, "-0": classNumber, "12": classNumber, "-1.50": classNumber, ".5": classNumber, "-.5": classNumber,
		"0.5": classNumber, "1e3": classNumber, "1.5E-3": classNumber, "999999999999999999": classNumber, "9223372036854775807": classNumber,
		"1.2345678901234567e-05": classNumber, "0.1000000000000000000000": classNumber, "1e-300": classNumber,
		"007": classText, "00": classText, "+1": classText, "5.": classText, ".": classText, "-": classText, "1e": classText, "1,5": classText,
		" 1": classText, "1 ": classText, "1_000": classText, "0x1f": classText, "NaN": classText, "Inf": classText, "2010-12-01": classText,
		"9223372036854775808": classText, "1234567890123456789.5": classText, "1e19": classText, "1e99999999999": classText, "١": classText,
		"true": classBool, "false": classBool, "True": classText, "TRUE": classText, "t": classText, "yes": classText, "--1": classText, "1-2": classText,
	} {
		if got := classify([]byte(text)); got != want {
			t.Errorf("classify(%q) = %b, want %b", text, got, want)
		}
	}
}

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]string{
		"1.50": "1.5", "-0": "0", "+5": "5", "007": "7", "5.": "5", "1.2345678901234567e-05": "0.000012345678901235",
		"1e-300": "0", "-4e-19": "0", "123456789.123456789": "123456789.123456789",
	} {
		if got, err := parseNumber([]byte(text)); err != nil || got.String() != want {
			t.Errorf("parseNumber(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
	// What a double would change is not rounded.
	for _, text := range []string{"1234567890123456789.5", "0.1234567890123456789", "1e19"} {
		if got, err := parseNumber([]byte(text)); !errors.Is(err, value.ErrRange) {
			t.Errorf("parseNumber(%q) = %v, %v; want ErrRange", text, got, err)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"0", "-1.50", ".5", "5.", "+1", "1e3", "007", "999999999999999999", "0.0000000000000000001", "-", ".", "1.2.3", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseNumber(text)
		want, wantErr := value.ParseDecimal(string(text))
		if wantErr == nil && (err != nil || got != want) {
			t.Fatalf("parseNumber(%q) = %v, %v; ParseDecimal says %v", text, got, err, want)
		}
		if wantErr != nil && !errors.Is(wantErr, value.ErrRange) && err == nil {
			t.Fatalf("parseNumber(%q) = %v; ParseDecimal says %v", text, got, wantErr)
		}
		if len(text) > 0 && classify(text) == classNumber && err != nil {
			t.Fatalf("%q is classified as a number and is none: %v", text, err)
		}
	})
}
