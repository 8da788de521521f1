package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxFileColumns bounds the columns of a CSV file and the keys of a file of JSON lines.
const maxFileColumns = 4096

// csvReader reads RFC 4180 with a header. It accepts what encoding/csv accepts, with the same
// cells, but that line ends within quotes are kept as they are.
type csvReader struct {
	in      *lines
	name    string
	header  []string
	cells   []cell
	beyond  int // cells of the record beyond maxFileColumns + 1, which are only counted
	fields  []span
	scratch []byte // text of the fields that hold doubled quotes
	rec     record
}

// span is a field: a range of the record, or of the scratch.
type span struct {
	from, to int
	scratch  bool
}

// newCSVReader reads the header.
func newCSVReader(in *lines, name string) (*csvReader, error) {
	r := &csvReader{in: in, name: name}
	head, err := in.head()
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("\uFEFF")) {
		in.pass(len("\uFEFF"), 0)
	}
	if _, err := in.line(0); errors.Is(err, errTooLong) {
		return nil, usage("", "%s: the header, line 1, is longer than %d bytes: a CSV file begins with a line of column names", name, maxRecordBytes)
	}
	rec, err := r.read()
	switch {
	case err == io.EOF:
		return nil, usage("", "%s is empty: a CSV file begins with a line of column names", name)
	case err != nil:
		return nil, err
	case rec.fault != nil:
		return nil, usage("", "%s, line %d, the header: %s", name, rec.line, rec.fault.message)
	}
	if len(rec.cells) > maxFileColumns {
		return nil, usage("", "%s has %d columns, at most %d are taken", name, len(rec.cells)+r.beyond, maxFileColumns)
	}
	seen := map[string]int{}
	for i, c := range rec.cells {
		column := string(c.text)
		if column == "" {
			return nil, usage("", "%s: column %d has no name in the header", name, i+1)
		}
		if bytes.IndexByte(c.text, '\r') >= 0 {
			return nil, usage("", "%s: the header holds a carriage return alone; end lines with a line feed", name)
		}
		if other, twice := seen[column]; twice {
			return nil, usage("", "%s: columns %d and %d are both named %q", name, other+1, i+1, column)
		}
		seen[column] = i
		r.header = append(r.header, column)
	}
	if len(r.header) == 1 {
		for _, separator := range []string{";", "\t"} {
			if bytes.Contains([]byte(r.header[0]), []byte(separator)) {
				return nil, usage("", "%s: the header has no comma but %q: columns are separated by commas", name, separator)
			}
		}
	}
	return r, nil
}

func (r *csvReader) columns() []string { return r.header }

// next returns the next row or io.EOF. Other errors concern the file as a whole.
func (r *csvReader) next() (*record, error) {
	rec, err := r.read()
	if err == nil && rec.fault == nil && len(rec.cells) != len(r.header) {
		rec.fault = &fault{"", "FIELD_COUNT", fmt.Sprintf("the row has %d cells, the header %d", len(rec.cells)+r.beyond, len(r.header))}
	}
	return rec, err
}

// read returns the next record, of any number of cells. Blank lines are no records.
func (r *csvReader) read() (*record, error) {
	for {
		end, err := r.in.line(0)
		if errors.Is(err, errTooLong) {
			r.rec = record{line: r.in.number, fault: &fault{"", "RECORD_TOO_LONG", fmt.Sprintf("the line is longer than %d bytes", maxRecordBytes)}}
			r.rec.raw, err = r.in.passLine()
			return &r.rec, err
		}
		if err != nil {
			return nil, err
		}
		text := r.in.bytes()[:end]
		stop := len(withoutEnd(text))
		if stop == 0 {
			r.in.pass(end, 1)
			continue
		}
		r.rec = record{line: r.in.number}
		r.cells, r.beyond = r.cells[:0], 0
		if bytes.IndexByte(text[:stop], '"') < 0 {
			r.splitPlain(text[:stop])
			r.in.pass(end, 1)
			r.rec.raw = text[:stop]
		} else if err := r.readQuoted(end); err != nil {
			return nil, err
		}
		if r.rec.fault == nil {
			r.rec.fault = checkText(r.rec.raw)
		}
		r.rec.cells = r.cells
		return &r.rec, nil
	}
}

