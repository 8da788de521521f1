package main

import (
	"strings"

	"github.com/rivo/uniseg"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/expr"
)

// treeRow is a clause drawn as part of a tree.
type treeRow struct {
	guide  string // before the clause's first line
	beside string // before its other lines
	label  string
	clause *whowhenv1.Clause // whose count is shown
	told   *whowhenv1.Evidence
	leaf   bool
}

// flatten returns the rows of a tree, from the top.
func flatten(root *whowhenv1.Clause) []treeRow {
	var rows []treeRow
	var walk func(c *whowhenv1.Clause, guide, beside string)
	walk = func(c *whowhenv1.Clause, guide, beside string) {
		row := treeRow{guide: guide, beside: beside, clause: c, told: c.GetEvidence()}
		var children []*whowhenv1.Clause
		row.label, children = label(c)
		if len(children) == 0 && len(c.GetClauses()) == 1 && row.told == nil {
			row.told = c.GetClauses()[0].GetEvidence()
		}
		row.leaf = len(children) == 0
		rows = append(rows, row)
		for i, child := range children {
			if i < len(children)-1 {
				walk(child, beside+"├─ ", beside+"│  ")
			} else {
				walk(child, beside+"└─ ", beside+"   ")
			}
		}
	}
	walk(root, "", "")
	return rows
}

// label returns how a clause is written in a tree, and the clauses drawn under it. The text
// of an `and` would only repeat what is under it.
func label(c *whowhenv1.Clause) (string, []*whowhenv1.Clause) {
	node, err := expr.Parse(c.GetExpression())
	if err != nil || len(c.GetClauses()) == 0 {
		return c.GetExpression(), c.GetClauses()
	}
	switch node.(type) {
	case expr.And:
		return "all of", c.GetClauses()
	case expr.Or:
		return "any of", c.GetClauses()
	case expr.Not:
		if len(c.GetClauses()) != 1 {
			break
		}
		switch label, children := label(c.GetClauses()[0]); label {
		case "all of":
			return "not all of", children
		case "any of":
			return "none of", children
		}
		if len(c.GetClauses()[0].GetClauses()) == 0 {
			return c.GetExpression(), nil
		}
	}
	return c.GetExpression(), c.GetClauses()
}

// columnGap is between the tree and what stands beside it.
const columnGap = 3

// countTree draws clauses with their counts.
func countTree(root *whowhenv1.Clause, width int) []string {
	rows := flatten(root)
	counts := newTable(">count", ">left")
	gathered := false
	for _, r := range rows {
		counts.add(grouped(r.clause.GetCount()), grouped(r.clause.GetRunningCount()))
		gathered = gathered || r.label == "any of" || r.label == "none of"
	}
	beside := counts.lines()
	besideWidth := 0
	for _, line := range beside {
		besideWidth = max(besideWidth, uniseg.StringWidth(line))
	}
	treeWidth := treeWidth(rows, width-columnGap-besideWidth)
	lines := []string{pad("", treeWidth+columnGap) + beside[0]}
	for i, r := range rows {
		for n, line := range r.drawn(treeWidth) {
			if n == 0 {
				line = pad(line, treeWidth+columnGap) + beside[i+1]
			}
			lines = append(lines, line)
		}
	}
	if gathered {
		lines = append(lines, "", "Under \"any of\" and \"none of\", left is how many are gathered by then.")
	}
	return lines
}

// evidenceTree draws clauses with whether they hold for one CID, and why: beside
// the clause where there is room for that, otherwise below.
func evidenceTree(root *whowhenv1.Clause, p page) []string {
	rows := flatten(root)
	widest := 0 // summary
	for i := range rows {
		r := &rows[i]
		mark := "✗ "
		if r.clause.GetHolds() {
			mark = "✓ "
		}
		r.label, r.beside = mark+r.label, r.beside+"  "
		if !r.leaf {
			r.beside = strings.TrimSuffix(r.beside, "  ")
		}
		widest = max(widest, uniseg.StringWidth(r.told.GetSummary()))
	}
	natural := treeWidth(rows, 1<<20)
	room := p.width - natural - columnGap
	var lines []string
	for _, r := range rows {
		drawn := r.drawn(p.width)
		summary := r.told.GetSummary()
		switch {
		case summary == "":
		case room >= min(widest, enoughRoom):
			for n, line := range wrap(summary, room) {
				if n == len(drawn) {
					drawn = append(drawn, r.beside)
				}
				drawn[n] = pad(drawn[n], natural+columnGap) + line
			}
		default:
			for _, line := range wrap(summary, p.width-uniseg.StringWidth(r.beside)-2) {
				drawn = append(drawn, r.beside+"  "+line)
			}
		}
		for _, line := range drawn {
			lines = append(lines, p.coloured(line))
		}
	}
	return lines
}

// enoughRoom is how many columns make it worth to wrap text beside a tree.
const enoughRoom = 40

// coloured paints the mark of a line.
func (p page) coloured(line string) string {
	if !p.colours {
		return line
	}
	line = strings.Replace(line, "✓", "\x1b[32m✓\x1b[0m", 1)
	return strings.Replace(line, "✗", "\x1b[31m✗\x1b[0m", 1)
}

// drawn returns the lines of a row in a tree of some width.
func (r *treeRow) drawn(width int) []string {
	lines := wrap(r.label, width-uniseg.StringWidth(r.guide))
	for i := range lines {
		if i == 0 {
			lines[i] = r.guide + lines[i]
		} else {
			lines[i] = r.beside + lines[i]
		}
	}
	return lines
}

// treeWidth returns how many columns the tree takes, up to a limit.
func treeWidth(rows []treeRow, limit int) int {
	width := 0
	for i := range rows {
		for _, line := range rows[i].drawn(limit) {
			width = max(width, uniseg.StringWidth(line))
		}
	}
	return width
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-uniseg.StringWidth(s), 0))
}
