package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Error says what is wrong with a text and where.
type Error struct {
	// Offset counts bytes from the start of the text; its length when the text
	// ended too early.
	Offset int
	// Expected is what would have been right at Offset. It is empty where the
	// fault is not what stands there: a limit, a name or a string that cannot be.
	Expected string
	// Message is the whole sentence, without the offset.
	Message string
}

// Error returns the message with the offset before it.
func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Message) }

// At most these many characters are shown on each side of the caret.
const (
	caretBefore = 60
	caretAfter  = 40
)

// Caret returns two lines: the line of text that holds the offset, and a caret
// under it. A long line is cut around the caret, marked with "…". Tabs show as
// one blank, and characters that do not print as U+FFFD, so the result is safe to
// write to a terminal. text is the one that was parsed.
func (e *Error) Caret(text string) string {
	at := min(max(e.Offset, 0), len(text))
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	start := strings.LastIndexByte(text[:at], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		end = at + i
	}
	from, to := at, at
	for n := 0; n < caretBefore && from > start; n++ {
		_, size := utf8.DecodeLastRuneInString(text[start:from])
		from -= size
	}
	for n := 0; n < caretAfter && to < end; n++ {
		_, size := utf8.DecodeRuneInString(text[to:end])
		to += size
	}
	before, after := printable(text[from:at]), printable(strings.TrimSuffix(text[at:to], "\r"))
	if from > start {
		before = "…" + before
	}
	if to < end {
		after += "…"
	}
	return before + after + "\n" + strings.Repeat(" ", uniseg.StringWidth(before)) + "^"
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsGraphic(r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// clip makes s short and printable, for a message.
func clip(s string) string {
	const limit = 40
	n := 0
	for i := range s {
		if n == limit {
			return printable(s[:i]) + "…"
		}
		n++
	}
	return printable(s)
}
