package load

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonScanner reads one line. It accepts what RFC 8259 does, less what a row cannot be.
type jsonScanner struct {
	text    []byte
	at      int
	scratch []byte // text of the strings that hold escapes
}

func (s *jsonScanner) syntax(expected string) *fault {
	found := "the end of the line"
	if s.at < len(s.text) {
		r, _ := utf8.DecodeRune(s.text[s.at:])
		found = fmt.Sprintf("%q", r)
	}
	return &fault{"", "JSON_SYNTAX", fmt.Sprintf("at byte %d: expected %s, found %s", s.at, expected, found)}
}

func (s *jsonScanner) blank() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t' || s.text[s.at] == '\r' || s.text[s.at] == '\n') {
		s.at++
	}
}

// take passes c, with blanks before it, if it is next.
func (s *jsonScanner) take(c byte) bool {
	s.blank()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// object reads the whole line as one object and hands out its members.
func (s *jsonScanner) object(put func(key []byte, c cell) *fault) *fault {
	if !s.take('{') {
		return s.syntax("an object")
	}
	for more := !s.take('}'); more; {
		s.blank()
		key, f := s.string("a key in double quotes")
		if f != nil {
			return f
		}
		if !s.take(':') {
			return s.syntax(`":"`)
		}
		c, f := s.value(key)
		if f != nil {
			return f
		}
		if f := put(key, c); f != nil {
			return f
		}
		if more = s.take(','); !more && !s.take('}') {
			return s.syntax(`"," or "}"`)
		}
	}
	if s.blank(); s.at < len(s.text) {
		return s.syntax("the end of the line")
	}
	return nil
}

func (s *jsonScanner) value(key []byte) (cell, *fault) {
	s.blank()
	if s.at == len(s.text) {
		return cell{}, s.syntax("a value")
	}
	switch c := s.text[s.at]; {
	case c == '"':
		text, f := s.string("")
		return cell{cellString, text}, f
	case c == '-' || c >= '0' && c <= '9':
		n := jsonNumber(s.text[s.at:])
		if n == 0 {
			return cell{}, s.syntax("a number as JSON writes it")
		}
		s.at += n
		return cell{cellNumber, s.text[s.at-n : s.at]}, nil
	case c == 't' && s.word("true"):
		return cell{cellBool, s.text[s.at-4 : s.at]}, nil
	case c == 'f' && s.word("false"):
		return cell{cellBool, s.text[s.at-5 : s.at]}, nil
	case c == 'n' && s.word("null"):
		return cell{}, nil
	case c == '[':
		from := s.at
		if _, f := s.list(string(key)); f != nil {
			return cell{}, f
		}
		return cell{cellList, s.text[from:s.at]}, nil
	case c == '{':
		return cell{}, &fault{string(key), "JSON_NESTED", fmt.Sprintf("the value of %q is an object: write its members as keys of their own", clip(key))}
	}
	return cell{}, s.syntax("a value")
}

func (s *jsonScanner) word(word string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

// list reads an array of strings.
func (s *jsonScanner) list(key string) ([]string, *fault) {
	items := []string{}
	s.at++
	if s.take(']') {
		return items, nil
	}
	for {
		s.blank()
		if s.at < len(s.text) && s.text[s.at] != '"' {
			return nil, &fault{key, "JSON_NESTED", fmt.Sprintf("the value of %q is an array of other things than strings", clip(key))}
		}
		item, f := s.string("a string")
		if f != nil {
			return nil, f
		}
		items = append(items, string(item))
		if s.take(']') {
			return items, nil
		}
		if !s.take(',') {
			return nil, s.syntax(`"," or "]"`)
		}
	}
}

// jsonNumber returns the length of the number that text begins with, or 0.
func jsonNumber(text []byte) int {
	i := 0
	if text[0] == '-' {
		i++
	}
	whole := digits(text[i:])
	if whole == 0 || whole > 1 && text[i] == '0' {
		return 0
	}
	i += whole
	if i < len(text) && text[i] == '.' {
		fraction := digits(text[i+1:])
		if fraction == 0 {
			return 0
		}
		i += 1 + fraction
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		exponent := digits(text[i:])
		if exponent == 0 {
			return 0
		}
		i += exponent
	}
	return i
}

// string reads a string. Its text is a part of the line, or of the scratch when it holds escapes.
func (s *jsonScanner) string(expected string) ([]byte, *fault) {
	if s.at == len(s.text) || s.text[s.at] != '"' {
		return nil, s.syntax(expected)
	}
	s.at++
	from, kept := s.at, len(s.scratch)
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			part := s.text[from:s.at]
			s.at++
			if len(s.scratch) == kept {
				return part, nil
			}
			s.scratch = append(s.scratch, part...)
			return s.scratch[kept:len(s.scratch):len(s.scratch)], nil
		case c < ' ':
			return nil, s.syntax("no control character in a string")
		case c == '\\':
			s.scratch = append(s.scratch, s.text[from:s.at]...)
			r, size := unescape(s.text[s.at:])
			if size == 0 {
				return nil, s.syntax("an escape of JSON")
			}
			if r == 0 {
				return nil, &fault{"", "NUL_BYTE", fmt.Sprintf("at byte %d: the string holds a NUL", s.at)}
			}
			s.scratch = utf8.AppendRune(s.scratch, r)
			s.at += size
			from = s.at
		default:
			s.at++
		}
	}
	return nil, s.syntax("the end of the string")
}

// unescape reads the escape that text begins with. Half of a surrogate pair is none.
func unescape(text []byte) (r rune, size int) {
	if len(text) < 2 {
		return 0, 0
	}
	if i := bytes.IndexByte([]byte(`"\/bfnrt`), text[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	r, ok := hex4(text)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := hex4(text[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return 0, 0
}

func hex4(text []byte) (r rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		r <<= 4
		switch {
		case c >= '0' && c <= '9':
			r |= rune(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r |= rune(c|0x20-'a') + 10
		default:
			return 0, false
		}
	}
	return r, true
}

// records is a file being read: a csvReader or a jsonReader.
type records interface {
	// next returns the next row, valid until the one after is read, or io.EOF.
	next() (*record, error)
	// columns returns the names of the cells' places, those of keys not met yet left out.
	columns() []string
}
