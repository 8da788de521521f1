package features

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parser reads a text piece by piece.
type parser struct {
	text string
	at   int
}

// blanks skips blanks, and returns where they end.
func (p *parser) blanks() int {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	return p.at
}

// next returns the byte after blanks, 0 at the end.
func (p *parser) next() byte {
	if p.blanks() == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// word takes letters.
func (p *parser) word() string {
	start := p.at
	for p.at < len(p.text) && (p.text[p.at]|0x20 >= 'a' && p.text[p.at]|0x20 <= 'z') {
		p.at++
	}
	return p.text[start:p.at]
}

func (p *parser) sign(s byte) error {
	if p.next() != s {
		return p.expected(strconv.QuoteRune(rune(s)))
	}
	p.at++
	return nil
}

// name takes a string in double quotes with JSON escapes.
func (p *parser) name() (string, error) {
	if p.next() != '"' {
		return "", p.expected("a name in double quotes")
	}
	end := p.at + 1
	for ; end < len(p.text) && p.text[end] != '"'; end++ {
		if p.text[end] == '\\' {
			end++
		}
	}
	if end >= len(p.text) {
		return "", &ParseError{p.at, "the double quotes are not closed"}
	}
	var name string
	if err := json.Unmarshal([]byte(p.text[p.at:end+1]), &name); err != nil {
		return "", &ParseError{p.at, "a name has the escapes of JSON"}
	}
	p.at = end + 1
	return name, nil
}

// span takes a number of days such as 30d.
func (p *parser) span() (int, error) {
	start := p.blanks()
	p.digits()
	n, err := strconv.Atoi(p.text[start:p.at])
	if err != nil || n < 1 || n > MaxWindowDays || p.at == len(p.text) || p.text[p.at]|0x20 != 'd' {
		return 0, &ParseError{start, fmt.Sprintf("expected a number of days from 1d to %dd", MaxWindowDays)}
	}
	p.at++
	return n, nil
}

// number takes decimal digits such as -0.25, without exponent.
func (p *parser) number() (float64, error) {
	start := p.blanks()
	if p.next() == '-' {
		p.at++
	}
	complete := p.digits()
	if complete && p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		complete = p.digits()
	}
	if !complete {
		return 0, p.expected("the digits of a number such as -0.25")
	}
	v, err := strconv.ParseFloat(p.text[start:p.at], 64)
	if err != nil {
		return 0, &ParseError{start, "the number is too large"}
	}
	if v == 0 {
		return 0, nil // without a sign
	}
	return v, nil
}

// digits skips decimal digits, and says whether there are any.
func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

func (p *parser) expected(what string) error {
	found := "the end"
	if p.blanks() < len(p.text) {
		r, _ := utf8.DecodeRuneInString(p.text[p.at:])
		found = strconv.QuoteRune(r)
	}
	return &ParseError{p.at, "expected " + what + ", found " + found}
}
