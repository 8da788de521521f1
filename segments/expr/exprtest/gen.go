// Package exprtest draws random audience expressions for property tests.
package exprtest

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// Vocabulary is what the expressions speak of. Every part may be empty; now and
// then a name is used that is not in it.
type Vocabulary struct {
	Tags       []string
	Attributes []Fact
	Events     []Event
	// Scores are known; as to ask for another is an error, none is asked for that is not in it.
	Scores []Score
	// FromDay and ToDay bound the days of `from A to B` and of date literals, both
	// included; FromDay < ToDay.
	FromDay, ToDay int64
}

// Fact is an attribute or a property.
type Fact struct {
	Name string
	Kind value.Kind
	// Samples are literals worth comparing with: of Kind, or strings for a List. Without
	// samples the fact is only asked whether it exists.
	Samples []value.Value
}

// Event is an event and its properties.
type Event struct {
	Name       string
	Properties []Fact
}

// Score is a score and probabilities worth comparing it with.
type Score struct {
	Name    string
	Samples []value.Value
}

const (
	missingName = "missing"
	maxDepth    = 4
)

// Gen draws trees of up to four levels that keep the rules of package expr, so that
// their canonical text parses to an equal tree.
func Gen(v Vocabulary) *rapid.Generator[expr.Node] {
	return rapid.Custom(func(t *rapid.T) expr.Node { tops := expr.MaxTops; return v.node(t, maxDepth, &tops) })
}

// GenCond draws conditions of up to four levels on the given properties.
func GenCond(v Vocabulary, properties []Fact) *rapid.Generator[expr.Cond] {
	return rapid.Custom(func(t *rapid.T) expr.Cond { return v.cond(t, properties, maxDepth) })
}

// oneIn is true once in n draws, and false when rapid shrinks.
func oneIn(t *rapid.T, n int, label string) bool { return rapid.IntRange(0, n-1).Draw(t, label) == n-1 }

// node draws a tree with up to so many tops, and takes those that it has off.
func (v Vocabulary) node(t *rapid.T, depth int, tops *int) expr.Node {
	kinds := []string{"behaviour", "attribute", "tag", "behaviour", "sample", "everyone", "nobody"}
	if depth > 1 {
		kinds = append(kinds, "and", "or", "not", "and", "or", "not")
	}
	if len(v.Scores) > 0 {
		kinds = append(kinds, "score", "score")
	}
	if len(v.Scores) > 0 && depth > 1 && *tops > 0 {
		kinds = append(kinds, "top", "top")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "node") {
	case "and":
		var terms []expr.Node
		for range rapid.IntRange(2, 3).Draw(t, "terms") {
			term := v.node(t, depth-1, tops)
			if inner, ok := term.(expr.And); ok {
				terms = append(terms, inner.Terms...)
			} else {
				terms = append(terms, term)
			}
		}
		return expr.And{Terms: terms}
	case "or":
		var terms []expr.Node
		for range rapid.IntRange(2, 3).Draw(t, "terms") {
			term := v.node(t, depth-1, tops)
			if inner, ok := term.(expr.Or); ok {
				terms = append(terms, inner.Terms...)
			} else {
				terms = append(terms, term)
			}
		}
		return expr.Or{Terms: terms}
	case "not":
		return expr.Not{Term: v.node(t, depth-1, tops)}
	case "everyone":
		return expr.Everyone{}
	case "nobody":
		return expr.Nobody{}
	case "tag":
		return expr.Tag{Name: name(t, v.Tags)}
	case "sample":
		return expr.Sample{
			Percent: decimal(t, rapid.Int64Range(1, 1000).Draw(t, "percent"), 1),
			Salt:    rapid.SampledFrom([]string{"a", "b", "summer sale"}).Draw(t, "salt"),
		}
	case "attribute":
		return expr.Attribute{Comparison: v.comparison(t, v.Attributes)}
	case "score":
		return v.score(t)
	case "top":
		*tops--
		return expr.Top{
			N:     rapid.OneOf(rapid.Uint64Range(1, 12), rapid.Uint64Range(1, 100), rapid.Uint64Range(1, expr.MaxTop)).Draw(t, "top"),
			Score: rapid.SampledFrom(v.Scores).Draw(t, "by").Name,
			Of:    v.node(t, depth-1, tops),
		}
	}
	return v.behaviour(t, depth)
}

