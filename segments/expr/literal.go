package expr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"whowhen.dev/whowhen/segments/value"
)

// literalToken reads a run that began like a number.
func literalToken(start int, text string) token {
	if matches(text, "0000-00-00") {
		return dayToken(start, text)
	}
	if len(text) > 10 && matches(text[:10], "0000-00-00") && (text[10] == 'T' || text[10] == 't') {
		return momentToken(start, text)
	}
	unit := strings.TrimLeft(text, "0123456789")
	if u := lower(unit); u == "d" || u == "h" {
		n, err := strconv.Atoi(text[:len(text)-1])
		if err != nil {
			n = -1
		}
		return token{kind: tokSpan, start: start, text: text, count: n, unit: u[0]}
	}
	digits := strings.TrimPrefix(text, "-")
	number, err := value.ParseDecimal(text)
	switch {
	case errors.Is(err, value.ErrRange):
		return illegal(start, err.Error())
	case err != nil:
		return illegal(start, fmt.Sprintf("%q is neither a number, nor a date such as 2026-01-31, nor a moment such as 2026-01-31T15:04:05Z, nor a span in days or hours such as 30d or 6h", clip(text)))
	case len(digits) > 1 && digits[0] == '0' && isDigit(digits[1]):
		return illegal(start, fmt.Sprintf("a number has no leading zeros; digits kept as text are written in double quotes: %q", clip(text)))
	}
	return token{kind: tokNumber, start: start, text: text, lit: value.Num(number)}
}

func dayToken(start int, text string) token {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return illegal(start, text+" is not a day of the calendar")
	}
	return token{kind: tokDate, start: start, text: text, lit: value.Day(t.Unix() / 86400)}
}

func momentToken(start int, text string) token {
	const clock = "0000-00-00T00:00:00"
	wrong := illegal(start, fmt.Sprintf("%q is not a moment such as 2026-01-31T15:04:05Z or 2026-01-31T15:04:05.250+07:00", clip(text)))
	upper := strings.ToUpper(text)
	if len(upper) < len(clock) || !matches(upper[:len(clock)], clock) {
		return wrong
	}
	zone := upper[len(clock):]
	if strings.HasPrefix(zone, ".") {
		rest := strings.TrimLeft(zone[1:], "0123456789")
		fraction := zone[1 : len(zone)-len(rest)]
		if len(strings.TrimRight(fraction, "0")) > 3 {
			return illegal(start, "moments are kept to the millisecond: write up to three digits after the point")
		}
		if fraction == "" {
			return wrong
		}
		zone = rest
	}
	switch {
	case zone == "":
		return illegal(start, "a moment ends in Z or in an offset such as +07:00")
	case zone == "Z":
	case (matches(zone, "+00:00") || matches(zone, "-00:00")) && zone[1:3] < "24":
	default:
		return wrong
	}
	t, err := time.Parse(time.RFC3339, upper)
	if err != nil {
		return wrong
	}
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return illegal(start, "a moment lies in the years 1 to 9999 of UTC")
	}
	return token{kind: tokMoment, start: start, text: text, lit: value.Moment(t)}
}

// matches says whether s is shape with any digits for its zeros.
func matches(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if shape[i] == '0' && !isDigit(s[i]) || shape[i] != '0' && s[i] != shape[i] {
			return false
		}
	}
	return true
}

// stringToken reads a string from its opening quote on. Unlike encoding/json it
// refuses what it cannot keep as it is: bytes that are no UTF-8 and halves of surrogate pairs.
func (l *lexer) stringToken() token {
	start := l.pos
	var b strings.Builder
	for at := start + 1; at < len(l.text); {
		if b.Len() > MaxStringBytes {
			return illegal(start, fmt.Sprintf("a string has at most %d bytes", MaxStringBytes))
		}
		r, size := utf8.DecodeRuneInString(l.text[at:])
		switch {
		case r == '"':
			l.pos = at + 1
			return token{kind: tokString, start: start, text: l.text[start:l.pos], lit: value.Text(b.String())}
		case r == utf8.RuneError && size == 1:
			return illegal(at, "the text is not valid UTF-8 here")
		case r < ' ':
			return illegal(at, fmt.Sprintf(`a control character in a string is written as an escape: \u%04x`, r))
		case r == '\\':
			var fault string
			r, size, fault = escape(l.text[at:])
			if fault != "" {
				return illegal(at, fault)
			}
		}
		b.WriteRune(r)
		at += size
	}
	return illegal(start, `the string is not closed: expected "`)
}

// escape reads the escape at the start of s and returns what it stands for, its
// length, and what is wrong with it.
func escape(s string) (r rune, size int, fault string) {
	if len(s) < 2 {
		return 0, 0, "the string ends within an escape"
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2, ""
	}
	if s[1] != 'u' {
		c, _ := utf8.DecodeRuneInString(s[1:])
		return 0, 0, fmt.Sprintf(`%q is not the escape of a character: use \" \\ \/ \b \f \n \r \t or \u with four hexadecimal digits`, `\`+string(c))
	}
	r, ok := hex4(s)
	if !ok {
		return 0, 0, `\u takes four hexadecimal digits`
	}
	if !utf16.IsSurrogate(r) {
		return r, 6, ""
	}
	if low, ok := hex4(s[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12, ""
		}
	}
	return 0, 0, fmt.Sprintf(`\u%04x is half of a surrogate pair without the other half`, r)
}

func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}
