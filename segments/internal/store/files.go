package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// prepare makes dir fit for Badger to open, under the lock that Badger will then take itself: it
// removes what a kill left and Badger stumbles over, and checks the tables. It reports whether
// there are write-ahead files to replay.
func prepare(dir string, allBlocks bool, checking func(done, all int64) error) (unreplayed bool, err error) {
	unlock, err := lockDir(dir)
	if err != nil {
		return false, err
	}
	defer unlock()
	if err := sweep(dir); err != nil {
		return false, fmt.Errorf("open index: %w", err)
	}
	if err := checkTables(dir, allBlocks, checking); err != nil {
		return false, err
	}
	if err := makeStatistics(dir); err != nil {
		return false, fmt.Errorf("open index: %w", err)
	}
	left, err := filesWith(dir, ".mem")
	return len(left) > 0, err
}

// makeStatistics makes the file of the value log's statistics, empty and of the size it has: when Badger itself
// cannot, it ends the process.
func makeStatistics(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, statisticsFile), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(1<<20), f.Close())
}

// statisticsFile is how Badger names it.
const statisticsFile = "DISCARD"

// sweep removes the empty .mem and .vlog files that a kill between creating and sizing them leaves,
// and because of which Badger refuses to open. It removes the value log's statistics as well:
// no value is there, and Badger ends the process when the file is damaged.
func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		drop := e.Name() == statisticsFile
		if ext := filepath.Ext(e.Name()); ext == ".mem" || ext == ".vlog" {
			info, err := e.Info()
			if err != nil {
				return err
			}
			drop = info.Size() == 0
		}
		if drop {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Destroy removes the index in dir so that it can be built again; a directory that is not there is
// fine. It returns a *LockedError when dir is in use. Only files that are Badger's are
// removed: another file in dir makes it fail before anything is touched. A crash leaves either
// the index or none, and the next Open or Destroy removes the rest.
func Destroy(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("destroy index: %w", err)
	}
	if err := removeFiles(doomed(dir)); err != nil {
		return fmt.Errorf("destroy index: %w", err)
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := onlyBadgers(dir); err != nil {
		return fmt.Errorf("destroy index: %w", err)
	}
	// A half-removed index must not be taken for a whole one, so it loses its name first.
	if err := os.Rename(dir, doomed(dir)); err != nil {
		return fmt.Errorf("destroy index: %w", err)
	}
	if err := removeFiles(doomed(dir)); err != nil {
		return fmt.Errorf("destroy index: %w", err)
	}
	return nil
}

// doomed is the name under which an index is removed.
func doomed(dir string) string { return dir + ".destroyed" }

func onlyBadgers(dir string) error {
	foreign, err := Foreign(dir)
	if err == nil && len(foreign) > 0 {
		return fmt.Errorf("%s is not part of an index; move it away", filepath.Join(dir, foreign[0]))
	}
	return err
}

// Foreign returns the names in an index directory that are not Badger's, and because of which Destroy fails. A directory
// that is not there has none.
func Foreign(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := []string{"MANIFEST", "MANIFEST-REWRITE", "KEYREGISTRY", "REWRITE-KEYREGISTRY", "DISCARD", "LOCK"}
	var foreign []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		known := ext == ".sst" || ext == ".mem" || ext == ".vlog" || slices.Contains(names, e.Name())
		if !known || !e.Type().IsRegular() {
			foreign = append(foreign, e.Name())
		}
	}
	return foreign, nil
}

func removeFiles(dir string) error {
	if err := onlyBadgers(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

func diskBytes(dir string) int64 {
	var total int64
	entries, _ := os.ReadDir(dir) // An unreadable directory counts as nothing: this is for display.
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			total += allocatedBytes(info)
		}
	}
	return total
}

func filesWith(dir, ext string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	var names []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ext {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
