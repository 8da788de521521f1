package registry

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Rules are artifacts that nobody trained and nobody makes active: what is reckoned by while no version of a model is. They lie beside
// the models, under the identity of what they say.
const rulePrefix, ruleSuffix = "rule-", ".json"

func (r Registry) rulePath(identity string) string {
	return filepath.Join(r.dir, rulePrefix+identity+ruleSuffix)
}

// SaveRule keeps a rule under its identity, which is made of letters and digits. It is there whole or not at all.
func (r Registry) SaveRule(identity string, artifact []byte) error {
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	return replace(r.rulePath(identity), artifact)
}

// Rule returns what SaveRule kept, nil when there is nothing.
func (r Registry) Rule(identity string) ([]byte, error) {
	data, err := os.ReadFile(r.rulePath(identity))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// Rules returns the identities of all rules.
func (r Registry) Rules() (identities []string, err error) {
	entries, err := os.ReadDir(r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		identity, whole := strings.CutSuffix(e.Name(), ruleSuffix)
		identity, isRule := strings.CutPrefix(identity, rulePrefix)
		if whole && isRule && e.Type().IsRegular() {
			identities = append(identities, identity)
		}
	}
	return identities, err
}

// DropRules removes all rules but one, and what writing them may have left.
func (r Registry) DropRules(but string) error {
	entries, err := os.ReadDir(r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		identity, isRule := strings.CutPrefix(strings.TrimSuffix(e.Name(), ruleSuffix), rulePrefix)
		if isRule && e.Type().IsRegular() && identity != but {
			err = errors.Join(err, os.Remove(filepath.Join(r.dir, e.Name())))
		}
	}
	return err
}

// replace writes a file in place of the one that may be there, in one step.
func replace(path string, data []byte) error {
	dir, name := filepath.Split(path)
	aside, err := os.CreateTemp(dir, strings.TrimSuffix(name, filepath.Ext(name))+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name())
	_, err = aside.Write(data)
	if err == nil {
		err = aside.Sync()
	}
	if err := errors.Join(err, aside.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}
