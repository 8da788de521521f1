package report

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"whowhen.dev/whowhen/models/metrics"
)

// Share is a percentage for reading, with one digit after the point, or as many as tell it from 0 and from 100.
func Share(v float64) string {
	digits := 1
	switch rest := min(v, 1-v); {
	case rest <= 0:
		digits = 0
	case rest < 0.0001 && v < 0.5:
		return "under 0.01 %"
	case rest < 0.0001:
		return "over 99.99 %"
	case rest < 0.01:
		digits = 2
	}
	return fmt.Sprintf("%.*f %%", digits, 100*v)
}

// Apart writes figures that stand beside each other with as many digits after the point, least or more, as show three that count of each, and tell apart those
// that differ by more than a thousandth. What is no number is a dash.
func Apart(least int, all ...float64) []string {
	digits := least
	for _, v := range all {
		digits = max(digits, digitsFor(v, 3))
	}
	for digits < mostDigits && !toldApart(all, digits) {
		digits++
	}
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = "-"
		if !math.IsNaN(v) {
			texts[i] = fmt.Sprintf("%.*f", digits, v)
		}
	}
	return texts
}

// mostDigits after the point are written of a figure.
const mostDigits = 7

// digitsFor is how many digits after the point show so many of v that count; what is very small has fewer.
func digitsFor(v float64, count int) int {
	if v = math.Abs(v); v < 1e-12 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return min(max(count-1-int(math.Floor(math.Log10(v))), 0), mostDigits)
}

func toldApart(all []float64, digits int) bool {
	for i, a := range all {
		for _, b := range all[:i] {
			if math.Abs(a-b) > 1e-3*math.Abs(a) && fmt.Sprintf("%.*f", digits, a) == fmt.Sprintf("%.*f", digits, b) {
				return false
			}
		}
	}
	return true
}

// narrow is Share for the cells of a table.
func narrow(v float64) string {
	return strings.NewReplacer("over ", ">\u202f", "under ", "<\u202f").Replace(Share(v))
}

// signed is Differences with a sign before those above 0.
func signed(all ...float64) []string {
	texts := metrics.FormatDifferences(all...)
	for i, text := range texts {
		if !strings.HasPrefix(text, "-") && strings.Trim(text, "0.") != "" {
			texts[i] = "+" + text
		}
	}
	return texts
}

// days is a number of days in words.
func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return count(n) + " days"
}

// brief shortens the names in a text, each to what fits on a line: what is in quotes and longer than longestName, and words of that length without.
func brief(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := quoted(text)
		if n == 0 {
			if n = strings.IndexFunc(text, func(r rune) bool { return r == '"' || unicode.IsSpace(r) }); n < 0 {
				n = len(text)
			}
			n = max(n, 1)
		}
		b.WriteString(shorten(text[:n]))
		text = text[n:]
	}
	return b.String()
}

// longestName is how many characters of a name are shown.
const longestName = 48

func shorten(name string) string {
	if utf8.RuneCountInString(name) <= longestName {
		return name
	}
	runes := []rune(name)
	return string(runes[:longestName*2/3]) + "…" + string(runes[len(runes)-longestName/3+1:])
}

// quoted is the length of the string in quotes that a text begins with, or 0.
func quoted(text string) int {
	if text[0] != '"' {
		return 0
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}
