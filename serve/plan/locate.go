package plan

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// lines maps each key of a TOML document to the line it is on. A key is written as in policy.gentle.quiet[0].hours.
type lines map[string]int

// locate finds the lines of a document that is valid TOML.
func locate(text []byte) lines {
	at := lines{}
	counts := map[string]int{} // of the tables of an array of tables
	table := ""
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table = at.add(&p, "", e, counts, false)
		case unstable.ArrayTable:
			table = at.add(&p, "", e, counts, true)
		case unstable.KeyValue:
			at.value(&p, at.add(&p, table, e, counts, false), e.Value(), 0)
		}
	}
	return at
}

// add notes the line of an expression's key below a table, and returns the key. An array of tables that is on the way stands for its last table.
func (at lines) add(p *unstable.Parser, table string, e *unstable.Node, counts map[string]int, opens bool) string {
	key, line := table, 0
	for keys := e.Key(); keys.Next(); {
		part := keys.Node()
		if key != "" {
			key += "."
		}
		key += string(part.Data)
		if line == 0 {
			line = p.Shape(part.Raw).Start.Line
		}
		if keys.IsLast() && opens {
			counts[key]++
		}
		if n := counts[key]; n > 0 {
			key += fmt.Sprintf("[%d]", n-1)
		}
	}
	if _, ok := at[key]; !ok {
		at[key] = line
	}
	return key
}

// value notes the lines of what an array or inline table holds.
func (at lines) value(p *unstable.Parser, key string, v *unstable.Node, depth int) {
	if v == nil || depth > deepestNesting {
		return
	}
	i := 0
	for children := v.Children(); children.Next(); i++ {
		child := children.Node()
		switch {
		case v.Kind == unstable.Array:
			below := fmt.Sprintf("%s[%d]", key, i)
			if child.Raw.Length > 0 {
				at[below] = p.Shape(child.Raw).Start.Line
			}
			at.value(p, below, child, depth+1)
		case v.Kind == unstable.InlineTable && child.Kind == unstable.KeyValue:
			at.value(p, at.add(p, key, child, nil, false), child.Value(), depth+1)
		}
	}
}

// of returns the line of a key, or of the nearest one above it that has a line of its own; 0 when none has.
func (at lines) of(key string) int {
	for key != "" {
		if line, ok := at[key]; ok {
			return line
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return 0
}
