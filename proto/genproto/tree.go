package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// compare returns an error that names every file in dir that is missing, stale or left over.
func compare(dir string, files map[string]string) error {
	present, err := tree(dir)
	if err != nil {
		return err
	}
	var wrong []string
	for name, content := range files {
		switch old, ok := present[name]; {
		case !ok:
			wrong = append(wrong, name+" (missing)")
		case old != content:
			wrong = append(wrong, name+" (stale)")
		}
	}
	for name := range present {
		if _, ok := files[name]; !ok {
			wrong = append(wrong, name+" (left over)")
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return fmt.Errorf("proto/gen differs from the .proto files: %s; run `go generate ./proto` and commit the result", strings.Join(wrong, ", "))
}

// write makes dir hold exactly the files. Files that are right already keep their times.
func write(dir string, files map[string]string) error {
	present, err := tree(dir)
	if err != nil {
		return err
	}
	for name := range present {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
	}
	for name, content := range files {
		if old, ok := present[name]; ok && old == content {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// tree returns the files below dir by slash-separated path; none when dir is not there.
func tree(dir string) (map[string]string, error) {
	files := map[string]string{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		files[name] = string(content)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	return files, err
}
