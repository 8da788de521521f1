package load

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxRejectedTextBytes bounds what the rejects file shows of a record that is not shown by cells.
const maxRejectedTextBytes = 64 << 10

// rejectsFile writes rejected rows to a CSV file. The file is opened before anything is sent, so
// that a path that cannot be written is noticed while nothing is lost.
type rejectsFile struct {
	path    string // empty to write none
	columns []string
	places  map[string]int

	file    *os.File
	out     *bufio.Writer
	csv     *csv.Writer
	written bool
}

// reject is one row to write.
type reject struct {
	kept                   keptRow
	record                 []byte
	field, reason, message string
}

// newRejectsFile is told the names of all columns of all CSV files.
func newRejectsFile(path string, columns []string) *rejectsFile {
	w := &rejectsFile{path: path, columns: columns, places: map[string]int{}}
	for i, name := range columns {
		w.places[name] = i
	}
	return w
}

// header names the loader's own columns so that they differ from the file's.
func (w *rejectsFile) header() []string {
	own := func(name string) string {
		for {
			if _, taken := w.places[name]; !taken {
				return name
			}
			name = "rejected_" + name
		}
	}
	header := []string{own("file"), own("row"), own("line"), own("field"), own("reason"), own("message")}
	return append(append(header, w.columns...), own("record"))
}

// open makes the file, or goes on with that of an interrupted run. Of that it keeps the rows before
// the one at which this run continues with their file; those behind will be written again.
func (w *rejectsFile) open(resume map[string]uint64, resumed bool) error {
	if w.path == "" {
		return nil
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if resumed {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
		if err := w.trim(resume); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(w.path, flags, 0o644)
	if err != nil {
		return w.unusable(err)
	}
	w.file, w.out = f, bufio.NewWriterSize(f, 64<<10)
	w.csv = csv.NewWriter(w.out)
	return nil
}

func (w *rejectsFile) unusable(err error) error {
	return &UsageError{Message: fmt.Sprintf("rejected rows cannot be written: %v; name another file with --rejects PATH", err), Err: err}
}

// write writes rejected rows of a batch, by row, and brings them to the file.
func (w *rejectsFile) write(path string, names []string, rejects []reject) error {
	if w.path == "" || len(rejects) == 0 {
		return nil
	}
	if !w.written {
		w.written = true
		if info, err := w.file.Stat(); err != nil || info.Size() == 0 {
			if err := w.csv.Write(w.header()); err != nil {
				return w.failed(err)
			}
		}
	}
	slices.SortStableFunc(rejects, func(a, b reject) int { return cmp.Compare(a.kept.row, b.kept.row) })
	for i := range rejects {
		if err := w.csv.Write(w.line(path, names, &rejects[i])); err != nil {
			return w.failed(err)
		}
	}
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return w.failed(err)
	}
	return w.failed(w.out.Flush())
}

func (w *rejectsFile) failed(err error) error {
	if err != nil {
		return fmt.Errorf("the file for rejected rows: %w", err)
	}
	return nil
}

// line lays the cells out under the columns of all files. A record whose cells cannot be told is shown whole.
func (w *rejectsFile) line(path string, names []string, r *reject) []string {
	const own = 6
	line := make([]string, own+len(w.columns)+1)
	line[0], line[1], line[2] = path, strconv.FormatUint(r.kept.row+1, 10), strconv.FormatUint(r.kept.line, 10)
	line[3], line[4], line[5] = r.field, r.reason, r.message
	cells, ok := []string(nil), false
	if names != nil {
		cells, ok = splitCSV(r.record)
	}
	if ok && len(cells) == len(names) {
		for i, c := range cells {
			line[own+w.places[names[i]]] = c
		}
	} else {
		line[len(line)-1] = string(r.record[:min(len(r.record), maxRejectedTextBytes)])
	}
	for i := range line {
		line[i] = strings.ReplaceAll(strings.ToValidUTF8(line[i], "\uFFFD"), "\x00", "\uFFFD")
	}
	return line
}

// close closes the file, removes it if it has remained empty, and says whether rows were written.
func (w *rejectsFile) close() (written bool, err error) {
	if w.file == nil {
		return false, nil
	}
	info, statErr := w.file.Stat()
	err = w.failed(w.file.Close())
	if statErr == nil && info.Mode().IsRegular() && info.Size() == 0 {
		err = errors.Join(err, w.failed(os.Remove(w.path)))
	}
	return w.written, err
}
