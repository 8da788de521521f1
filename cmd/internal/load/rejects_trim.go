package load

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// trim drops from the file of an earlier run the rows that this one will meet again, and
// what a write that was cut short has left at its end.
func (w *rejectsFile) trim(resume map[string]uint64) (err error) {
	old, err := os.Open(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return w.unusable(err)
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return err
	}
	path, err := filepath.EvalSymlinks(w.path) // the file is replaced, not a link to it
	if err != nil {
		return w.unusable(err)
	}
	kept, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return w.unusable(err)
	}
	defer func() {
		if err != nil {
			kept.Close()
			os.Remove(kept.Name())
		}
	}()
	if err := w.copyKept(kept, old, resume); err != nil {
		return err
	}
	if err := errors.Join(kept.Chmod(info.Mode().Perm()), kept.Close(), old.Close()); err != nil {
		return w.unusable(err)
	}
	if err := os.Rename(kept.Name(), path); err != nil {
		return w.unusable(err)
	}
	return nil
}

// copyKept copies the header and the rows to keep.
func (w *rejectsFile) copyKept(to io.Writer, from *os.File, resume map[string]uint64) error {
	header := w.header()
	in := csv.NewReader(bufio.NewReaderSize(from, 64<<10))
	in.FieldsPerRecord = -1
	out := bufio.NewWriterSize(to, 64<<10)
	for first, start := true, int64(0); ; first = false {
		record, err := in.Read()
		if err == nil && !endsLine(from, in.InputOffset()) || err == io.EOF {
			break
		}
		var cut *csv.ParseError
		switch {
		case errors.As(err, &cut) && !first:
		case err != nil && cut == nil:
			return w.unusable(err)
		case first && !slices.Equal(record, header):
			return w.unusable(fmt.Errorf("%s, to go on with, has other columns", w.path))
		case len(record) != len(header):
		default:
			row, err := strconv.ParseUint(record[1], 10, 64)
			if next, ours := resume[record[0]]; first || !ours || err == nil && row <= next {
				if _, err := io.Copy(out, io.NewSectionReader(from, start, in.InputOffset()-start)); err != nil {
					return w.unusable(err)
				}
			}
			start = in.InputOffset()
			continue
		}
		break // what follows a damaged row cannot be told apart
	}
	if err := out.Flush(); err != nil {
		return w.unusable(err)
	}
	return nil
}

// endsLine says whether a line ends right before an offset.
func endsLine(f *os.File, offset int64) bool {
	var last [1]byte
	_, err := f.ReadAt(last[:], offset-1)
	return err == nil && last[0] == '\n'
}
