package expr

import (
	"fmt"
	"strings"

	"whowhen.dev/whowhen/segments/value"
)

// behaviour reads a function of events, its window and its comparison.
func (p *parser) behaviour(f Func) (Node, error) {
	n, err := p.arguments(Behaviour{Func: f})
	if err != nil {
		return nil, err
	}
	switch f {
	case Did:
		if p.tok.operator() {
			err = p.unexpectedWith("and, or, or the end of the expression", "did is true or false; to compare a number, write count(...)")
		}
	case First, Last:
		n.Window, err = p.windowAfter(f)
	case Count, Days, Sum:
		n.Op, n.Values, err = p.comparison(fmt.Sprintf("a comparison of %s with a number such as >= 3", f), literals{kind: value.Number})
	}
	return n, err
}

// arguments reads `NAME("event" where COND, WINDOW)` into n.
func (p *parser) arguments(n Behaviour) (Behaviour, error) {
	err := p.call("attr")
	if err != nil {
		return n, err
	}
	if n.Func == Sum {
		n.Event, n.Property, err = p.summed()
	} else {
		n.Event, err = p.name(`the name of an event such as "purchase"`)
	}
	if err != nil {
		return n, err
	}
	before, words := `where, "," or `, []string{"where"}
	if p.takeWord("where") {
		if n.Where, err = parseOr(p, condGrammar()); err != nil {
			return n, err
		}
		before, words = `and, or, "," or `, []string{"and", "or"}
	}
	if n.Func != First && n.Func != Last && (p.atWord("within") || p.atWord("from")) {
		return n, p.unexpectedWith(before+`")"`, "a comma stands before the window")
	}
	if n.Func == First || n.Func == Last {
		if p.tok.is(",") {
			return n, p.unexpectedWith(`")"`, fmt.Sprintf(`the window of %s stands after the parentheses: %[1]s("open") within 7d`, n.Func))
		}
		return n, p.close(strings.Replace(before, `, "," or`, " or", 1), words...)
	}
	if p.takePunct(",") {
		if n.Window, err = p.window(); err != nil {
			return n, err
		}
		before, words = "", nil
		if p.atWord("where") {
			return n, p.unexpectedWith(`")"`, "where stands before the window")
		}
	}
	return n, p.close(before, words...)
}

// summed takes what sum adds up: "event.property", or "event", "property" when the
// property has a dot in its name.
func (p *parser) summed() (event, property string, err error) {
	const expected = `an event and its numeric property such as "purchase.amount"`
	both := p.tok
	if both.kind != tokString {
		_, err = p.name(expected)
		return "", "", err
	}
	p.next()
	event = both.lit.Str
	if p.tok.is(",") && p.peek().kind == tokString {
		p.next()
		if wrong := nameFault(event); wrong != "" {
			return "", "", fault(both, "%s", wrong)
		}
		property, err = p.name(expected)
		return event, property, err
	}
	dot := strings.LastIndexByte(event, '.')
	if dot < 0 {
		return "", "", &Error{
			Offset:   both.start,
			Expected: expected,
			Message:  fmt.Sprintf("expected %s, found %s without a dot", expected, clip(both.text)),
		}
	}
	event, property = event[:dot], event[dot+1:]
	if wrong := nameFault(event); wrong != "" {
		return "", "", fault(both, "in the event before the last dot: %s", wrong)
	}
	if wrong := nameFault(property); wrong != "" {
		return "", "", fault(both, "in the property after the last dot: %s", wrong)
	}
	return event, property, nil
}

// window reads what may stand in the parentheses of did, count, days and sum.
func (p *parser) window() (Window, error) {
	switch {
	case p.takeWord("within"):
		return p.span(WithinDays, WithinHours)
	case p.takeWord("from"):
		return p.dateRange()
	}
	return Window{}, p.unexpected("a window such as within 30d, within 6h or from 2026-01-01 to 2026-02-01", "within", "from")
}

// windowAfter reads what must stand after first(...) and last(...).
func (p *parser) windowAfter(f Func) (Window, error) {
	switch {
	case p.takeWord("within"):
		return p.span(WithinDays, WithinHours)
	case p.takeWord("before"):
		w, err := p.span(BeforeDays, BeforeHours)
		if err == nil && !p.takeWord("ago") {
			err = p.unexpected("ago", "ago")
		}
		return w, err
	}
	return Window{}, p.unexpected(fmt.Sprintf("the window of %s: within 7d or before 14d ago", f), "within", "before")
}

func (p *parser) span(days, hours WindowKind) (Window, error) {
	const expected = "a span such as 30d or 6h"
	tok := p.tok
	switch {
	case tok.kind == tokNumber:
		return Window{}, p.unexpectedWith(expected, "the unit d or h stands right after the number")
	case tok.kind != tokSpan:
		return Window{}, p.unexpected(expected)
	}
	w, limit := Window{Kind: days, N: tok.count}, MaxWindowDays
	if tok.unit == 'h' {
		w.Kind, limit = hours, MaxWindowHours
	}
	if tok.count < 1 || tok.count > limit {
		return Window{}, &Error{
			Offset:   tok.start,
			Expected: expected,
			Message:  fmt.Sprintf("a span is 1d to %dd or 1h to %dh, found %s", MaxWindowDays, MaxWindowHours, clip(tok.text)),
		}
	}
	p.next()
	return w, nil
}

func (p *parser) dateRange() (Window, error) {
	w := Window{Kind: Range}
	var err error
	if w.From, err = p.day(); err != nil {
		return w, err
	}
	if !p.takeWord("to") {
		return w, p.unexpected("to", "to")
	}
	end := p.tok
	if w.To, err = p.day(); err != nil {
		return w, err
	}
	if w.From >= w.To {
		return w, fault(end, "the window is empty: %s is not after %s, and its own day is not in the window", value.Day(w.To), value.Day(w.From))
	}
	return w, nil
}

func (p *parser) day() (int64, error) {
	const expected = "a date such as 2026-01-31"
	tok := p.tok
	switch tok.kind {
	case tokDate:
		p.next()
		return tok.lit.Millis, nil
	case tokMoment:
		return 0, p.unexpectedWith(expected, "windows are of whole days")
	case tokString:
		return 0, p.unexpectedWith(expected, "dates are written without quotes")
	}
	return 0, p.unexpected(expected)
}
