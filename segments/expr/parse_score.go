package expr

import (
	"fmt"
	"math/big"

	"whowhen.dev/whowhen/segments/value"
)

const (
	expectedScoreComparison = `a comparison of the score with a probability such as >= 0.7`
	expectedTopNumber       = "how many to take, such as 100000"
)

// score reads `score("name") OP LITERALS`.
func (p *parser) score() (Node, error) {
	name, err := p.scoreName()
	if err != nil {
		return nil, err
	}
	c := Comparison{Name: name}
	if p.takeWord("exists") {
		c.Op = Exists
		return Score{c}, nil
	}
	words := append(comparisonWords()[:2:2], "exists")
	if !p.tok.operator() || p.atWord("has") {
		return nil, p.unexpected(expectedScoreComparison, words...)
	}
	c.Op, c.Values, err = p.comparison(expectedScoreComparison, literals{value.Number, checkProbability})
	return Score{c}, err
}

// scoreName reads `score("name")`.
func (p *parser) scoreName() (string, error) {
	if err := p.call("attr"); err != nil {
		return "", err
	}
	name, err := p.name(`the name of a score such as "churn"`)
	if err != nil {
		return "", err
	}
	return name, p.close("")
}

// checkProbability refuses a literal, which is a number, that no probability can be.
func checkProbability(at token, v value.Value) error {
	if v.Num.Cmp(value.Int(0)) >= 0 && v.Num.Cmp(value.Int(1)) <= 0 {
		return nil
	}
	message := fmt.Sprintf("a score is a probability from 0 to 1, found %s", clip(v.Num.String()))
	if percent := v.Num; percent.Scale == 0 && 1 < percent.Coef && percent.Coef <= 100 {
		share, _ := value.NewDecimal(percent.Coef, 2)
		message += fmt.Sprintf("; %s%% is %s", percent, share)
	}
	return &Error{Offset: at.start, Expected: "a number from 0 to 1", Message: message}
}

// top reads `top(N, score("name"), EXPR)`.
func (p *parser) top() (Node, error) {
	at := p.tok
	if p.tops++; p.tops > MaxTops {
		return nil, fault(at, "more than %d tops in one expression", MaxTops)
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.call("attr"); err != nil {
		return nil, err
	}
	n, err := p.topNumber()
	if err != nil {
		return nil, err
	}
	if !p.takePunct(",") {
		return nil, p.unexpected(`"," and a score such as score("pay")`)
	}
	if !p.atWord("score") {
		return nil, p.unexpected(`a score such as score("pay")`, "score")
	}
	name, err := p.scoreName()
	if err != nil {
		return nil, err
	}
	if !p.takePunct(",") {
		return nil, p.unexpected(`"," and whom to choose from, such as everyone`)
	}
	of, err := parseOr(p, nodeGrammar())
	if err != nil {
		return nil, err
	}
	return Top{N: n, Score: name, Of: of}, p.close("and, or, or ", "and", "or")
}

// topNumber takes how many a top takes.
func (p *parser) topNumber() (uint64, error) {
	tok := p.tok
	if tok.kind != tokNumber {
		return 0, p.unexpected(expectedTopNumber)
	}
	n, whole := new(big.Int).SetString(tok.lit.Num.String(), 10)
	if !whole || n.Sign() <= 0 || n.Cmp(big.NewInt(MaxTop)) > 0 {
		return 0, &Error{
			Offset:   tok.start,
			Expected: expectedTopNumber,
			Message:  fmt.Sprintf("top takes a whole number from 1 to %d, found %s", uint64(MaxTop), clip(tok.lit.Num.String())),
		}
	}
	p.next()
	return n.Uint64(), nil
}
