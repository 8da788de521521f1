// Package value holds the typed facts that records carry and expressions
// compare: strings, exact decimal numbers, bools, moments and lists of strings.
//
// Values are plain data, safe to copy and to share between goroutines as long as
// nobody changes a List in place.
package value

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Kind says which type a Value has. The numbers are part of the log's and the
// index's format: add, never renumber.
type Kind uint8

const (
	Absent Kind = iota // no value: an empty cell, a missing property
	String             // UTF-8 text
	Number             // an exact decimal
	Bool
	Time // a moment, in milliseconds of UTC since 1970
	List // several strings
	Date // a civil day of the app's zone; only in expressions
)

func (k Kind) String() string {
	names := [...]string{"absent", "string", "number", "bool", "time", "list", "date"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Value is one typed fact. Only the field that Kind names is meaningful; the
// zero Value is absent.
type Value struct {
	Kind Kind
	Bool bool
	Num  Decimal
	Str  string
	// Millis is the moment of a Time in milliseconds since 1970 UTC, and the day
	// of a Date in days since 1970-01-01.
	Millis int64
	List   []string
}

// Text returns a string value.
func Text(s string) Value { return Value{Kind: String, Str: s} }

// Num returns a number value.
func Num(d Decimal) Value { return Value{Kind: Number, Num: d} }

// Boolean returns a bool value.
func Boolean(b bool) Value { return Value{Kind: Bool, Bool: b} }

// Moment returns a time value, to the millisecond.
func Moment(t time.Time) Value { return Value{Kind: Time, Millis: t.UnixMilli()} }

// Strings returns a list value.
func Strings(list []string) Value { return Value{Kind: List, List: list} }

// Day returns the date value of a civil day, counted from 1970-01-01.
func Day(day int64) Value { return Value{Kind: Date, Millis: day} }

// Equal says whether v and w have the same kind and the same content.
func (v Value) Equal(w Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	switch v.Kind {
	case String:
		return v.Str == w.Str
	case Number:
		return v.Num == w.Num
	case Bool:
		return v.Bool == w.Bool
	case Time, Date:
		return v.Millis == w.Millis
	case List:
		return slices.Equal(v.List, w.List)
	}
	return true
}

// String returns v as an expression writes it: strings quoted as in JSON, numbers
// in plain digits, moments in RFC 3339 and UTC, dates as 2006-01-02, lists
// in parentheses.
func (v Value) String() string {
	switch v.Kind {
	case String:
		return Quote(v.Str)
	case Number:
		return v.Num.String()
	case Bool:
		if v.Bool {
			return "true"
		}
		return "false"
	case Time:
		return time.UnixMilli(v.Millis).UTC().Format(time.RFC3339Nano)
	case Date:
		return time.Unix(v.Millis*86400, 0).UTC().Format(time.DateOnly)
	case List:
		quoted := make([]string, len(v.List))
		for i, s := range v.List {
			quoted[i] = Quote(s)
		}
		return "(" + strings.Join(quoted, ", ") + ")"
	}
	return "absent"
}

// Quote returns s in double quotes with JSON escapes, as expressions write it.
func Quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
