package calendar

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxFileBytes bounds a calendar file.
const MaxFileBytes = 8 << 20

// FileError is a fault in a calendar file.
type FileError struct {
	Calendar string
	Line     int // from 1; 0 when it is about the whole file
	Err      error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("calendar %s: %v", e.Calendar, e.Err)
	}
	return fmt.Sprintf("calendar %s: line %d: %v", e.Calendar, e.Line, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// columns are those a CSV calendar may have.
var columns = []string{"date", "last", "country", "kind", "name", "estimated"}

// ReadCSV reads a calendar from CSV with a header. The columns, in any order, are
//
//	date       the day, as in 2026-03-01; it alone is required
//	last       the last day, of successive ones; otherwise it is the day alone
//	country    a country as in GB, or a subdivision as in GB-SCT; empty is everywhere
//	kind       holiday (when empty), working (a make-up working day), season, or none (takes back what everyone's rows say)
//	name       the name of the day
//	estimated  true when the day may yet be announced otherwise
//
// Lines that begin with # are comments. A fault is a *FileError.
func ReadCSV(name string, from io.Reader) (*Calendar, error) {
	fault := func(line int, err error) (*Calendar, error) { return nil, &FileError{name, line, err} }
	text, err := readAll(from)
	if err != nil {
		return fault(0, err)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment = '#'
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return fault(0, errors.New("the file is empty; its first line names its columns, as in date,country,name"))
	}
	if err != nil {
		return fault(csvFault(err))
	}
	header = slices.Clone(header)
	for i, column := range header {
		header[i] = strings.ToLower(strings.TrimSpace(column))
		line, _ := r.FieldPos(i)
		if !slices.Contains(columns, header[i]) {
			return fault(line, fmt.Errorf("there is no column %.40q; the columns are %s", column, strings.Join(columns, ", ")))
		}
		if slices.Contains(header[:i], header[i]) {
			return fault(line, fmt.Errorf("the column %s is named twice", header[i]))
		}
	}
	if !slices.Contains(header, "date") {
		return fault(1, errors.New("there is no column date"))
	}
	var rows []Row
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fault(csvFault(err))
		}
		line, _ := r.FieldPos(0)
		if len(rows) == maxRows {
			return fault(line, fmt.Errorf("a calendar has at most %d rows", maxRows))
		}
		row, err := csvRow(header, record)
		if err == nil {
			err = row.check()
		}
		if err != nil {
			return fault(line, err)
		}
		rows = append(rows, row)
	}
	c, err := New(name, rows)
	if err != nil {
		return fault(0, err)
	}
	return c, nil
}

// csvFault returns the line and what is wrong there, without the position that the csv package writes into the text.
func csvFault(err error) (int, error) {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return at.Line, at.Err
	}
	return 0, err
}

func csvRow(header, record []string) (Row, error) {
	row := Row{Kind: Holiday}
	last := ""
	for i, cell := range record {
		cell = strings.TrimSpace(cell)
		var err error
		switch header[i] {
		case "date":
			row.First, err = ParseDate(cell)
		case "last":
			last = cell
		case "country":
			row.Place = strings.Clone(cell)
		case "kind":
			if cell != "" {
				row.Kind, err = parseKind(cell)
			}
		case "name":
			row.Name = strings.Clone(cell)
		case "estimated":
			switch strings.ToLower(cell) {
			case "true":
				row.Estimated = true
			case "", "false":
			default:
				err = fmt.Errorf("%.40q is neither true nor false", cell)
			}
		}
		if err != nil {
			return Row{}, fmt.Errorf("%s: %w", header[i], err)
		}
	}
	row.Last = row.First
	if last != "" {
		var err error
		if row.Last, err = ParseDate(last); err != nil {
			return Row{}, fmt.Errorf("last: %w", err)
		}
	}
	return row, nil
}

// readAll reads a file of at most MaxFileBytes in UTF-8, without its byte order mark.
func readAll(from io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, MaxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxFileBytes {
		return nil, fmt.Errorf("the file is larger than %d MiB", MaxFileBytes>>20)
	}
	if !utf8.Valid(text) {
		return nil, errors.New("the file is not UTF-8")
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), nil
}
