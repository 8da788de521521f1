package plan

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"whowhen.dev/whowhen/serve/plan/calendar"
)

//go:embed default.toml
var defaultPolicies []byte

// DefaultPolicy names the policy for messages that name none: no sending by night, and holidays have the rhythm of weekends. It and the policies
// "ramadan" and "none" are brought along.
const DefaultPolicy = "default"

// maxLibraryFiles bounds the files of a library.
const maxLibraryFiles = 500

// Library holds the policies and calendars of a folder, beside those that are brought along. It may be used by any number of goroutines; who
// has a Policy keeps it as it was when the folder is read again.
type Library struct {
	folder  fs.FS
	current atomic.Pointer[shelf]
}

type shelf struct {
	policies  map[string]*Policy
	calendars map[string]*calendar.Calendar
}

// OpenLibrary reads a folder, which may be nil or missing for nothing but what is brought along. Its files are
//
//	NAME.csv         a calendar
//	NAME.ics         a calendar of everywhere
//	NAME.PLACE.ics   a calendar of a country as in GB, or a subdivision as in GB-SCT
//	*.toml           policies
//
// Others are not looked at. A calendar or policy replaces the one of the same name that is brought along. A fault is a *PolicyError, a
// *calendar.FileError or one of reading.
func OpenLibrary(folder fs.FS) (*Library, error) {
	l := &Library{folder: folder}
	if err := l.Reload(); err != nil {
		return nil, err
	}
	return l, nil
}

// Reload reads the folder again. All of it takes effect in one step, or, when there is a fault anywhere, nothing does.
func (l *Library) Reload() error {
	s, err := read(l.folder)
	if err != nil {
		return err
	}
	l.current.Store(s)
	return nil
}

// Policy returns a policy by name. An unknown one is an error that names those there are.
func (l *Library) Policy(name string) (*Policy, error) {
	policies := l.current.Load().policies
	if p := policies[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("there is no policy %.64q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(policies)), ", "))
}

// Policies returns all policies, by name.
func (l *Library) Policies() []*Policy { return sorted(l.current.Load().policies) }

// Calendars returns all calendars, by name.
func (l *Library) Calendars() []*calendar.Calendar { return sorted(l.current.Load().calendars) }

func sorted[V any](m map[string]V) []V {
	all := make([]V, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[name])
	}
	return all
}

func read(folder fs.FS) (*shelf, error) {
	s := &shelf{calendars: map[string]*calendar.Calendar{}}
	embedded, err := calendar.Embedded()
	if err != nil {
		return nil, err
	}
	for _, c := range embedded {
		s.calendars[c.Name()] = c
	}
	files, err := list(folder)
	if err != nil {
		return nil, err
	}
	if err := s.readCalendars(folder, files); err != nil {
		return nil, err
	}
	// Last, because the policies that are brought along name calendars that the folder may replace.
	if s.policies, err = ParsePolicies("default.toml", defaultPolicies, s.calendars); err != nil {
		return nil, err
	}
	return s, s.readPolicies(folder, files)
}

// list returns the names of the files in the folder.
func list(folder fs.FS) ([]string, error) {
	if folder == nil {
		return nil, nil
	}
	entries, err := fs.ReadDir(folder, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		switch ext := path.Ext(e.Name()); {
		case e.IsDir() || strings.HasPrefix(e.Name(), "."):
		case ext == ".csv" || ext == ".ics" || ext == ".toml":
			// Reading a pipe or a device might never end.
			if info, err := fs.Stat(folder, e.Name()); err != nil || !info.Mode().IsRegular() {
				return nil, fmt.Errorf("%s is no file that can be read: %w", e.Name(), cmp.Or(err, fs.ErrInvalid))
			}
			files = append(files, e.Name())
		}
	}
	if len(files) > maxLibraryFiles {
		return nil, fmt.Errorf("there are %d policy and calendar files, and the most is %d", len(files), maxLibraryFiles)
	}
	return files, nil
}

func (s *shelf) readCalendars(folder fs.FS, files []string) error {
	from := map[string]string{}
	for _, file := range files {
		ext := path.Ext(file)
		if ext == ".toml" {
			continue
		}
		name, place := strings.TrimSuffix(file, ext), ""
		if ext == ".ics" {
			name, place, _ = strings.Cut(name, ".")
		}
		if err := checkName(name); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if other := from[name]; other != "" {
			return fmt.Errorf("%s and %s are both the calendar %s", other, file, name)
		}
		from[name] = file
		c, err := readCalendar(folder, file, name, place)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		s.calendars[name] = c
	}
	return nil
}

func readCalendar(folder fs.FS, file, name, place string) (*calendar.Calendar, error) {
	f, err := folder.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if path.Ext(file) == ".csv" {
		return calendar.ReadCSV(name, f)
	}
	return calendar.ReadICal(name, place, f)
}

func (s *shelf) readPolicies(folder fs.FS, files []string) error {
	from := map[string]string{}
	for _, file := range files {
		if path.Ext(file) != ".toml" {
			continue
		}
		text, err := readText(folder, file)
		if err != nil {
			return err
		}
		policies, err := ParsePolicies(file, text, s.calendars)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(policies)) {
			if other := from[name]; other != "" {
				return fmt.Errorf("%s and %s both have a policy %s", other, file, name)
			}
			from[name] = file
			s.policies[name] = policies[name]
		}
	}
	return nil
}

// readText reads a little more than a policy file may have, so that a larger one is told as such.
func readText(folder fs.FS, file string) ([]byte, error) {
	f, err := folder.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxPolicyBytes+1))
}
