package log

import (
	"fmt"
	"os"
	"path/filepath"
)

// files is every operation by which a log changes a disk, so that tests can
// make any one of them fail.
type files struct {
	mkdir    func(name string) error
	create   func(name string) (*os.File, error) // fails if name exists
	writeAt  func(f *os.File, b []byte, offset int64) error
	truncate func(f *os.File, bytes int64) error
	sync     func(f *os.File) error
	syncDir  func(dir *os.File) error
	remove   func(name string) error
}

// Logs hold personal data: nobody but the owner reads them.
const (
	dirPerm  = 0o700
	filePerm = 0o600
)

func osFiles() files {
	return files{
		mkdir: func(name string) error { return os.Mkdir(name, dirPerm) },
		create: func(name string) (*os.File, error) {
			return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, filePerm)
		},
		writeAt: func(f *os.File, b []byte, offset int64) error {
			_, err := f.WriteAt(b, offset)
			return err
		},
		truncate: (*os.File).Truncate,
		sync:     (*os.File).Sync,
		syncDir:  syncDir,
		remove:   os.Remove,
	}
}

// makeDir makes dir and its missing parents, each durable in its own parent.
func (fs files) makeDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		return nil
	}
	if !os.IsNotExist(err) {
		return err
	}
	if err := fs.makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := fs.mkdir(dir); err != nil && !os.IsExist(err) {
		return err
	}
	return fs.syncParent(dir)
}

func (fs files) syncParent(dir string) error {
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	defer parent.Close()
	return fs.syncDir(parent)
}
