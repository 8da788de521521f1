package expr

import (
	"cmp"
	"fmt"
	"strings"

	"whowhen.dev/whowhen/segments/value"
)

const (
	expectedComparison = "a comparison such as >= 3"
	expectedLiteral    = "a string in double quotes, a number, true, false, a date or a moment"
)

// quotedComparison reads `attr("name") OP LITERALS` or the same with prop.
func (p *parser) quotedComparison(quoter string) (Comparison, error) {
	if err := p.call(quoter); err != nil {
		return Comparison{}, err
	}
	name, err := p.name("a name in double quotes")
	if err != nil {
		return Comparison{}, err
	}
	if err := p.close(""); err != nil {
		return Comparison{}, err
	}
	c := Comparison{Name: name}
	c.Op, c.Values, err = p.comparison(expectedComparison, literals{})
	return c, err
}

// bareComparison reads `OP LITERALS` after a bare name. alone lists the words that the name
// may be a misspelling of when no comparison follows.
func (p *parser) bareComparison(name token, quoter string, alone ...string) (Comparison, error) {
	if len(name.text) > MaxNameBytes {
		return Comparison{}, fault(name, "%s", nameFault(name.text))
	}
	if !p.tok.operator() {
		// `native-country`: the whole run was meant to be the name.
		run := leading(p.lex.text[name.start:], func(r rune) bool { return inName(r) || strings.ContainsRune("-.:/+$#@", r) })
		if len(run) > len(name.text) && len(run) <= MaxNameBytes {
			p.tok = token{kind: tokPunct, start: name.start + len(name.text), text: run[len(name.text):]}
			return Comparison{}, p.unexpectedWith(expectedComparison, fmt.Sprintf("a name with other characters than letters, digits and _ is written %s(%s)", quoter, value.Quote(run)))
		}
		if word, ok := Nearest(name.word, alone); ok {
			return Comparison{}, p.unexpectedWith(expectedComparison, fmt.Sprintf("did you mean %q instead of %q?", word, clip(name.text)))
		}
	}
	c := Comparison{Name: name.text}
	var err error
	c.Op, c.Values, err = p.comparison(expectedComparison, literals{})
	return c, err
}

func symbol(text string) Op {
	switch text {
	case "=":
		return Eq
	case "!=":
		return Ne
	case "<":
		return Lt
	case "<=":
		return Le
	case ">":
		return Gt
	case ">=":
		return Ge
	}
	return 0
}

// literals says which literals a comparison takes: those of a kind, or of any when it is
// Absent, that check, if there is one, finds nothing wrong with.
type literals struct {
	kind  value.Kind
	check func(at token, v value.Value) error
}

// of returns the same for literals of one kind only.
func (l literals) of(kind value.Kind) literals { return literals{kind, l.check} }

// comparison reads an operator and its literals. When these are of one kind, exists and has are not
// offered.
func (p *parser) comparison(expected string, want literals) (Op, []value.Value, error) {
	words := comparisonWords()
	if want.kind != value.Absent {
		words = words[:2]
	}
	switch {
	case p.tok.kind == tokPunct && symbol(p.tok.text) != 0:
		op := symbol(p.tok.text)
		p.next()
		v, err := p.operand(op, want)
		return op, []value.Value{v}, err
	case p.takeWord("in"):
		values, err := p.list(want)
		return In, values, err
	case p.takeWord("between"):
		values, err := p.bounds(want)
		return Between, values, err
	case want.kind == value.Absent && p.takeWord("exists"):
		return Exists, nil, nil
	case want.kind == value.Absent && p.takeWord("has"):
		v, err := p.operand(Has, want.of(value.String))
		return Has, []value.Value{v}, err
	case p.atWord("not"):
		return 0, nil, p.unexpectedWith(expected, `not stands before the whole comparison: not country in ("ID")`)
	}
	return 0, nil, p.unexpected(expected, words...)
}

// operand reads one literal of op.
func (p *parser) operand(op Op, want literals) (value.Value, error) {
	at := p.tok
	v, err := p.literal(want.kind)
	if err == nil && v.Kind == value.Bool && op != Eq && op != Ne && op != In {
		err = &Error{
			Offset:   at.start,
			Expected: "a string, a number, a date or a moment",
			Message:  fmt.Sprintf("true and false have no order: they are compared with =, != and in, not with %s", op),
		}
	}
	if err == nil && want.check != nil {
		err = want.check(at, v)
	}
	return v, err
}

func (p *parser) list(want literals) ([]value.Value, error) {
	if !p.takePunct("(") {
		return nil, p.unexpected(`a list in parentheses such as ("ID", "IN") or (1, 2)`)
	}
	var values []value.Value
	for {
		if len(values) == MaxListValues {
			return nil, fault(p.tok, "more than %d values in one list", MaxListValues)
		}
		v, err := p.operand(In, want)
		if err != nil {
			return nil, err
		}
		values, want = append(values, v), want.of(v.Kind)
		if !p.takePunct(",") {
			return values, p.close(`"," or `)
		}
	}
}

func (p *parser) bounds(want literals) ([]value.Value, error) {
	low, err := p.operand(Between, want)
	if err != nil {
		return nil, err
	}
	if !p.takeWord("and") {
		return nil, p.unexpected("and with the upper bound", "and")
	}
	at := p.tok
	high, err := p.operand(Between, want.of(low.Kind))
	if err != nil {
		return nil, err
	}
	if order(low, high) > 0 {
		return nil, fault(at, "between takes the lower bound first: %s is below %s", clip(high.String()), clip(low.String()))
	}
	return []value.Value{low, high}, nil
}

// order compares two literals of one kind, strings by bytes.
func order(v, w value.Value) int {
	switch v.Kind {
	case value.String:
		return strings.Compare(v.Str, w.Str)
	case value.Number:
		return v.Num.Cmp(w.Num)
	}
	return cmp.Compare(v.Millis, w.Millis)
}

// literal takes one literal. With a kind it must be of that kind.
func (p *parser) literal(kind value.Kind) (value.Value, error) {
	tok := p.tok
	v := tok.lit
	if p.atWord("true") || p.atWord("false") {
		v = value.Boolean(p.atWord("true"))
	}
	expected := expectedLiteral
	if kind != value.Absent {
		expected = describeKind(kind)
	}
	switch {
	case v.Kind == kind && kind != value.Absent, v.Kind != value.Absent && kind == value.Absent:
		p.next()
		return v, nil
	case v.Kind == value.Absent && tok.kind == tokWord:
		if kind == value.Absent || kind == value.String {
			return v, p.unexpectedWith(expected, "a string is written in double quotes: "+value.Quote(clip(tok.text)))
		}
	case kind == value.Date && v.Kind == value.Time, kind == value.Time && v.Kind == value.Date:
		return v, p.unexpectedWith(expected, "a date and a moment do not go into one comparison")
	}
	return v, p.unexpected(expected)
}

func describeKind(kind value.Kind) string {
	switch kind {
	case value.String:
		return "a string in double quotes"
	case value.Bool:
		return "true or false"
	case value.Date:
		return "a date such as 2026-01-31"
	case value.Time:
		return "a moment such as 2026-01-31T15:04:05Z"
	}
	return "a number"
}
