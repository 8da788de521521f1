package load

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxRejectedTextBytes bounds what the rejects file shows of a record that is not shown by cells.
const maxRejectedTextBytes = 64 << 10

// rejectsFile writes rejected rows to a CSV file, which it makes with the first one.
type rejectsFile struct {
	path    string // empty to write none
	resumed bool   // whether to go on with the file of the run before
	columns []string
	places  map[string]int

	file *os.File
	out  *bufio.Writer
	csv  *csv.Writer
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

func (w *rejectsFile) open() error {
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if w.resumed {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	f, err := os.OpenFile(w.path, flags, 0o644)
	if err != nil {
		return fmt.Errorf("the file for rejected rows: %w", err)
	}
	w.file, w.out = f, bufio.NewWriterSize(f, 64<<10)
	w.csv = csv.NewWriter(w.out)
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		return nil
	}
	return w.csv.Write(w.header())
}

// write writes the rejected rows of a batch, by row, and brings them to the file.
func (w *rejectsFile) write(path string, names []string, rejects []reject) error {
	if w.path == "" || len(rejects) == 0 {
		return nil
	}
	if w.file == nil {
		if err := w.open(); err != nil {
			return err
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

// close closes the file and says whether there was one.
func (w *rejectsFile) close() (written bool, err error) {
	if w.file == nil {
		return false, nil
	}
	return true, w.failed(w.file.Close())
}
