package expr

import (
	"strconv"
	"strings"

	"whowhen.dev/whowhen/segments/value"
)

// String returns the symbol or word of the operator.
func (op Op) String() string {
	switch op {
	case Eq:
		return "="
	case Ne:
		return "!="
	case Lt:
		return "<"
	case Le:
		return "<="
	case Gt:
		return ">"
	case Ge:
		return ">="
	case In:
		return "in"
	case Between:
		return "between"
	case Exists:
		return "exists"
	case Has:
		return "has"
	}
	return "Op(" + strconv.Itoa(int(op)) + ")"
}

// String returns the word of the function.
func (f Func) String() string {
	switch f {
	case Did:
		return "did"
	case Count:
		return "count"
	case Days:
		return "days"
	case Sum:
		return "sum"
	case First:
		return "first"
	case Last:
		return "last"
	}
	return "Func(" + strconv.Itoa(int(f)) + ")"
}

// String returns the canonical text.
func (n And) String() string { return join(n.Terms, " and ", looserThanAnd) }

// String returns the canonical text.
func (n Or) String() string { return join(n.Terms, " or ", looserThanOr) }

// String returns the canonical text.
func (n Not) String() string { return "not " + enclose(n.Term, looserThanNot) }

// String returns the canonical text.
func (Everyone) String() string { return "everyone" }

// String returns the canonical text.
func (Nobody) String() string { return "nobody" }

// String returns the canonical text.
func (n Tag) String() string { return "tag(" + value.Quote(n.Name) + ")" }

// String returns the canonical text.
func (n Sample) String() string {
	return "sample(" + n.Percent.String() + "%, " + value.Quote(n.Salt) + ")"
}

// String returns the canonical text.
func (n Attribute) String() string { return n.text("attr") }

// String returns the canonical text.
func (n Score) String() string {
	var b strings.Builder
	b.WriteString(scoreText(n.Name))
	writeOp(&b, n.Op, n.Values)
	return b.String()
}

// String returns the canonical text.
func (n Top) String() string {
	return "top(" + strconv.FormatUint(n.N, 10) + ", " + scoreText(n.Score) + ", " + n.Of.String() + ")"
}

func scoreText(name string) string { return "score(" + value.Quote(name) + ")" }

// String returns the canonical text.
func (n Behaviour) String() string {
	var b strings.Builder
	b.WriteString(n.Func.String())
	b.WriteByte('(')
	switch {
	case n.Func != Sum:
		b.WriteString(value.Quote(n.Event))
	case strings.Contains(n.Property, "."):
		b.WriteString(value.Quote(n.Event) + ", " + value.Quote(n.Property))
	default:
		b.WriteString(value.Quote(n.Event + "." + n.Property))
	}
	if n.Where != nil {
		b.WriteString(" where " + n.Where.String())
	}
	windowAfter := n.Func == First || n.Func == Last
	if !windowAfter && n.Window.Kind != Ever {
		b.WriteString(", " + n.Window.String())
	}
	b.WriteByte(')')
	switch {
	case windowAfter:
		b.WriteString(" " + n.Window.String())
	case n.Op != 0:
		writeOp(&b, n.Op, n.Values)
	}
	return b.String()
}

// String returns the window as an expression writes it, and "" for Ever.
func (w Window) String() string {
	n := strconv.Itoa(w.N)
	switch w.Kind {
	case WithinDays:
		return "within " + n + "d"
	case WithinHours:
		return "within " + n + "h"
	case BeforeDays:
		return "before " + n + "d ago"
	case BeforeHours:
		return "before " + n + "h ago"
	case Range:
		return "from " + value.Day(w.From).String() + " to " + value.Day(w.To).String()
	}
	return ""
}

// String returns the canonical text.
func (c CondAnd) String() string { return join(c.Terms, " and ", looserThanAnd) }

// String returns the canonical text.
func (c CondOr) String() string { return join(c.Terms, " or ", looserThanOr) }

// String returns the canonical text.
func (c CondNot) String() string { return "not " + enclose(c.Term, looserThanNot) }

// String returns the canonical text.
func (c Property) String() string { return c.text("prop") }

func (c Comparison) text(quoter string) string {
	var b strings.Builder
	if bare(c.Name) {
		b.WriteString(c.Name)
	} else {
		b.WriteString(quoter + "(" + value.Quote(c.Name) + ")")
	}
	writeOp(&b, c.Op, c.Values)
	return b.String()
}

func writeOp(b *strings.Builder, op Op, values []value.Value) {
	b.WriteString(" " + op.String())
	before, between, after := " ", "", ""
	switch op {
	case Between:
		between = " and "
	case In:
		before, between, after = " (", ", ", ")"
	}
	for i, v := range values {
		if i == 0 {
			b.WriteString(before)
		} else {
			b.WriteString(between)
		}
		b.WriteString(v.String())
	}
	b.WriteString(after)
}

// term is a Node or a Cond.
type term interface{ String() string }

func looserThanNot(t term) bool {
	switch t.(type) {
	case And, CondAnd:
		return true
	}
	return looserThanAnd(t)
}

func looserThanAnd(t term) bool {
	switch t.(type) {
	case Or, CondOr:
		return true
	}
	return false
}

func looserThanOr(term) bool { return false }

func enclose(t term, needed func(term) bool) string {
	if needed(t) {
		return "(" + t.String() + ")"
	}
	return t.String()
}

func join[T term](terms []T, word string, needed func(term) bool) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = enclose(t, needed)
	}
	return strings.Join(texts, word)
}
