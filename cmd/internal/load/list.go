package load

import (
	"bytes"
	"strings"
)

// listOf reads a list of strings: an array of JSON, in CSV also items with | between them. Any
// other cell is a list of one. The problem says what is wrong with it, if anything is.
func listOf(c cell) (list []string, problem string) {
	if c.kind == cellList || c.kind == cellText && bytes.HasPrefix(c.text, []byte("[")) {
		s := jsonScanner{text: c.text}
		list, f := s.list("")
		if f != nil {
			return nil, "is not a JSON array of strings"
		}
		if s.blank(); s.at < len(s.text) {
			return nil, "goes on behind its JSON array"
		}
		return list, ""
	}
	if c.kind != cellText {
		return []string{string(c.text)}, ""
	}
	for item := range strings.SplitSeq(string(c.text), "|") {
		if item != "" {
			list = append(list, item)
		}
	}
	return list, ""
}