func (v Vocabulary) score(t *rapid.T) expr.Node {
	s := rapid.SampledFrom(v.Scores).Draw(t, "score")
	if len(s.Samples) == 0 || oneIn(t, 6, "scored") {
		return expr.Score{Comparison: expr.Comparison{Name: s.Name, Op: expr.Exists}}
	}
	c := expr.Comparison{Name: s.Name}
	c.Op, c.Values = compared(t, s.Samples)
	return expr.Score{Comparison: c}
}

func (v Vocabulary) behaviour(t *rapid.T, depth int) expr.Node {
	event := Event{Name: missingName}
	if len(v.Events) > 0 && !oneIn(t, 12, "missing event") {
		event = rapid.SampledFrom(v.Events).Draw(t, "event")
	}
	n := expr.Behaviour{
		Func:  rapid.SampledFrom([]expr.Func{expr.Did, expr.Count, expr.Days, expr.Sum, expr.First, expr.Last}).Draw(t, "func"),
		Event: event.Name,
	}
	if oneIn(t, 3, "where") {
		n.Where = v.cond(t, event.Properties, max(1, depth-1))
	}
	n.Window = v.window(t, n.Func)
	switch n.Func {
	case expr.Count, expr.Days:
		var few []value.Value
		for i := range int64(5) {
			few = append(few, value.Num(value.Int(i)))
		}
		n.Op, n.Values = compared(t, few)
	case expr.Sum:
		fact := summed(t, event.Properties)
		n.Property = fact.Name
		samples := []value.Value{value.Num(value.Int(0)), value.Num(value.Int(10)), value.Num(decimal(t, 1005, 2)), value.Num(value.Int(-1))}
		if fact.Kind == value.Number {
			samples = append(samples, fact.Samples...)
		}
		n.Op, n.Values = compared(t, samples)
	}
	return n
}

func (v Vocabulary) window(t *rapid.T, f expr.Func) expr.Window {
	kinds := []expr.WindowKind{expr.Ever, expr.WithinDays, expr.WithinHours, expr.Range}
	if f == expr.First || f == expr.Last {
		kinds = []expr.WindowKind{expr.WithinDays, expr.WithinHours, expr.BeforeDays, expr.BeforeHours}
	}
	w := expr.Window{Kind: rapid.SampledFrom(kinds).Draw(t, "window")}
	switch w.Kind {
	case expr.WithinDays, expr.BeforeDays:
		w.N = rapid.OneOf(rapid.IntRange(1, 8), rapid.IntRange(1, 100), rapid.IntRange(1, expr.MaxWindowDays)).Draw(t, "days")
	case expr.WithinHours, expr.BeforeHours:
		w.N = rapid.IntRange(1, expr.MaxWindowHours).Draw(t, "hours")
	case expr.Range:
		w.From = rapid.Int64Range(v.FromDay, v.ToDay-1).Draw(t, "from")
		w.To = rapid.Int64Range(w.From+1, v.ToDay).Draw(t, "to")
	}
	return w
}

func (v Vocabulary) cond(t *rapid.T, properties []Fact, depth int) expr.Cond {
	kinds := []string{"property"}
	if depth > 1 {
		kinds = append(kinds, "and", "or", "not")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "cond") {
	case "and":
		var terms []expr.Cond
		for range rapid.IntRange(2, 3).Draw(t, "terms") {
			term := v.cond(t, properties, depth-1)
			if inner, ok := term.(expr.CondAnd); ok {
				terms = append(terms, inner.Terms...)
			} else {
				terms = append(terms, term)
			}
		}
		return expr.CondAnd{Terms: terms}
	case "or":
		var terms []expr.Cond
		for range rapid.IntRange(2, 3).Draw(t, "terms") {
			term := v.cond(t, properties, depth-1)
			if inner, ok := term.(expr.CondOr); ok {
				terms = append(terms, inner.Terms...)
			} else {
				terms = append(terms, term)
			}
		}
		return expr.CondOr{Terms: terms}
	case "not":
		return expr.CondNot{Term: v.cond(t, properties, depth-1)}
	}
	return expr.Property{Comparison: v.comparison(t, properties)}
}

