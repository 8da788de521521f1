package segments

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"whowhen.dev/whowhen/segments/internal/store"
)

var (
	segmentFile  = regexp.MustCompile(`^[0-9]{20}\.log$`)
	snapshotFile = regexp.MustCompile(`^[0-9]{20}\.snapshot$`)
)

// names notes what lies in the app's directory and is not part of an app, or is left over.
func (v *verification) names() error {
	ours := []string{metaFile, "log", "index", "snapshots", "models", cleanMark, damageMark}
	err := v.foreign(".", func(name string) string {
		whole, _, temporary := strings.Cut(name, ".tmp")
		switch {
		case slices.Contains(ours, name):
			return ""
		case name == "index.destroyed":
			return "is what is left of an old index; the next start removes it"
		case temporary && slices.Contains(ours, whole):
			return leftOver
		}
		return notOurs
	})
	if err != nil {
		return err
	}
	err = v.foreign("log", func(name string) string {
		if strings.HasSuffix(name, ".log") {
			return "" // the log itself looks at these
		}
		return notOurs
	})
	if err != nil {
		return err
	}
	err = v.foreign("snapshots", func(name string) string {
		switch {
		case snapshotFile.MatchString(name):
			return ""
		case strings.HasSuffix(name, ".tmp"):
			return "is an unfinished snapshot; the next one removes it"
		}
		return notOurs
	})
	if err != nil {
		return err
	}
	foreign, err := store.Foreign(filepath.Join(v.dir, "index"))
	for _, name := range foreign {
		v.note("%s %s, and move it away: with it there the index cannot be built again, should that be needed", filepath.Join(v.dir, "index", name), notOurs)
	}
	return err
}

const (
	notOurs  = "is none of whowhen's files"
	leftOver = "is left over from a write that was cut off; delete it"
)

// foreign notes the names in a directory of which judge says something.
func (v *verification) foreign(dir string, judge func(name string) string) error {
	entries, err := os.ReadDir(filepath.Join(v.dir, dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if what := judge(e.Name()); what != "" {
			v.note("%s %s", filepath.Join(v.dir, dir, e.Name()), what)
		}
	}
	return nil
}

// foreignSegments returns the path of a file that the log takes for one of its own and cannot read, or nothing.
func foreignSegments(dir string) string {
	entries, _ := os.ReadDir(dir) // opening the log says what is wrong
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".log") && (!segmentFile.MatchString(e.Name()) || !e.Type().IsRegular()) {
			return filepath.Join(dir, e.Name())
		}
	}
	return ""
}
