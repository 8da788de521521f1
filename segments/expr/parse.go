package expr

import (
	"fmt"
	"slices"
)

// Parse reads the text of an audience expression. Its error is always an *Error.
// An accepted text keeps the limits of this package in its canonical form too.
func Parse(text string) (Node, error) { return parse(text, nodeGrammar()) }

// ParseCond reads a condition alone, what stands after `where` in an
// expression. Its error is always an *Error.
func ParseCond(text string) (Cond, error) { return parse(text, condGrammar()) }

// canonicalGrowth bounds how many times longer than a text its canonical form is:
// numbers with an exponent grow most, 1e18 to nearly five times its length.
const canonicalGrowth = 8

func parse[T term](text string, g grammar[T]) (T, error) {
	var none T
	if len(text) > MaxTextBytes {
		return none, &Error{Offset: MaxTextBytes, Message: fmt.Sprintf("the text has %d bytes, at most %d are read", len(text), MaxTextBytes)}
	}
	p := &parser{lex: lexer{text: text}}
	p.next()
	t, err := parseOr(p, g)
	if err != nil {
		return none, err
	}
	if p.tok.kind != tokEnd {
		return none, p.unexpected("and, or, or end of text", "and", "or")
	}
	if len(text) > MaxTextBytes/canonicalGrowth {
		if n := len(t.String()); n > MaxTextBytes {
			return none, &Error{Offset: len(text), Message: fmt.Sprintf("the canonical form of this text has %d bytes, at most %d are kept", n, MaxTextBytes)}
		}
	}
	return t, nil
}

// parser is a recursive descent with one token read ahead. A token that is illegal is
// reported when the parser arrives at it, so that the first fault of a text is the
// one that is told.
type parser struct {
	lex   lexer
	tok   token // the first one not taken yet
	depth int
	terms int
	tops  int
}

func (p *parser) next() { p.tok = p.lex.next() }

// peek returns the token after the first one not taken yet.
func (p *parser) peek() token {
	ahead := p.lex
	return ahead.next()
}

func (p *parser) atWord(word string) bool { return p.tok.kind == tokWord && p.tok.word == word }

func (p *parser) takeWord(word string) bool {
	if !p.atWord(word) {
		return false
	}
	p.next()
	return true
}

func (p *parser) takePunct(punct string) bool {
	if !p.tok.is(punct) {
		return false
	}
	p.next()
	return true
}

// unexpected says what should have stood where the parser is. If a misspelt one of
// words stands there, the error says so.
func (p *parser) unexpected(expected string, words ...string) error {
	if p.tok.kind == tokWord && !slices.Contains(words, p.tok.word) {
		if word, ok := Nearest(p.tok.word, words); ok {
			return p.unexpectedWith(expected, fmt.Sprintf("did you mean %q?", word))
		}
	}
	return p.unexpectedWith(expected, "")
}

func (p *parser) unexpectedWith(expected, advice string) error {
	if p.tok.kind == tokIllegal {
		return p.tok.fault
	}
	message := "expected " + expected + ", found " + p.tok.describe()
	if advice != "" {
		message += "; " + advice
	}
	return &Error{Offset: p.tok.start, Expected: expected, Message: message}
}

func fault(at token, format string, args ...any) error {
	return &Error{Offset: at.start, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) open(what string) error {
	if !p.takePunct("(") {
		return p.unexpected(`"(" after ` + what)
	}
	return nil
}

// close takes the closing parenthesis, before which others could have stood too.
func (p *parser) close(others string, words ...string) error {
	if !p.takePunct(")") {
		return p.unexpected(others+`")"`, words...)
	}
	return nil
}

// enter counts one level of nesting that begins at the token not taken yet.
func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return fault(p.tok, "nested deeper than %d levels", MaxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) countTerm() error {
	if p.terms++; p.terms > MaxTerms {
		return fault(p.tok, "more than %d terms", MaxTerms)
	}
	return nil
}

// grammar is how and, or and not make a T.
type grammar[T term] struct {
	leaf     func(*parser) (T, error)
	not      func(T) T
	and, or  func([]T) T
	andTerms func(T) []T // the terms of an and, otherwise nil
	orTerms  func(T) []T // the terms of an or, otherwise nil
}

func parseOr[T term](p *parser, g grammar[T]) (T, error) {
	return chain(p, "or", g, parseAnd[T], g.orTerms, g.or)
}

func parseAnd[T term](p *parser, g grammar[T]) (T, error) {
	return chain(p, "and", g, parseNot[T], g.andTerms, g.and)
}

// chain reads operands with word between them. Terms of an operand that is a chain of
// the same word become terms of this one.
func chain[T term](p *parser, word string, g grammar[T], operand func(*parser, grammar[T]) (T, error), termsOf func(T) []T, build func([]T) T) (T, error) {
	t, err := operand(p, g)
	if err != nil || !p.atWord(word) {
		return t, err
	}
	var terms []T
	for {
		if inner := termsOf(t); inner != nil {
			terms = append(terms, inner...)
		} else {
			terms = append(terms, t)
		}
		if !p.takeWord(word) {
			return build(terms), nil
		}
		if t, err = operand(p, g); err != nil {
			return t, err
		}
	}
}

func parseNot[T term](p *parser, g grammar[T]) (T, error) {
	var none T
	switch {
	case p.atWord("not"):
		if err := p.enter(); err != nil {
			return none, err
		}
		defer p.leave()
		p.next()
		t, err := parseNot(p, g)
		if err != nil {
			return none, err
		}
		return g.not(t), nil
	case p.tok.is("("):
		if err := p.enter(); err != nil {
			return none, err
		}
		defer p.leave()
		p.next()
		t, err := parseOr(p, g)
		if err != nil {
			return none, err
		}
		return t, p.close("and, or, or ", "and", "or")
	}
	if err := p.countTerm(); err != nil {
		return none, err
	}
	return g.leaf(p)
}

func nodeGrammar() grammar[Node] {
	return grammar[Node]{
		leaf: (*parser).node,
		not:  func(t Node) Node { return Not{Term: t} },
		and:  func(terms []Node) Node { return And{Terms: terms} },
		or:   func(terms []Node) Node { return Or{Terms: terms} },
		andTerms: func(t Node) []Node {
			and, _ := t.(And)
			return and.Terms
		},
		orTerms: func(t Node) []Node {
			or, _ := t.(Or)
			return or.Terms
		},
	}
}

func condGrammar() grammar[Cond] {
	return grammar[Cond]{
		leaf: (*parser).property,
		not:  func(t Cond) Cond { return CondNot{Term: t} },
		and:  func(terms []Cond) Cond { return CondAnd{Terms: terms} },
		or:   func(terms []Cond) Cond { return CondOr{Terms: terms} },
		andTerms: func(t Cond) []Cond {
			and, _ := t.(CondAnd)
			return and.Terms
		},
		orTerms: func(t Cond) []Cond {
			or, _ := t.(CondOr)
			return or.Terms
		},
	}
}
