package main

import (
	"strings"

	"github.com/rivo/uniseg"
)

// table prints cells in columns. Columns whose header starts with ">" are aligned right.
type table struct {
	headers []string
	rows    [][]string
}

func newTable(headers ...string) *table { return &table{headers: headers} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// lines returns the table, headers first, columns two blanks apart.
func (t *table) lines() []string {
	width := make([]int, len(t.headers))
	headers := make([]string, len(t.headers))
	for i, h := range t.headers {
		headers[i] = strings.TrimPrefix(h, ">")
	}
	all := append([][]string{headers}, t.rows...)
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], uniseg.StringWidth(cell))
		}
	}
	var lines []string
	for _, row := range all {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			pad := strings.Repeat(" ", width[i]-uniseg.StringWidth(cell))
			if strings.HasPrefix(t.headers[i], ">") {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// wrap breaks text into lines of at most width columns, at blanks where it can.
func wrap(text string, width int) []string {
	width = max(width, 20)
	var lines []string
	for uniseg.StringWidth(text) > width {
		cut, blank, used := 0, -1, 0
		for g := uniseg.NewGraphemes(text); g.Next(); {
			from, to := g.Positions()
			if used += g.Width(); used > width && cut > 0 {
				break
			}
			if g.Str() == " " {
				blank = from
			}
			cut = to
		}
		next := cut
		if blank > 0 && cut < len(text) && text[cut] != ' ' {
			cut, next = blank, blank+1
		}
		lines = append(lines, strings.TrimRight(text[:cut], " "))
		text = strings.TrimLeft(text[next:], " ")
	}
	return append(lines, text)
}
