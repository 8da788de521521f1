package propensity

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

const (
	// MaxHorizonDays bounds the horizon: data older than two horizons is needed to train at all.
	MaxHorizonDays = 730
	// maxNames bounds each list of a definition.
	maxNames = 1000
)

// Definition says what a model predicts. It is plain data; see Check for what it must keep to. In a TOML file its fields go by the
// names given here.
type Definition struct {
	// Name is the model's name in the registry and in score("NAME"): 1 to 64 of a-z, 0-9, - and _, a letter or digit first.
	Name string `toml:"name"`
	// Eligible is an audience: who is asked about, evaluated as of the end of the day before a cut-off.
	Eligible string `toml:"eligible"`
	// Target is an audience of behaviour terms without a window. They are meant over the days of the horizon.
	Target string `toml:"target"`
	// HorizonDays is how many days from the cut-off on the target is about: 1 to MaxHorizonDays.
	HorizonDays int `toml:"horizon_days"`
	// StaticTags and StaticAttributes are facts that do not change in the course of a CID's life, or not for reasons that have to do with the
	// target. The store knows only their present values, so only these can be columns, or stand in Eligible.
	StaticTags       []string `toml:"static_tags,omitempty"`
	StaticAttributes []string `toml:"static_attributes,omitempty"`
	// Amounts are numeric properties, as "event.property", whose sums are columns; NotAmounts are those whose sums mean
	// nothing, such as ids. Properties in neither list are judged by their look.
	Amounts    []string `toml:"amounts,omitempty"`
	NotAmounts []string `toml:"not_amounts,omitempty"`
	// Penalty is the weight of the L2 penalty, or 0 to have it chosen on the training data.
	Penalty float64 `toml:"penalty,omitempty"`
}

// Churn defines the model of who of those that did an event in the last horizon will not do it in the next.
func Churn(event string, horizonDays int) Definition {
	did := expr.Behaviour{Func: expr.Did, Event: event}
	recent := did
	recent.Window = expr.Window{Kind: expr.WithinDays, N: horizonDays}
	return Definition{Name: "churn", Eligible: recent.String(), Target: expr.Not{Term: did}.String(), HorizonDays: horizonDays}
}

// Pay defines the model of who of all will do an event, such as a purchase, in the next horizon.
func Pay(event string, horizonDays int) Definition {
	return Definition{Name: "pay", Eligible: expr.Everyone{}.String(), Target: expr.Behaviour{Func: expr.Did, Event: event}.String(), HorizonDays: horizonDays}
}

// DefinitionError says what is wrong with a definition.
type DefinitionError struct {
	Field   string // the field's name in a file, such as "horizon_days"; "" for the file as a whole
	Line    int    // of the file, from 1; 0 where there is no file
	Message string // a sentence: what is wrong, what to do
	Err     error  // the cause, such as an *expr.Error with the byte offset; or nil
}

// Error returns line, field and message.
func (e *DefinitionError) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Unwrap returns the cause.
func (e *DefinitionError) Unwrap() error { return e.Err }

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Check returns nil for a definition that can be trained, and a *DefinitionError for the first thing wrong with it otherwise.
// It knows nothing of a store: names nobody has used yet are found when it is asked of one.
func (d Definition) Check() error {
	_, err := d.Compile()
	return err
}

// Question is a definition whose expressions are parsed and keep the rules. It is not to be changed.
type Question struct {
	Definition Definition // in canonical form
	Eligible   expr.Node
	Target     expr.Node // as written: without windows
	Event      string    // the first event that the target asks about
	Warnings   []string  // sentences for people
}

// Compile returns the question that a definition asks, or the *DefinitionError of Check.
func (d Definition) Compile() (*Question, error) {
	if !namePattern.MatchString(d.Name) {
		return nil, &DefinitionError{Field: "name", Message: fmt.Sprintf("%q is not the name of a model: 1 to 64 of a-z, 0-9, - and _, a letter or digit first", d.Name)}
	}
	if d.HorizonDays < 1 || d.HorizonDays > MaxHorizonDays {
		return nil, &DefinitionError{Field: "horizon_days", Message: fmt.Sprintf("the horizon is 1 to %d days, not %d", MaxHorizonDays, d.HorizonDays)}
	}
	if d.Penalty < 0 || math.IsNaN(d.Penalty) || math.IsInf(d.Penalty, 0) {
		return nil, &DefinitionError{Field: "penalty", Message: "the penalty is a number above 0, or left out to have it chosen"}
	}
	if err := d.checkLists(); err != nil {
		return nil, err
	}
	q := &Question{Definition: d}
	var err error
	if q.Eligible, err = parse("eligible", d.Eligible); err != nil {
		return nil, err
	}
	if q.Target, err = parse("target", d.Target); err != nil {
		return nil, err
	}
	if err := q.checkEligible(); err != nil {
		return nil, err
	}
	if err := q.checkTarget(); err != nil {
		return nil, err
	}
	q.Definition.Eligible, q.Definition.Target = q.Eligible.String(), q.Target.String()
	return q, nil
}

func parse(field, text string) (expr.Node, error) {
	if strings.TrimSpace(text) == "" {
		return nil, &DefinitionError{Field: field, Message: "is missing; give an expression of the audience language"}
	}
	n, err := expr.Parse(text)
	if err != nil {
		message := err.Error()
		if wrong := new(expr.Error); errors.As(err, &wrong) {
			message += "\n" + wrong.Caret(text)
		}
		return nil, &DefinitionError{Field: field, Message: message, Err: err}
	}
	return n, nil
}

func (d Definition) checkLists() error {
	for _, list := range []struct {
		field    string
		names    []string
		property bool
	}{
		{"static_tags", d.StaticTags, false}, {"static_attributes", d.StaticAttributes, false},
		{"amounts", d.Amounts, true}, {"not_amounts", d.NotAmounts, true},
	} {
		if len(list.names) > maxNames {
			return &DefinitionError{Field: list.field, Message: fmt.Sprintf("has %d names, at most %d are allowed", len(list.names), maxNames)}
		}
		for i, name := range list.names {
			switch {
			case name == "" || len(name) > 2*expr.MaxNameBytes:
				return &DefinitionError{Field: list.field, Message: fmt.Sprintf("entry %d is empty or too long", i+1)}
			case list.property && !strings.Contains(name, "."):
				return &DefinitionError{Field: list.field, Message: fmt.Sprintf("%s names no property: write event.property, such as purchase.amount", value.Quote(name))}
			case slices.Contains(list.names[:i], name):
				return &DefinitionError{Field: list.field, Message: fmt.Sprintf("names %s twice", value.Quote(name))}
			}
		}
	}
	for _, name := range d.Amounts {
		if slices.Contains(d.NotAmounts, name) {
			return &DefinitionError{Field: "not_amounts", Message: fmt.Sprintf("names %s, which is among the amounts, too", value.Quote(name))}
		}
	}
	return nil
}
