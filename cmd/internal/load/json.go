package load

import (
	"bytes"
	"errors"
	"fmt"

	"whowhen.dev/whowhen/segments/batch"
)

// jsonReader reads JSON lines: flat objects, whose keys are the columns.
type jsonReader struct {
	in      *lines
	name    string
	only    map[string]bool // the keys to read; nil for all
	keys    []string
	places  map[string]int // of keys
	cells   []cell
	seen    []uint64 // by place: the last row that had the key
	row     uint64   // counts the rows, for seen
	touched []int    // places that the row at hand has
	scratch []byte
	rec     record
}

// newJSONReader is told the keys that an earlier pass has found, so that they keep their places.
func newJSONReader(in *lines, name string, keys []string, only map[string]bool) (*jsonReader, error) {
	head, err := in.head()
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("\uFEFF")) {
		in.pass(len("\uFEFF"), 0)
	}
	r := &jsonReader{in: in, name: name, only: only, places: map[string]int{}}
	for _, key := range keys {
		r.addKey(key)
	}
	return r, nil
}

// columns returns the keys met so far.
func (r *jsonReader) columns() []string { return r.keys }

// next returns the next object or io.EOF. Other errors concern the file as a whole. Blank lines are no rows.
func (r *jsonReader) next() (*record, error) {
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
		text := withoutEnd(r.in.bytes()[:end])
		r.rec = record{line: r.in.number, raw: text}
		r.in.pass(end, 1)
		if len(bytes.TrimLeft(text, " \t\r")) == 0 {
			continue
		}
		for _, place := range r.touched {
			r.cells[place] = cell{}
		}
		r.touched, r.scratch, r.row = r.touched[:0], r.scratch[:0], r.row+1
		if r.rec.fault = checkText(text); r.rec.fault == nil {
			s := jsonScanner{text: text, scratch: r.scratch}
			r.rec.fault = s.object(r.put)
			r.scratch = s.scratch
		}
		if len(r.keys) > maxFileColumns {
			return nil, usage("", "%s, line %d: the objects have more than %d different keys; name the ones to take with --map and --only", r.name, r.rec.line, maxFileColumns)
		}
		r.rec.cells = r.cells
		return &r.rec, nil
	}
}

func (r *jsonReader) addKey(key string) (place int) {
	place = len(r.keys)
	r.keys = append(r.keys, key)
	r.places[key] = place
	r.cells, r.seen = append(r.cells, cell{}), append(r.seen, 0)
	return place
}

// put notes the value of a key of the row at hand.
func (r *jsonReader) put(key []byte, c cell) *fault {
	place := -1
	if n := len(r.touched); n < len(r.keys) && r.keys[n] == string(key) {
		place = n // most rows have the same keys in the same order
	} else if known, ok := r.places[string(key)]; ok {
		place = known
	}
	if place < 0 {
		if len(key) == 0 {
			return &fault{"", "KEY_EMPTY", "a key of the object is empty"}
		}
		if r.only != nil && !r.only[string(key)] {
			return nil
		}
		if len(key) > batch.MaxNameBytes {
			return &fault{"", "KEY_TOO_LONG", fmt.Sprintf("the key %q has %d bytes, at most %d are taken", clip(key), len(key), batch.MaxNameBytes)}
		}
		place = r.addKey(string(key))
	}
	if r.seen[place] == r.row {
		return &fault{string(key), "KEY_TWICE", fmt.Sprintf("the key %q stands twice in the object", clip(key))}
	}
	r.seen[place] = r.row
	r.touched = append(r.touched, place)
	r.cells[place] = c
	return nil
}
