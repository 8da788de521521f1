package load

import (
	"errors"
	"strconv"

	"whowhen.dev/whowhen/segments/value"
)

// cellKind says what the file itself tells of a cell.
type cellKind uint8

const (
	cellAbsent cellKind = iota
	cellText            // of a CSV file, which tells no types
	cellString          // a JSON string
	cellNumber          // a JSON number
	cellBool            // a JSON true or false
	cellList            // a JSON array of strings, as it is written
)

// cell is one field of a record. Its text is valid until the next record is read.
type cell struct {
	kind cellKind
	text []byte
}

// fault is why a row is rejected.
type fault struct {
	field, reason, message string
}

// record is one row of a file. Its bytes are valid until the next one is read.
type record struct {
	line  uint64 // of its first byte, from 1
	raw   []byte // as it is in the file, without the line's end
	cells []cell // by the file's columns
	fault *fault // why the cells cannot be used; nil when they can
}

// class is a set of what cells of a column look like.
type class uint8

const (
	classNumber class = 1 << iota
	classText
	classBool
	classList
)

func (c cell) class() class {
	switch c.kind {
	case cellText:
		return classify(c.text)
	case cellString:
		return classText
	case cellNumber:
		if _, err := parseNumber(c.text); err != nil {
			return classText
		}
		return classNumber
	case cellBool:
		return classBool
	case cellList:
		return classList
	}
	return 0
}

// kind is the type of a column whose cells look like this.
func (c class) kind() value.Kind {
	switch {
	case c == 0:
		return value.Absent
	case c&classList != 0:
		return value.List
	case c == classNumber:
		return value.Number
	case c == classBool:
		return value.Bool
	}
	return value.String
}

// classify looks at a cell that is not empty.
func classify(text []byte) class {
	switch c := text[0]; {
	case c == '-', c == '.', c >= '0' && c <= '9':
		if !looksNumeric(text) {
			return classText
		}
		if _, ok := shortNumber(text); !ok {
			if _, err := parseNumber(text); err != nil {
				return classText
			}
		}
		return classNumber
	case c == 't' && string(text) == "true", c == 'f' && string(text) == "false":
		return classBool
	}
	return classText
}

// looksNumeric says whether text is a number as JSON writes it, or one that begins with
// its point. Leading zeros and plus signs belong to codes and telephone numbers.
func looksNumeric(text []byte) bool {
	i := 0
	if text[i] == '-' {
		i++
	}
	whole := digits(text[i:])
	if whole > 1 && text[i] == '0' {
		return false
	}
	i += whole
	if i < len(text) && text[i] == '.' {
		fraction := digits(text[i+1:])
		if fraction == 0 {
			return false
		}
		i += 1 + fraction
	} else if whole == 0 {
		return false
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		exponent := digits(text[i:])
		if exponent == 0 {
			return false
		}
		i += exponent
	}
	return i == len(text)
}

func digits(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

// parseNumber is value.ParseDecimal, without allocating for short numbers, and with one more
// rule: a number of at most 17 digits whose last ones lie beyond the eighteenth behind the
// point, such as 1.2345678901234567e-05, is rounded there instead of being refused.
func parseNumber(text []byte) (value.Decimal, error) {
	if d, ok := shortNumber(text); ok {
		return d, nil
	}
	d, err := value.ParseDecimal(string(text))
	if !errors.Is(err, value.ErrRange) || significantDigits(text) > 17 {
		return d, err
	}
	f, floatErr := strconv.ParseFloat(string(text), 64)
	if floatErr != nil {
		return d, err
	}
	return value.FromFloat(f)
}

// shortNumber reads what has at most 18 digits and no exponent.
func shortNumber(text []byte) (value.Decimal, bool) {
	rest := text
	negative := len(rest) > 0 && rest[0] == '-'
	if negative {
		rest = rest[1:]
	}
	if len(rest) == 0 || len(rest) > 18 {
		return value.Decimal{}, false
	}
	coef, point := int64(0), -1
	for i, c := range rest {
		switch {
		case c >= '0' && c <= '9':
			coef = coef*10 + int64(c-'0')
		case c == '.' && point < 0:
			point = i
		default:
			return value.Decimal{}, false
		}
	}
	scale := uint8(0)
	if point >= 0 {
		if len(rest) == 1 {
			return value.Decimal{}, false
		}
		scale = uint8(len(rest) - point - 1)
		for scale > 0 && coef%10 == 0 {
			coef, scale = coef/10, scale-1
		}
	}
	if negative {
		coef = -coef
	}
	return value.Decimal{Coef: coef, Scale: scale}, true
}

// significantDigits counts the digits of a number without its leading zeros and its exponent.
func significantDigits(text []byte) int {
	n := 0
	for _, c := range text {
		if c|0x20 == 'e' {
			break
		}
		if c > '0' && c <= '9' || c == '0' && n > 0 {
			n++
		}
	}
	return n
}

// clip shortens text for a message.
func clip[T string | []byte](text T) string {
	const limit = 40
	n := 0
	for i := range string(text) {
		if n == limit {
			return string(text[:i]) + "…"
		}
		n++
	}
	return string(text)
}
