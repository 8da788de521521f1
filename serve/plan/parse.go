package plan

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"whowhen.dev/whowhen/serve/plan/calendar"
)

// policyFormat is the version of the format of policy files.
const policyFormat = 1

const (
	// MaxPolicyBytes bounds a policy file.
	MaxPolicyBytes = 256 << 10
	maxPolicies    = 200
	maxRules       = 100 // of one kind in a policy
	maxSpans       = 24  // of hours in a rule
	maxPlaces      = 400 // of a rule
	deepestNesting = 16  // of brackets; the format needs two
)

// PolicyError is a fault in a policy file.
type PolicyError struct {
	File    string
	Line    int    // from 1; 0 when it is about the whole file
	Field   string // the key, as in policy.gentle.quiet[0].hours; empty when the file is no TOML
	Message string
}

func (e *PolicyError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	b.WriteString(": " + e.Message)
	return b.String()
}

// ParsePolicies reads the policies of a TOML file, by name, with the calendars that they name. Unknown keys are faults. docs/SEND_TIME.md
// describes the format. A fault is a *PolicyError; of several, the one that the order of the file's kinds of rules comes to first is told.
func ParsePolicies(file string, text []byte, calendars map[string]*calendar.Calendar) (map[string]*Policy, error) {
	if len(text) > MaxPolicyBytes {
		return nil, &PolicyError{File: file, Message: fmt.Sprintf("the file is larger than %d KiB", MaxPolicyBytes>>10)}
	}
	if line := tooDeep(text); line > 0 {
		return nil, &PolicyError{File: file, Line: line, Message: fmt.Sprintf("brackets are nested more than %d deep", deepestNesting)}
	}
	doc, err := decode(text)
	if err != nil {
		return nil, tomlFault(file, err)
	}
	r := reader{file: file, lines: locate(text), calendars: calendars}
	if doc.Version != policyFormat {
		return nil, r.fault("version", "%d is not a version of this format; write version = %d", doc.Version, policyFormat)
	}
	if len(doc.Policy) > maxPolicies {
		return nil, r.fault("policy", "there are %d policies, and the most is %d", len(doc.Policy), maxPolicies)
	}
	policies := map[string]*Policy{}
	for _, name := range slices.Sorted(maps.Keys(doc.Policy)) {
		p, err := r.policy(name, doc.Policy[name])
		if err != nil {
			return nil, err
		}
		policies[name] = p
	}
	return policies, nil
}

// decode reads TOML strictly. The TOML package panics on some documents that are none, such as an array of tables with a table in its path that
// has been given nothing.
func decode(text []byte) (doc policyFile, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the tables do not fit together; write [policy.NAME], then [[policy.NAME.quiet]] and the like")
		}
	}()
	err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&doc)
	return doc, err
}

// tooDeep returns the line where brackets are nested deeper than any policy needs, or 0. It does not look whether they are in a string, which
// names and hours have no reason to hold: the parser of TOML recurses once for each.
func tooDeep(text []byte) int {
	depth, line := 0, 1
	for _, c := range text {
		switch c {
		case '[', '{':
			if depth++; depth > deepestNesting {
				return line
			}
		case ']', '}':
			depth = max(0, depth-1)
		case '\n':
			line++
		}
	}
	return 0
}

func tomlFault(file string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		line, _ := first.Position()
		return &PolicyError{File: file, Line: line, Field: strings.Join(first.Key(), "."), Message: "there is no such key"}
	}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ := at.Position()
		message := strings.TrimPrefix(at.Error(), "toml: ")
		if what, _, misfit := strings.Cut(message, " into struct field "); misfit {
			message = strings.TrimPrefix(what, "cannot decode TOML ") + " is not what this key takes"
		}
		return &PolicyError{File: file, Line: line, Field: strings.Join(at.Key(), "."), Message: message}
	}
	return &PolicyError{File: file, Message: strings.TrimPrefix(err.Error(), "toml: ")}
}
