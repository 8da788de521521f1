package calendar

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// line is a content line of an iCalendar file, and where it began.
type line struct {
	text   string
	number int
}

// unfold yields the content lines: a line that begins with a space or tab continues the one before. Empty lines are left out.
func unfold(text string) iter.Seq[line] {
	return func(yield func(line) bool) {
		var parts []string
		var at, number int
		flush := func() bool {
			if len(parts) == 0 {
				return true
			}
			l := line{strings.Join(parts, ""), at}
			parts = parts[:0]
			return yield(l)
		}
		for raw := range strings.SplitSeq(text, "\n") {
			number++
			raw = strings.TrimSuffix(raw, "\r")
			if len(parts) > 0 && raw != "" && (raw[0] == ' ' || raw[0] == '\t') {
				parts = append(parts, raw[1:])
				continue
			}
			if !flush() {
				return
			}
			if strings.TrimSpace(raw) != "" {
				parts, at = append(parts, raw), number
			}
		}
		flush()
	}
}

// property is NAME;PARAMETER=VALUE...:VALUE.
type property struct {
	name, parameters, value string
}

// parseProperty cuts a content line. A parameter's value may be quoted, and then contain the colon that otherwise ends the parameters.
func parseProperty(l string) (property, error) {
	quoted, semicolon := false, -1
	for i := range len(l) {
		switch c := l[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';' && semicolon < 0:
			semicolon = i
		case c == ':':
			p := property{name: strings.ToUpper(l[:i]), value: strings.TrimSpace(l[i+1:])}
			if semicolon >= 0 {
				p.name, p.parameters = strings.ToUpper(l[:semicolon]), strings.ToUpper(l[semicolon+1:i])
			}
			return p, nil
		}
	}
	return property{}, fmt.Errorf("%.40q is no property; one is written as in SUMMARY:New Year", l)
}

// day reads a value that must be a day without a time.
func (p property) day(value string) (Date, error) {
	value = strings.TrimSpace(value)
	if len(value) > 8 && value[8] == 'T' {
		return 0, fmt.Errorf("%.40s has a time of day; only events of whole days make a calendar", value)
	}
	return parseDate("20060102", value, "20260301")
}

// parseDuration reads P3D or P2W.
func parseDuration(s string) (Date, error) {
	text, days := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "P"), 1
	switch {
	case strings.HasSuffix(text, "W"):
		text, days = text[:len(text)-1], 7
	case strings.HasSuffix(text, "D"):
		text = text[:len(text)-1]
	default:
		return 0, fmt.Errorf("%.40q is no number of days; write it as in P2D", s)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || int(n)*days > maxRowDays {
		return 0, fmt.Errorf("%.40q is not from 1 to %d days", s, maxRowDays)
	}
	return Date(int(n) * days), nil
}

func unescape(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\,`, ",", `\;`, ";", `\n`, " ", `\N`, " ").Replace(s)
}

// clip cuts a name at the longest that a row may have, between characters.
func clip(s string) string {
	if len(s) <= maxNameBytes {
		return s
	}
	s = s[:maxNameBytes]
	for len(s) > 0 {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}