// comparison draws a comparison of one of facts, mostly with literals of its kind.
func (v Vocabulary) comparison(t *rapid.T, facts []Fact) expr.Comparison {
	fact := Fact{Name: missingName, Kind: value.String, Samples: []value.Value{value.Text("x")}}
	if len(facts) > 0 && !oneIn(t, 12, "missing fact") {
		fact = rapid.SampledFrom(facts).Draw(t, "fact")
	}
	c := expr.Comparison{Name: fact.Name}
	if oneIn(t, 15, "another kind") {
		fact = rapid.SampledFrom(otherKinds()).Draw(t, "kind")
	}
	if fact.Kind == value.Time && oneIn(t, 2, "dates") {
		fact.Samples = nil
		for range 3 {
			fact.Samples = append(fact.Samples, value.Day(rapid.Int64Range(v.FromDay, v.ToDay).Draw(t, "day")))
		}
	}
	switch {
	case len(fact.Samples) == 0 || oneIn(t, 10, "exists"):
		c.Op = expr.Exists
	case fact.Kind == value.List || fact.Kind == value.String && oneIn(t, 20, "has"):
		c.Op, c.Values = expr.Has, []value.Value{rapid.SampledFrom(fact.Samples).Draw(t, "literal")}
	default:
		c.Op, c.Values = compared(t, fact.Samples)
	}
	return c
}

func otherKinds() []Fact {
	return []Fact{
		{Kind: value.String, Samples: []value.Value{value.Text(""), value.Text("5"), value.Text("true")}},
		{Kind: value.Number, Samples: []value.Value{value.Num(value.Int(0)), value.Num(value.Int(1))}},
		{Kind: value.Bool, Samples: []value.Value{value.Boolean(false), value.Boolean(true)}},
		{Kind: value.Time, Samples: []value.Value{{Kind: value.Time, Millis: 0}, {Kind: value.Time, Millis: 1_700_000_000_123}}},
		{Kind: value.List, Samples: []value.Value{value.Text("a")}},
	}
}

// compared draws an operator and literals of samples, which are of one kind.
func compared(t *rapid.T, samples []value.Value) (expr.Op, []value.Value) {
	ops := []expr.Op{expr.Eq, expr.Ne, expr.In, expr.Lt, expr.Le, expr.Gt, expr.Ge, expr.Between}
	if samples[0].Kind == value.Bool {
		ops = ops[:3]
	}
	one := rapid.SampledFrom(samples)
	switch op := rapid.SampledFrom(ops).Draw(t, "op"); op {
	case expr.In:
		return op, rapid.SliceOfN(one, 1, 3).Draw(t, "list")
	case expr.Between:
		bounds := rapid.SliceOfN(one, 2, 2).Draw(t, "bounds")
		slices.SortFunc(bounds, order)
		return op, bounds
	default:
		return op, []value.Value{one.Draw(t, "literal")}
	}
}

func order(v, w value.Value) int {
	switch v.Kind {
	case value.Number:
		return v.Num.Cmp(w.Num)
	case value.String:
		return strings.Compare(v.Str, w.Str)
	}
	return int(max(-1, min(1, v.Millis-w.Millis)))
}

// summed draws a property, a numeric one where there is one, but not always.
func summed(t *rapid.T, properties []Fact) Fact {
	if len(properties) == 0 || oneIn(t, 12, "missing property") {
		return Fact{Name: missingName}
	}
	var numeric []Fact
	for _, p := range properties {
		if p.Kind == value.Number {
			numeric = append(numeric, p)
		}
	}
	if len(numeric) == 0 || oneIn(t, 8, "any property") {
		numeric = properties
	}
	return rapid.SampledFrom(numeric).Draw(t, "property")
}

func name(t *rapid.T, known []string) string {
	if len(known) == 0 || oneIn(t, 12, "missing name") {
		return missingName
	}
	return rapid.SampledFrom(known).Draw(t, "name")
}

func decimal(t *rapid.T, coef int64, scale int) value.Decimal {
	d, err := value.NewDecimal(coef, scale)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
