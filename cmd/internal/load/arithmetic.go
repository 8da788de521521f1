package load

import (
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"whowhen.dev/whowhen/segments/value"
)

const (
	maxArithmeticBytes = 4096
	maxArithmeticDepth = 64
)

// arithmetic is an expression of --set: a number, a name, or an operation.
type arithmetic struct {
	op          byte // + - * / or 0
	left, right *arithmetic
	name        string // of a column, when op is 0 and it is not empty
	slot        int    // of the name, once it is resolved
	number      value.Decimal
}

// parseArithmetic reads the right side of a --set.
func parseArithmetic(text string) (*arithmetic, error) {
	if len(text) > maxArithmeticBytes {
		return nil, fmt.Errorf("the arithmetic has %d bytes, at most %d are read", len(text), maxArithmeticBytes)
	}
	p := &arithmeticParser{text: text}
	a, err := p.sum()
	if err == nil && p.peek() != 0 {
		err = p.expected("+, -, *, / or the end")
	}
	return a, err
}

type arithmeticParser struct {
	text  string
	at    int
	depth int
}

// peek passes blanks and returns the next byte, 0 at the end.
func (p *arithmeticParser) peek() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *arithmeticParser) expected(what string) error {
	found := "the end"
	if p.at < len(p.text) {
		r, _ := utf8.DecodeRuneInString(p.text[p.at:])
		found = fmt.Sprintf("%q", r)
	}
	return fmt.Errorf("at byte %d of %q: expected %s, found %s", p.at, clip(p.text), what, found)
}

func (p *arithmeticParser) sum() (*arithmetic, error) {
	return p.chain("+-", func() (*arithmetic, error) { return p.chain("*/", p.factor) })
}

// chain reads operands with one of ops between them, grouped from the left.
func (p *arithmeticParser) chain(ops string, operand func() (*arithmetic, error)) (*arithmetic, error) {
	left, err := operand()
	for err == nil {
		op := p.peek()
		if op == 0 || strings.IndexByte(ops, op) < 0 {
			return left, nil
		}
		p.at++
		var right *arithmetic
		right, err = operand()
		left = &arithmetic{op: op, left: left, right: right}
	}
	return nil, err
}

func (p *arithmeticParser) factor() (*arithmetic, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxArithmeticDepth {
		return nil, fmt.Errorf("at byte %d of %q: nested deeper than %d levels", p.at, clip(p.text), maxArithmeticDepth)
	}
	c := p.peek()
	rest := p.text[p.at:]
	switch {
	case c == '(':
		p.at++
		inner, err := p.sum()
		if err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.expected(`")"`)
		}
		p.at++
		return inner, nil
	case c == '-':
		p.at++
		inner, err := p.factor()
		return &arithmetic{op: '-', left: &arithmetic{}, right: inner}, err
	case c == '"':
		name, err := p.quoted()
		return &arithmetic{name: name}, err
	case c == '.' || c >= '0' && c <= '9':
		return p.literal()
	}
	size := strings.IndexFunc(rest, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	if size < 0 {
		size = len(rest)
	}
	if size == 0 {
		return nil, p.expected(`a number, a column, "(" or "-"`)
	}
	p.at += size
	return &arithmetic{name: rest[:size]}, nil
}

func (p *arithmeticParser) literal() (*arithmetic, error) {
	rest := p.text[p.at:]
	size := 0
	for size < len(rest) {
		c := rest[size]
		sign := (c == '+' || c == '-') && size > 0 && rest[size-1]|0x20 == 'e'
		if !sign && c != '.' && c|0x20 != 'e' && (c < '0' || c > '9') {
			break
		}
		size++
	}
	n, err := value.ParseDecimal(rest[:size])
	if err != nil {
		return nil, fmt.Errorf("at byte %d of %q: %w", p.at, clip(p.text), err)
	}
	p.at += size
	return &arithmetic{number: n}, nil
}

// quoted reads a name in double quotes, where a backslash takes the byte behind it as it is.
func (p *arithmeticParser) quoted() (string, error) {
	var b strings.Builder
	for i := p.at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			if b.Len() == 0 {
				return "", p.expected("the name of a column between the quotes")
			}
			p.at = i + 1
			return b.String(), nil
		case c == '\\' && i+1 < len(p.text):
			i++
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("at byte %d of %q: the quote is not closed", p.at, clip(p.text))
}

// names calls f for each name.
func (a *arithmetic) names(f func(*arithmetic)) {
	if a.op != 0 {
		a.left.names(f)
		a.right.names(f)
	} else if a.name != "" {
		f(a)
	}
}

// operand returns the number of a slot, false when the row has none.
type operand func(slot int) (value.Decimal, bool, *fault)

// eval computes a for one row. It gives no number when an operand is missing or the divisor is zero.
// The result is the exact one, rounded once when it has too many digits.
func (a *arithmetic) eval(get operand) (n value.Decimal, ok bool, f *fault) {
	n, state, f := a.fast(get)
	switch {
	case f != nil || state == stateMissing:
		return value.Decimal{}, false, f
	case state == stateExact:
		return n, true, nil
	}
	r, f := a.exact(get)
	if r == nil || f != nil {
		return value.Decimal{}, false, f
	}
	n, ok = roundRat(r)
	if !ok {
		return value.Decimal{}, false, &fault{"", "NUMBER_OUT_OF_RANGE", "the result has more than 18 digits before the point"}
	}
	return n, true, nil
}

type evalState uint8

const (
	stateExact evalState = iota
	stateMissing
	stateTooLong // for a Decimal on the way to the result
)

// fast computes with Decimals as far as they are exact.
func (a *arithmetic) fast(get operand) (value.Decimal, evalState, *fault) {
	switch {
	case a.op == 0 && a.name == "":
		return a.number, stateExact, nil
	case a.op == 0:
		n, ok, f := get(a.slot)
		if !ok {
			return n, stateMissing, f
		}
		return n, stateExact, f
	}
	left, state, f := a.left.fast(get)
	if f != nil || state != stateExact {
		return left, state, f
	}
	right, state, f := a.right.fast(get)
	if f != nil || state != stateExact {
		return right, state, f
	}
	exact := false
	switch a.op {
	case '-':
		right.Coef = -right.Coef
		left, exact = addDecimals(left, right)
	case '+':
		left, exact = addDecimals(left, right)
	case '*':
		left, exact = mulDecimals(left, right)
	case '/':
		if right.Coef == 0 {
			return left, stateMissing, nil
		}
	}
	if !exact {
		return left, stateTooLong, nil
	}
	return left, stateExact, nil
}

// exact computes with fractions. The result is nil when there is none.
func (a *arithmetic) exact(get operand) (*big.Rat, *fault) {
	switch {
	case a.op == 0 && a.name == "":
		return ratOf(a.number), nil
	case a.op == 0:
		n, ok, f := get(a.slot)
		if !ok {
			return nil, f
		}
		return ratOf(n), f
	}
	left, f := a.left.exact(get)
	if left == nil || f != nil {
		return nil, f
	}
	right, f := a.right.exact(get)
	if right == nil || f != nil {
		return nil, f
	}
	switch a.op {
	case '+':
		return left.Add(left, right), nil
	case '-':
		return left.Sub(left, right), nil
	case '*':
		return left.Mul(left, right), nil
	}
	if right.Sign() == 0 {
		return nil, nil
	}
	return left.Quo(left, right), nil
}
