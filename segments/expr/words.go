package expr

import "slices"

// functionWords returns the words that stand before a parenthesis.
func functionWords() []string {
	return []string{"tag", "attr", "did", "count", "days", "sum", "first", "last", "sample", "score", "top"}
}

// laterWords returns the words set aside for a larger language. They are
// reserved already, so that no saved text changes its meaning then.
func laterWords() []string {
	return []string{"segment", "list", "reachable", "online"}
}

func comparisonWords() []string { return []string{"in", "between", "exists", "has"} }

// reserved says whether word, in lower case, cannot be a bare name. There is
// one set for attributes and properties, so that a name is written the same way in both.
func reserved(word string) bool {
	switch word {
	case "and", "or", "not", "true", "false", "everyone", "nobody", "prop",
		"where", "within", "from", "to", "before", "ago":
		return true
	}
	return slices.Contains(functionWords(), word) || slices.Contains(laterWords(), word) ||
		slices.Contains(comparisonWords(), word)
}

// lower folds ASCII only. Unicode folding would turn names such as "O\u212A" (with a
// Kelvin sign) into keywords.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}

// bare says whether name can be written without quotes.
func bare(name string) bool {
	for i, r := range name {
		if i == 0 && !startsName(r) || !inName(r) {
			return false
		}
	}
	return name != "" && !reserved(lower(name))
}
