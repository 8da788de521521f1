package registry

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const checkFile = "check.json"

// SaveCheck keeps what was found when a model was last watched, in place of what was found before.
func (r Registry) SaveCheck(name string, text []byte) error {
	if _, err := r.Versions(name); err != nil {
		return err
	}
	dir := filepath.Join(r.dir, name)
	aside, err := os.CreateTemp(dir, "check-*")
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name())
	_, err = aside.Write(text)
	if err == nil {
		err = aside.Sync()
	}
	if err := errors.Join(err, aside.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside.Name(), filepath.Join(dir, checkFile)); err != nil {
		return err
	}
	return syncDir(dir)
}

// Check returns what SaveCheck kept, nil when there is nothing.
func (r Registry) Check(name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(r.dir, name, checkFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
