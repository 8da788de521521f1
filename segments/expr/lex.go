package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"whowhen.dev/whowhen/segments/value"
)

type tokenKind uint8

const (
	tokEnd     tokenKind = iota
	tokWord              // a keyword or a bare name
	tokString            // lit
	tokNumber            // lit
	tokDate              // lit
	tokMoment            // lit
	tokSpan              // 30d, 6h: count and unit
	tokPunct             // ( ) , % and the operators
	tokIllegal           // fault; nothing can follow
)

type token struct {
	kind  tokenKind
	start int         // offset of its first byte
	text  string      // as written
	word  string      // text in lower case, of a tokWord
	lit   value.Value // of literals
	count int         // of a tokSpan; -1 when too large to be counted
	unit  byte        // of a tokSpan: 'd' or 'h'
	fault *Error      // of a tokIllegal
}

func (t token) is(punct string) bool { return t.kind == tokPunct && t.text == punct }

// operator says whether t begins a comparison after its name.
func (t token) operator() bool {
	switch t.kind {
	case tokPunct:
		return symbol(t.text) != 0
	case tokWord:
		return slices.Contains(comparisonWords(), t.word)
	}
	return false
}

func (t token) describe() string {
	switch t.kind {
	case tokEnd:
		return "end of text"
	case tokString:
		return "the string " + clip(t.text)
	case tokNumber:
		return "the number " + clip(t.text)
	case tokDate:
		return "the date " + t.text
	case tokMoment:
		return "the moment " + t.text
	case tokSpan:
		return "the span " + clip(t.text)
	}
	return strconv.Quote(clip(t.text))
}

// lexer cuts text into tokens. A copy of it looks ahead.
type lexer struct {
	text string
	pos  int
}

func (l *lexer) next() token {
	for l.pos < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.pos]) >= 0 {
		l.pos++
	}
	start := l.pos
	rest := l.text[start:]
	if rest == "" {
		return token{kind: tokEnd, start: start}
	}
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case r == utf8.RuneError && size == 1:
		return illegal(start, "the text is not valid UTF-8 here")
	case startsName(r):
		text := leading(rest, inName)
		l.pos += len(text)
		return token{kind: tokWord, start: start, text: text, word: lower(text)}
	case r == '"':
		return l.stringToken()
	case startsLiteral(rest):
		text := leading(rest, inLiteral)
		l.pos += len(text)
		return literalToken(start, text)
	}
	return l.punct()
}

func (l *lexer) punct() token {
	start := l.pos
	rest := l.text[start:]
	for _, wrong := range [...]struct{ text, message string }{
		{"==", "equality is written with one ="},
		{"<>", "inequality is written !="},
		{"&&", "write and instead of &&"},
		{"||", "write or instead of ||"},
		{"'", `strings are written in double quotes: "..."`},
		{"`", `strings are written in double quotes: "..."`},
		{"“", `strings are written in straight double quotes: "..."`},
		{"”", `strings are written in straight double quotes: "..."`},
	} {
		if strings.HasPrefix(rest, wrong.text) {
			return illegal(start, wrong.message)
		}
	}
	for _, text := range [...]string{"!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "%"} {
		if strings.HasPrefix(rest, text) {
			l.pos += len(text)
			return token{kind: tokPunct, start: start, text: text}
		}
	}
	if rest[0] == '!' {
		return illegal(start, "write not instead of !")
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return illegal(start, fmt.Sprintf("unexpected character %q", r))
}

func illegal(offset int, message string) token {
	return token{kind: tokIllegal, start: offset, fault: &Error{Offset: offset, Message: message}}
}

func startsName(r rune) bool { return r == '_' || unicode.IsLetter(r) }

// inName lets marks in, without which many scripts cannot write their words.
func inName(r rune) bool {
	return startsName(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

func startsLiteral(s string) bool {
	s = strings.TrimPrefix(s, "-")
	s = strings.TrimPrefix(s, ".")
	return s != "" && isDigit(s[0])
}

// inLiteral takes more than any literal holds, so that `2026-1-2` and `3and` are
// seen as one wrong literal and not as a right one before something odd.
func inLiteral(r rune) bool { return inName(r) || strings.ContainsRune(".:+-", r) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func leading(s string, in func(rune) bool) string {
	for i, r := range s {
		if !in(r) {
			return s[:i]
		}
	}
	return s
}
