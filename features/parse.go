package features

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxTextBytes bounds the text of a column: two names, each of whose bytes may be escaped.
const MaxTextBytes = 4096

// ParseError says what is wrong with the text of a column.
type ParseError struct {
	Offset  int // in bytes
	Message string
}

func (e *ParseError) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Message) }

// Parse reads the text of a column. Blanks between the parts and the case of words do not matter. Errors are of type *ParseError.
func Parse(text string) (Column, error) {
	if len(text) > MaxTextBytes {
		return Column{}, &ParseError{0, fmt.Sprintf("the text of a column has at most %d bytes, this one has %d", MaxTextBytes, len(text))}
	}
	if !utf8.ValidString(text) {
		return Column{}, &ParseError{0, "the text of a column is UTF-8"}
	}
	p := &parser{text: text}
	c, err := p.column()
	if err != nil {
		return Column{}, err
	}
	if err := c.Check(); err != nil {
		return Column{}, &ParseError{0, err.Error()}
	}
	return c, nil
}

func (p *parser) column() (Column, error) {
	var c Column
	start := p.blanks()
	word := p.word()
	for f, name := range familyNames {
		if f > 0 && strings.EqualFold(word, name) {
			c.Family = Family(f)
		}
	}
	if c.Family == 0 {
		return c, &ParseError{start, "expected one of recency, count, days, sum, trend, gap, pace, flow, habit, chance, popularity, typical, tenure, weekend, night, rate, tag and attr"}
	}
	if c.Family != Tenure {
		if err := p.arguments(&c); err != nil {
			return c, err
		}
	}
	if p.blanks() < len(p.text) {
		return c, p.expected("the end")
	}
	return c, nil
}

// arguments reads what stands in the parentheses, and these.
func (p *parser) arguments(c *Column) (err error) {
	if err := p.sign('('); err != nil {
		return err
	}
	if err := p.subject(c); err != nil {
		return err
	}
	if err := p.second(c); err != nil {
		return err
	}
	if c.spans() {
		if err := p.sign(','); err != nil {
			return err
		}
		if c.SpanDays, err = p.span(); err != nil {
			return err
		}
	}
	if c.Family == Typical {
		if c.Around, err = p.around(); err != nil {
			return err
		}
	}
	if err := p.windows(c); err != nil {
		return err
	}
	return p.sign(')')
}

// subject reads what the column is of: a name, or anything.
func (p *parser) subject(c *Column) (err error) {
	if p.next() == '"' || !c.Family.ofAnything() {
		c.Name, err = p.name()
		return err
	}
	start := p.at
	if c.Anything = strings.EqualFold(p.word(), anything); !c.Anything {
		p.at = start
		return p.expected("a name in double quotes, or anything")
	}
	return nil
}

// second reads the property that a column is made of, and the other event of a rate.
func (p *parser) second(c *Column) (err error) {
	switch {
	case c.ofProperty():
		if p.next() == ',' {
			back := p.at
			p.at++
			if p.next() == '"' {
				c.Property, err = p.name()
				return err
			}
			p.at = back
		}
		dot := strings.LastIndexByte(c.Name, '.')
		if dot < 0 {
			return &ParseError{p.at, fmt.Sprintf(`a %s is of an event and a property, such as "purchase.amount"`, c.Family)}
		}
		c.Name, c.Property = c.Name[:dot], c.Name[dot+1:]
	case c.Family == Rate:
		if err := p.sign(','); err != nil {
			return err
		}
		c.Per, err = p.name()
	}
	return err
}

// around reads what a typical is brought towards, and the comma before it.
func (p *parser) around() (float64, error) {
	if err := p.sign(','); err != nil {
		return 0, err
	}
	p.blanks()
	if word := p.word(); !strings.EqualFold(word, around) {
		p.at -= len(word)
		return 0, p.expected("the value that it is brought towards, such as around 2.5")
	}
	return p.number()
}

func (p *parser) windows(c *Column) (err error) {
	switch {
	case c.Family == Trend:
		if err := p.sign(','); err != nil {
			return err
		}
		if c.WindowDays, err = p.span(); err != nil {
			return err
		}
		if err := p.sign(','); err != nil {
			return err
		}
		c.LongDays, err = p.span()
	case p.next() == ',':
		p.at++
		p.blanks()
		word := p.word()
		c.Scaled = strings.EqualFold(word, "per")
		if !c.Scaled && !strings.EqualFold(word, "within") {
			p.at -= len(word)
			return p.expected("a window such as within 30d")
		}
		if c.WindowDays, err = p.span(); err == nil && c.Scaled {
			c.SinceDay, err = p.since()
		}
	}
	return err
}

// since reads the day behind since.
func (p *parser) since() (day int32, err error) {
	p.blanks()
	if word := p.word(); !strings.EqualFold(word, "since") {
		p.at -= len(word)
		return 0, p.expected("the day that data begin with, such as since 2026-01-31")
	}
	p.blanks()
	text := p.text[p.at:min(len(p.text), p.at+len(time.DateOnly))]
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, p.expected("a day such as 2026-01-31")
	}
	p.at += len(text)
	return int32(at.Unix() / daySeconds), nil
}
