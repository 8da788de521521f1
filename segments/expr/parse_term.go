package expr

import (
	"fmt"
	"slices"
	"strings"

	"whowhen.dev/whowhen/segments/value"
)

const (
	expectedNode = `a term such as tag("vip"), age >= 18 or did("purchase", within 30d)`
	expectedCond = `a comparison of a property such as amount > 10`
)

// node reads one term of an audience expression.
func (p *parser) node() (Node, error) {
	if p.tok.kind != tokWord {
		return nil, p.unexpected(expectedNode)
	}
	switch p.tok.word {
	case "everyone":
		p.next()
		return Everyone{}, nil
	case "nobody":
		p.next()
		return Nobody{}, nil
	case "tag":
		return p.tag()
	case "sample":
		return p.sample()
	case "score":
		return p.score()
	case "top":
		return p.top()
	case "did":
		return p.behaviour(Did)
	case "count":
		return p.behaviour(Count)
	case "days":
		return p.behaviour(Days)
	case "sum":
		return p.behaviour(Sum)
	case "first":
		return p.behaviour(First)
	case "last":
		return p.behaviour(Last)
	case "attr":
		c, err := p.quotedComparison("attr")
		return Attribute{c}, err
	case "prop":
		return nil, p.unexpectedWith(expectedNode, `prop("...") names a property after where; an attribute is attr("...")`)
	}
	if slices.Contains(laterWords(), p.tok.word) && !p.peek().operator() {
		return nil, &Error{
			Offset:   p.tok.start,
			Expected: expectedNode,
			Message:  p.tok.word + " is not in this language: expected tag, did, count, days, sum, first, last, sample, score, top, everyone, nobody or a comparison of an attribute",
		}
	}
	if reserved(p.tok.word) {
		return nil, p.reservedWord(expectedNode, "attr")
	}
	name := p.tok
	p.next()
	if p.tok.is("(") {
		return nil, unknownFunction(name)
	}
	c, err := p.bareComparison(name, "attr", "everyone", "nobody")
	return Attribute{c}, err
}

// property reads one comparison of a condition.
func (p *parser) property() (Cond, error) {
	if p.tok.kind != tokWord {
		return nil, p.unexpected(expectedCond)
	}
	if p.atWord("prop") || p.atWord("attr") {
		c, err := p.quotedComparison("prop")
		return Property{c}, err
	}
	if reserved(p.tok.word) {
		return nil, p.reservedWord(expectedCond, "prop")
	}
	name := p.tok
	p.next()
	if p.tok.is("(") {
		return nil, &Error{
			Offset:   name.start,
			Expected: expectedCond,
			Message:  fmt.Sprintf("expected %s, found a call of %q; a condition holds no functions but prop(\"...\")", expectedCond, clip(name.text)),
		}
	}
	c, err := p.bareComparison(name, "prop")
	return Property{c}, err
}

// reservedWord refuses the reserved word not taken yet where a term should begin.
func (p *parser) reservedWord(expected, quoter string) error {
	if p.peek().operator() {
		return p.unexpectedWith(expected, fmt.Sprintf(`it is a reserved word: to compare what has this name, write %s(%q)`, quoter, p.tok.text))
	}
	return p.unexpected(expected)
}

func unknownFunction(name token) error {
	words := functionWords()
	expected := strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	message := fmt.Sprintf("there is no function %q", clip(name.text))
	if word, ok := Nearest(name.word, words); ok {
		message += fmt.Sprintf("; did you mean %q?", word)
	} else {
		message += ": expected " + expected
	}
	return &Error{Offset: name.start, Expected: expected, Message: message}
}

// call takes the name of a function and its parenthesis. What bears the name of a function
// itself needs the quoter.
func (p *parser) call(quoter string) error {
	name := p.tok
	p.next()
	if p.tok.operator() {
		return p.unexpectedWith(`"(" after `+name.word, fmt.Sprintf(`it is a reserved word: to compare what has this name, write %s(%q)`, quoter, name.text))
	}
	return p.open(name.word)
}

// name takes a string that names something.
func (p *parser) name(expected string) (string, error) {
	tok := p.tok
	if tok.kind != tokString {
		advice := ""
		if tok.kind == tokWord {
			advice = "names here are written in double quotes"
		}
		return "", p.unexpectedWith(expected, advice)
	}
	if wrong := nameFault(tok.lit.Str); wrong != "" {
		return "", fault(tok, "%s", wrong)
	}
	p.next()
	return tok.lit.Str, nil
}

func (p *parser) tag() (Node, error) {
	if err := p.call("attr"); err != nil {
		return nil, err
	}
	name, err := p.name(`the name of a tag such as "vip"`)
	if err != nil {
		return nil, err
	}
	return Tag{Name: name}, p.close("")
}

func (p *parser) sample() (Node, error) {
	if err := p.call("attr"); err != nil {
		return nil, err
	}
	const expected = "a share such as 10%"
	share := p.tok
	if share.kind != tokNumber {
		return nil, p.unexpected(expected)
	}
	percent := share.lit.Num
	if percent.Cmp(value.Int(0)) <= 0 || percent.Cmp(value.Int(100)) > 0 {
		return nil, &Error{
			Offset:   share.start,
			Expected: expected,
			Message:  fmt.Sprintf("a share is above 0%% and at most 100%%, found %s%%", percent),
		}
	}
	if p.next(); !p.takePunct("%") {
		return nil, p.unexpected(`"%" after the number`)
	}
	if !p.takePunct(",") {
		return nil, p.unexpected(`"," and a salt such as "launch"`)
	}
	salt, err := p.name(`a salt such as "launch"`)
	if err != nil {
		return nil, err
	}
	return Sample{Percent: percent, Salt: salt}, p.close("")
}