// checkText finds the bytes that no record may hold.
func checkText(raw []byte) *fault {
	if bytes.IndexByte(raw, 0) >= 0 {
		return &fault{"", "NUL_BYTE", "the row holds a NUL byte"}
	}
	if !utf8.Valid(raw) {
		return &fault{"", "NOT_UTF8", "the row is not UTF-8"}
	}
	return nil
}

func (r *csvReader) add(text []byte) {
	if len(r.cells) > maxFileColumns {
		r.beyond++
		return
	}
	kind := cellText
	if len(text) == 0 {
		kind = cellAbsent
	}
	r.cells = append(r.cells, cell{kind, text})
}

func (r *csvReader) splitPlain(text []byte) {
	for {
		i := bytes.IndexByte(text, ',')
		if i < 0 {
			r.add(text)
			return
		}
		r.add(text[:i])
		text = text[i+1:]
	}
}

// readQuoted reads a record whose first line, up to end, holds a quote. A misplaced quote
// ends the record with the line that it is on.
func (r *csvReader) readQuoted(end int) error {
	r.fields, r.scratch = r.fields[:0], r.scratch[:0]
	ends := uint64(1)
	text := r.in.bytes()
	stop := len(withoutEnd(text[:end]))
	at := 0
	for {
		if at == stop || text[at] != '"' {
			i := bytes.IndexByte(text[at:stop], ',')
			to := at + i
			if i < 0 {
				to = stop
			}
			if bytes.IndexByte(text[at:to], '"') >= 0 {
				r.rec.fault = &fault{"", "QUOTE", "a quote stands in a cell that does not begin with one"}
				break
			}
			r.fields = append(r.fields, span{from: at, to: to})
			if i < 0 {
				break
			}
			at = to + 1
			continue
		}
		at++
		opened := r.in.number + ends - 1
		from, kept := at, len(r.scratch)
		closed := false
		for !closed {
			i := bytes.IndexByte(text[at:end], '"')
			if i < 0 {
				next, err := r.in.line(end)
				switch {
				case errors.Is(err, errTooLong):
					return usage("", "%s: the quote that opens in line %d is not closed within %d bytes", r.name, opened, maxRecordBytes)
				case err == io.EOF:
					return usage("", "%s: the quote that opens in line %d is never closed", r.name, opened)
				case err != nil:
					return err
				}
				text, at, end, ends = r.in.bytes(), end, next, ends+1
				stop = at + len(withoutEnd(text[at:end]))
				continue
			}
			at += i + 1
			if at < end && text[at] == '"' {
				r.scratch = append(r.scratch, text[from:at]...)
				at++
				from = at
				continue
			}
			closed = true
		}
		field := span{from: from, to: at - 1}
		if len(r.scratch) > kept {
			r.scratch = append(r.scratch, text[from:at-1]...)
			field = span{from: kept, to: len(r.scratch), scratch: true}
		}
		r.fields = append(r.fields, field)
		if at >= stop {
			break
		}
		if text[at] != ',' {
			r.rec.fault = &fault{"", "QUOTE", "a quote within a cell is not doubled"}
			break
		}
		at++
	}
	for _, f := range r.fields {
		if f.scratch {
			r.add(r.scratch[f.from:f.to])
		} else {
			r.add(text[f.from:f.to])
		}
	}
	r.rec.raw = text[:stop]
	r.in.pass(end, ends)
	return nil
}

// splitCSV returns the cells of a record as a csvReader gave it, and whether they
// could be told.
func splitCSV(raw []byte) ([]string, bool) {
	r := &csvReader{in: &lines{buf: raw, end: len(raw), failed: io.EOF}}
	rec, err := r.read()
	if err != nil || rec.fault != nil && rec.fault.reason != "NUL_BYTE" && rec.fault.reason != "NOT_UTF8" {
		return nil, false
	}
	cells := make([]string, len(rec.cells))
	for i, c := range rec.cells {
		cells[i] = string(c.text)
	}
	return cells, true
}
