package main

import (
	"unicode/utf8"

	"whowhen.dev/whowhen/segments/expr"
)

// checkArguments refuses arguments that are not UTF-8. The parser of the command line has put U+FFFD for
// the bytes at fault, which makes another expression, or another name, of them.
func (m *Main) checkArguments() error {
	for _, arg := range m.Args {
		at := validBytes(arg)
		if at == len(arg) {
			continue
		}
		const fault = "the text is not UTF-8 from here on"
		for _, step := range m.selected.Path {
			if step.Positional != nil && step.Positional.Name == "expr" && step.Positional.Target.String() == string([]rune(arg)) {
				return usageError("at byte %d: %s", at, withCaret(&expr.Error{Offset: at, Message: fault}, arg))
			}
		}
		return usageError("%q is not UTF-8 from byte %d on, and cannot be taken.", arg, at)
	}
	return nil
}

// validBytes returns how many bytes from the start of a text are UTF-8.
func validBytes(text string) int {
	for at, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[at:]); size == 1 {
			return at
		}
	}
	return len(text)
}
