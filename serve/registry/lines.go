package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"whowhen.dev/whowhen/segments"
)

// maxLinesBytes bounds what is read of a file of lines: some hundred thousand.
const maxLinesBytes = 64 << 20

// readLines reads a file with a JSON object in each line, nil when it is not there. A last line without an end was being written when the
// process or the machine died, and nobody was told of it: it does not count. A line that is not known is an error, with the remedy.
func readLines[T any](path, remedy string, known func(T) bool) ([]T, error) {
	damaged := func(err error) error {
		return &segments.Error{Reason: ModelDamaged, Message: path + " cannot be read; " + remedy, Err: err}
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxLinesBytes {
		return nil, damaged(fmt.Errorf("%d bytes, more than %d", info.Size(), maxLinesBytes))
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, damaged(err)
	}
	var all []T
	for number := 1; ; number++ {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		if !ended {
			return all, nil
		}
		data = rest
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var one T
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&one); err != nil {
			return nil, damaged(fmt.Errorf("line %d is none that was written: %w", number, err))
		}
		if !known(one) {
			return nil, damaged(fmt.Errorf("line %d is none that was written", number))
		}
		all = append(all, one)
	}
}

// appendLine adds a line to a file in a directory, first cutting off one that a crash has left unfinished. It is on disk when this returns.
func appendLine(dir, file string, one any) error {
	line, err := json.Marshal(one)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, file)
	if err := cutUnfinished(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), syncDir(dir))
}

// cutUnfinished cuts off what comes after the last whole line.
func cutUnfinished(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) {
		return os.Truncate(path, int64(whole))
	}
	return nil
}
