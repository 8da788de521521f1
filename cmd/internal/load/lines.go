package load

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// maxRecordBytes bounds a record: a line of JSON, or the lines of one CSV row.
const maxRecordBytes = 1 << 20

// maxLineBytes bounds what is read to find the end of a line that is too long to be a record. A file that has no
// line ends for so long is no file of lines.
const maxLineBytes = 1 << 30

// errTooLong says that a line does not end within maxRecordBytes of its record's start.
var errTooLong = errors.New("record too long")

// lines cuts a text into lines without copying them, and hashes it on the way.
type lines struct {
	from io.Reader
	sum  hash.Hash

	buf        []byte
	start, end int // what is read and not yet passed
	failed     error
	number     uint64 // of the line at start, from 1
}

func newLines(from io.Reader) *lines {
	return &lines{from: from, sum: sha256.New(), buf: make([]byte, 256<<10), number: 1}
}

// head returns the first bytes without passing them.
func (l *lines) head() ([]byte, error) {
	for l.end < 512 && l.failed == nil {
		l.fill()
	}
	if l.failed != nil && l.failed != io.EOF {
		return nil, l.failed
	}
	return l.buf[l.start:l.end], nil
}

// line makes sure that the line which begins offset bytes behind the start is in the buffer to its end, and
// returns the offset behind that. It fails with io.EOF when there is no such line and
// with errTooLong when it ends too far from the start.
func (l *lines) line(offset int) (end int, err error) {
	for from := offset; ; {
		if i := bytes.IndexByte(l.buf[l.start+from:l.end], '\n'); i >= 0 {
			if from+i >= maxRecordBytes {
				return 0, errTooLong
			}
			return from + i + 1, nil
		}
		from = l.end - l.start
		if from > maxRecordBytes {
			return 0, errTooLong
		}
		if l.failed != nil {
			if l.failed != io.EOF || from == offset {
				return 0, l.failed
			}
			return from, nil
		}
		l.fill()
	}
}

// fill reads more, making room first.
func (l *lines) fill() {
	if l.end == len(l.buf) {
		if l.start > 0 {
			l.end = copy(l.buf, l.buf[l.start:l.end])
			l.start = 0
		} else {
			l.buf = append(l.buf, make([]byte, len(l.buf))...)
		}
	}
	n, err := l.from.Read(l.buf[l.end:])
	l.sum.Write(l.buf[l.end : l.end+n])
	l.end += n
	l.failed = err
}

// bytes returns what is in the buffer from the start on. It is valid until the next call of line.
func (l *lines) bytes() []byte { return l.buf[l.start:l.end] }

// pass goes on behind the first n bytes, which hold so many line ends.
func (l *lines) pass(n int, ends uint64) {
	l.start += n
	l.number += ends
}

// errNoLines says that a line does not end within maxLineBytes.
var errNoLines = fmt.Errorf("no line ends within %d MiB: this is not a file of lines", maxLineBytes>>20)

// passLine goes on behind the end of a line that is too long to be kept, and returns its beginning.
func (l *lines) passLine() (head []byte, err error) {
	head = append(head, l.bytes()[:1024]...)
	for passed := 0; ; {
		if i := bytes.IndexByte(l.buf[l.start:l.end], '\n'); i >= 0 {
			l.pass(i+1, 1)
			return head, nil
		}
		if passed += l.end - l.start; passed > maxLineBytes {
			return nil, fmt.Errorf("line %d: %w", l.number, errNoLines)
		}
		l.start, l.end = 0, 0
		if l.failed != nil {
			if l.failed == io.EOF {
				return head, nil
			}
			return nil, l.failed
		}
		l.fill()
	}
}

// hash returns the SHA-256 of all that was read. It is that of the whole text once line has
// answered io.EOF.
func (l *lines) hash() [sha256.Size]byte { return [sha256.Size]byte(l.sum.Sum(nil)) }

// withoutEnd cuts the end off a line: a line feed, with a carriage return before it or not. At the end
// of the text a carriage return alone is an end too.
func withoutEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}
