package report

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
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

// Differences writes differences with as many digits after the point, four or more, as tell each of them from 0. What is nearer than a thousand-millionth
// is 0, which has no sign.
func Differences(all ...float64) []string {
	const least, most = 4, 9
	digits := least
	for _, v := range all {
		for digits < most && math.Abs(v) >= 0.5e-9 && math.Abs(v) < 0.5*math.Pow10(-digits) {
			digits++
		}
	}
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = fmt.Sprintf("%.*f", digits, v)
		if strings.Trim(texts[i], "-0.") == "" {
			texts[i] = strings.TrimPrefix(texts[i], "-")
		}
	}
	return texts
}

// signed is Differences with a sign before those above 0.
func signed(all ...float64) []string {
	texts := Differences(all...)
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
