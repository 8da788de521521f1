package expr

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// The limits bound what one expression may cost to keep, parse and plan. An
// expression of people is far below all of them.
const (
	// MaxTextBytes bounds the text and its canonical form alike, so that what was
	// accepted can be stored and read back. It has room for an `in` list
	// of MaxListValues values of some twenty bytes each.
	MaxTextBytes = 256 << 10
	// MaxDepth bounds parentheses and nots within each other, and with them
	// the recursion of everything that walks a tree.
	MaxDepth = 64
	// MaxTerms bounds the leaves of a tree, the conditions of its wheres
	// included: each one is a row or a column to read.
	MaxTerms = 4096
	// MaxListValues bounds one `in` list. Longer ones are uploads, not
	// expressions.
	MaxListValues = 10_000
	// MaxNameBytes bounds the name of a tag, an attribute, an event, a property or a
	// salt, in bytes of UTF-8.
	MaxNameBytes = 256
	// MaxStringBytes bounds a string literal, in bytes of UTF-8 once its escapes are read.
	MaxStringBytes = 4096
	// MaxWindowDays is a hundred years, less some leap days.
	MaxWindowDays = 36_500
	// MaxTop bounds how many a top takes: there are no more ordinals.
	MaxTop = 1 << 32
	// MaxTops bounds the tops of one expression, those within others included: each one is
	// worked out by itself over all CIDs.
	MaxTops = 16
	// MaxWindowHours is three days: hours are counted from single events, not from the
	// rows kept by day.
	MaxWindowHours = 72
)

// nameFault says what keeps name from being a name, or "" when nothing does.
func nameFault(name string) string {
	switch {
	case name == "":
		return "a name is not empty"
	case len(name) > MaxNameBytes:
		return fmt.Sprintf("a name has at most %d bytes, this one has %d", MaxNameBytes, len(name))
	case !utf8.ValidString(name):
		return "a name is UTF-8"
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return fmt.Sprintf("a name has no control characters, this one has %U", r)
		}
	}
	return ""
}
