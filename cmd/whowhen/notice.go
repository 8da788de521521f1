package main

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// notice is a line for people who wait: on a terminal it is rewritten, elsewhere it comes again every few
// seconds. It is used by one goroutine.
type notice struct {
	m        *Main
	width    int // of what the terminal shows
	nextLine time.Time
}

// newNotice returns a notice. Where there is no terminal, its first line comes after some time at the earliest.
func (m *Main) newNotice(after time.Duration) *notice {
	return &notice{m: m, nextLine: m.Clock.Now().Add(after)}
}

func (n *notice) show(text string) {
	if n.m.StderrWidth > 0 {
		text = clipped(text, n.m.StderrWidth-1)
		width := uniseg.StringWidth(text)
		fmt.Fprintf(n.m.Stderr, "\r%s%*s", text, max(n.width-width, 0), "")
		n.width = width
		return
	}
	if now := n.m.Clock.Now(); !now.Before(n.nextLine) {
		n.nextLine = now.Add(lineEvery)
		n.m.say("%s", text)
	}
}

// end takes the line away.
func (n *notice) end() {
	if n.width > 0 {
		fmt.Fprintf(n.m.Stderr, "\r%*s\r", n.width, "")
		n.width = 0
	}
}

// clipped returns as much of a text as fits into so many columns.
func clipped(text string, columns int) string {
	for uniseg.StringWidth(text) > columns && text != "" {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
