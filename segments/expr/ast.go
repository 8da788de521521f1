// Package expr is the language that defines audiences: its tree, its parser and
// its canonical text.
//
// A tree is plain immutable data. Parse and Node.String are inverse to each other:
// the canonical text of a tree parses to an equal tree. The package knows
// nothing of stores, clocks or zones; days are civil days, and it is the
// evaluator that lays them over an app's time zone.
package expr

import "whowhen.dev/whowhen/segments/value"

// Node is an audience expression: one of And, Or, Not, Everyone, Nobody, Tag,
// Sample, Attribute, Score, Top and Behaviour. What Parse returns keeps the rules stated at these types
// and the limits of this package; the text of a tree that breaks them may not parse.
type Node interface {
	// String returns the canonical text.
	String() string
	node()
}

// And holds for the CIDs that all of two or more terms hold for. No term is
// itself an And.
type And struct{ Terms []Node }

// Or holds for the CIDs that any of two or more terms holds for. No term is
// itself an Or.
type Or struct{ Terms []Node }

// Not holds for everyone else.
type Not struct{ Term Node }

// Everyone holds for every CID heard of by as_of.
type Everyone struct{}

// Nobody holds for no CID.
type Nobody struct{}

// Tag holds for the CIDs that bear the tag now.
type Tag struct{ Name string }

// Sample holds for a pseudo-random share of the CIDs, the same ones each time for
// the same salt; of two shares with one salt the larger contains the smaller.
type Sample struct {
	Percent value.Decimal // above 0, up to 100
	Salt    string
}

// Op compares a fact with the literals beside it.
type Op uint8

const (
	Eq Op = iota + 1
	Ne
	Lt
	Le
	Gt
	Ge
	In      // equal to one of one or more literals
	Between // from the first literal to the second, both included
	Exists  // no literal: the fact is there, whatever its type
	Has     // a list holds the string
)

// Comparison is `NAME OP LITERALS`. For Eq to Ge and Has there is one literal, for Between
// two, for Exists none. Literals are strings, numbers, bools, times and dates;
// those of one comparison share their kind, and Has takes strings only.
// Bools take only Eq, Ne and In.
type Comparison struct {
	Name   string
	Op     Op
	Values []value.Value
}

// Attribute compares the current value of an attribute.
type Attribute struct{ Comparison }

// Score compares the probability that the published scores of a name give a CID. Op is
// Eq to Ge, In, Between or Exists; Values are numbers from 0 to 1. As with an attribute, who has no
// score passes Exists and every comparison not.
type Score struct{ Comparison }

// Top holds for the N best by a score of those that Of holds for; of equal scores those are taken
// whom the app saw first. Who has no score is not among them.
type Top struct {
	N     uint64 // 1 to MaxTop
	Score string
	Of    Node
}

// Func is what a Behaviour asks of the events it selects.
type Func uint8

const (
	Did   Func = iota + 1 // at least one event in the window
	Count                 // the number of events
	Days                  // the number of app days with an event
	Sum                   // the sum of a numeric property
	First                 // the first event ever lies in (or before) the window
	Last                  // the last event up to as_of lies in (or before) the window
)

// Behaviour asks for what a CID did. Did, First and Last stand alone, Count, Days and Sum are
// compared: Op is Eq to Ge, In or Between, and Values are numbers. For the other
// functions Op is 0.
type Behaviour struct {
	Func     Func
	Event    string
	Property string // the summed property; only for Sum
	Where    Cond   // nil when the behaviour has no where
	Window   Window // for First and Last never Ever or Range
	Op       Op
	Values   []value.Value
}

// WindowKind says how a Window is meant.
type WindowKind uint8

const (
	Ever        WindowKind = iota // all that happened up to as_of
	WithinDays                    // `within 30d`: the day of as_of and the 29 before
	WithinHours                   // `within 6h`: the 360 minutes up to as_of
	Range                         // `from A to B`: app days, B not included
	BeforeDays                    // `before 14d ago`: earlier than within 14d; only First and Last
	BeforeHours                   // `before 6h ago`: earlier than within 6h; only First and Last
)

// Window is a span of time. N counts days (1 to 36500) or hours (1 to 72). From and To are civil
// days since 1970-01-01, From < To; only for Range.
type Window struct {
	Kind     WindowKind
	N        int
	From, To int64
}

// Cond is a condition on the properties of one event: one of CondAnd, CondOr,
// CondNot and Property.
type Cond interface {
	// String returns the canonical text.
	String() string
	cond()
}

// CondAnd holds for events for which all of two or more terms hold; no term is itself a CondAnd.
type CondAnd struct{ Terms []Cond }

// CondOr holds for events for which any of two or more terms holds; no term is itself a CondOr.
type CondOr struct{ Terms []Cond }

// CondNot holds for the events its term does not hold for.
type CondNot struct{ Term Cond }

// Property compares a property of the event; Has asks a list property.
type Property struct{ Comparison }

func (And) node()       {}
func (Or) node()        {}
func (Not) node()       {}
func (Everyone) node()  {}
func (Nobody) node()    {}
func (Tag) node()       {}
func (Sample) node()    {}
func (Attribute) node() {}
func (Score) node()     {}
func (Top) node()       {}
func (Behaviour) node() {}

func (CondAnd) cond()  {}
func (CondOr) cond()   {}
func (CondNot) cond()  {}
func (Property) cond() {}
