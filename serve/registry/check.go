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
	return replace(filepath.Join(r.dir, name, checkFile), text)
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
