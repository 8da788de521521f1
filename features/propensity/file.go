package propensity

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFileBytes bounds a definition's file: two expressions of the greatest length, and lists.
const maxFileBytes = 4 << 20

// ReadDefinition reads a definition from TOML and checks it. A key that it does not know is an error, so that a slip of the pen is not a
// silent default. Errors are *DefinitionError with the line.
func ReadDefinition(text []byte) (Definition, error) {
	if len(text) > maxFileBytes {
		return Definition{}, &DefinitionError{Message: fmt.Sprintf("a definition has at most %d bytes, this one has %d", maxFileBytes, len(text))}
	}
	// The file is read into plain values first: read into the struct, a date in a string's place panics, and the case of keys does not matter.
	values, err := unmarshal(text)
	if wrong := new(toml.DecodeError); errors.As(err, &wrong) {
		line, _ := wrong.Position()
		return Definition{}, &DefinitionError{Line: line, Message: strings.TrimPrefix(wrong.Error(), "toml: "), Err: err}
	}
	if err != nil {
		return Definition{}, &DefinitionError{Message: strings.TrimPrefix(err.Error(), "toml: "), Err: err}
	}
	var d Definition
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(keys(), key) {
			return Definition{}, &DefinitionError{Field: key, Line: lineOf(text, key), Message: "is not a key of a definition; the keys are " + strings.Join(keys(), ", ")}
		}
		if !d.set(key, values[key]) {
			return Definition{}, &DefinitionError{Field: key, Line: lineOf(text, key), Message: "is " + kindOf(key) + ", this is something else"}
		}
	}
	err = d.Check()
	if wrong := new(DefinitionError); errors.As(err, &wrong) {
		wrong.Line = lineOf(text, wrong.Field)
		return Definition{}, wrong
	}
	return d, err
}

// unmarshal reads TOML. The library panics on a few texts that are none.
func unmarshal(text []byte) (values map[string]any, err error) {
	defer func() {
		if p := recover(); p != nil {
			values, err = nil, fmt.Errorf("it is no TOML: %v", p)
		}
	}()
	err = toml.Unmarshal(text, &values)
	return values, err
}

// TOML returns the definition as a file that ReadDefinition reads back.
func (d Definition) TOML() ([]byte, error) { return toml.Marshal(d) }

func keys() []string {
	return []string{"name", "eligible", "target", "horizon_days", "static_tags", "static_attributes", "amounts", "not_amounts", "penalty"}
}

// set sets the field of a key, and says whether the value is of its kind.
func (d *Definition) set(key string, v any) (ok bool) {
	switch key {
	case "name":
		d.Name, ok = v.(string)
	case "eligible":
		d.Eligible, ok = v.(string)
	case "target":
		d.Target, ok = v.(string)
	case "horizon_days":
		var n int64
		n, ok = v.(int64)
		d.HorizonDays = int(max(min(n, MaxHorizonDays+1), -1)) // what lies beyond is as wrong as the end
	case "penalty":
		if n, whole := v.(int64); whole {
			d.Penalty, ok = float64(n), true
		} else {
			d.Penalty, ok = v.(float64)
		}
	case "static_tags":
		d.StaticTags, ok = stringList(v)
	case "static_attributes":
		d.StaticAttributes, ok = stringList(v)
	case "amounts":
		d.Amounts, ok = stringList(v)
	case "not_amounts":
		d.NotAmounts, ok = stringList(v)
	}
	return ok
}

func stringList(v any) ([]string, bool) {
	list, ok := v.([]any)
	if len(list) == 0 {
		return nil, ok
	}
	texts := make([]string, len(list))
	for i, entry := range list {
		text, is := entry.(string)
		texts[i], ok = text, ok && is
	}
	return texts, ok
}

func kindOf(key string) string {
	switch key {
	case "name", "eligible", "target":
		return "a string in quotes"
	case "horizon_days":
		return "a whole number of days"
	case "penalty":
		return "a number"
	}
	return `a list of strings, such as ["a", "b"]`
}

// lineOf returns the line at which a key's entry begins, or 0 where the file has no such key.
func lineOf(text []byte, key string) int {
	for k, line := range entries(text) {
		if k == key {
			return line
		}
	}
	return 0
}

// entries goes through the keys at the top of a file and their lines, up to the first fault in its syntax.
func entries(text []byte) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		p := unstable.Parser{}
		p.Reset(text)
		below := false // a table's own keys are not at the top
		for p.NextExpression() {
			e := p.Expression()
			switch {
			case e.Kind == unstable.Table, e.Kind == unstable.ArrayTable:
				below = true
			case e.Kind != unstable.KeyValue || below:
				continue
			}
			if k := e.Key(); k.Next() && !yield(string(k.Node().Data), p.Shape(k.Node().Raw).Start.Line) {
				return
			}
		}
	}
}
