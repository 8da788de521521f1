// Package sealed writes plain data as one JSON object of format, sha256 and content, and reads it back only if it is just what was written.
package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// maxDepth is how deep a file may be nested; what is written stays below 10.
const maxDepth = 16

// Error says why bytes cannot be used, or data cannot be written.
type Error struct {
	Problem string // a sentence part, such as "its content is no JSON"
	Err     error  // the cause, or nil
}

// Error returns problem and cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Problem + ": " + e.Err.Error()
	}
	return e.Problem
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func refuse(format string, args ...any) error { return &Error{Problem: fmt.Sprintf(format, args...)} }

// file is the whole of it.
type file struct {
	Format  string          `json:"format"`
	SHA256  string          `json:"sha256"`
	Content json.RawMessage `json:"content"`
}

// Seal returns content as a file of a format. Equal content gives equal bytes. Errors are *Error.
func Seal(format string, content any) ([]byte, error) {
	body, err := json.Marshal(content)
	if err != nil {
		return nil, &Error{Problem: "it cannot be written", Err: err}
	}
	sum := sha256.Sum256(body)
	data, err := json.Marshal(&file{format, hex.EncodeToString(sum[:]), body})
	if err != nil {
		return nil, &Error{Problem: "it cannot be written", Err: err}
	}
	return append(data, '\n'), nil
}

// Open reads what Seal wrote into content, a pointer to a zero value. Anything else is an *Error: too large, too deep, another format, a sum that
// does not match, a field that is unknown, missing or twice. Insignificant white space is allowed. The sum is over content without
// it: it finds damage, and does not prove who wrote the file. Memory is bounded by a small multiple of len(data), and nothing is
// allocated by a size that data claims.
func Open(data []byte, format string, maxBytes int, content any) error {
	if len(data) > maxBytes {
		return refuse("it has %d bytes; at most %d are read", len(data), maxBytes)
	}
	if at := tooDeep(data); at >= 0 {
		return refuse("byte %d is nested deeper than %d", at, maxDepth)
	}
	var f file
	if err := strict(data, &f); err != nil {
		return &Error{Problem: "it is no JSON object of format, sha256 and content", Err: err}
	}
	if f.Format != format {
		return refuse("its format is %.40q and this program reads %q", f.Format, format)
	}
	var body bytes.Buffer
	if err := json.Compact(&body, f.Content); err != nil {
		return &Error{Problem: "its content is no JSON", Err: err}
	}
	if sum := sha256.Sum256(body.Bytes()); f.SHA256 != hex.EncodeToString(sum[:]) {
		return refuse("its content does not match its sha256: it was damaged or changed")
	}
	if err := strict(body.Bytes(), content); err != nil {
		return &Error{Problem: "its content has other fields than it should", Err: err}
	}
	// The decoder takes fields twice, in any case, or not at all, and lists of any length into arrays; what is not written back the same is
	// refused.
	again, err := json.Marshal(content)
	if err != nil {
		return &Error{Problem: "its content cannot be written again", Err: err}
	}
	if !bytes.Equal(again, body.Bytes()) {
		return refuse("its content differs from what this program would write, from byte %d on", difference(again, body.Bytes()))
	}
	return nil
}

func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(data[decoder.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("%d bytes follow its end", len(rest))
	}
	return nil
}

// tooDeep returns the first byte nested deeper than maxDepth, or -1.
func tooDeep(data []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return i
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return -1
}

func difference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
