// Package registry keeps the models of an app as files, beside its log and index:
//
//	models/NAME/VERSION/artifact.json   what scores
//	models/NAME/VERSION/report.html     how it was judged, for people
//	models/NAME/VERSION/report.json     the same for programs
//	models/NAME/changes.jsonl           who made which version active, and when
//	models/NAME/scorings.jsonl          which version's scores of which day went into the store, and when
//	models/NAME/check.json              what was found when it was last watched
//	models/rule-IDENTITY.json           what is reckoned by while no version is active
//
// A version is there whole or not at all, and never changes; a change is there once the call that made it has returned. Several
// processes may use one directory at a time: training adds versions while a server scores.
package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
)

// Reasons of errors about models.
const (
	ModelUnknown   segments.Reason = "MODEL_UNKNOWN"         // no model of that name
	VersionUnknown segments.Reason = "MODEL_VERSION_UNKNOWN" // the model does not have that version
	ModelDamaged   segments.Reason = "MODEL_DAMAGED"         // a file of it is not what was written
	ModelNameWrong segments.Reason = "MODEL_NAME_INVALID"    // model names are 1 to 64 of a-z 0-9 - _
	NoneBefore     segments.Reason = "MODEL_NONE_BEFORE"     // no version was active before this one
)

// Files of a version.
const (
	ArtifactFile   = "artifact.json"
	ReportFile     = "report.html"
	ReportJSONFile = "report.json"
)

// Registry is the directory of an app's models, which need not be there. It holds nothing open, and is safe for concurrent use.
type Registry struct{ dir string }

// At returns the registry in a directory.
func At(dir string) Registry { return Registry{dir} }

// Version is one version of a model: a number from 1 on, in digits.
type Version = string

// Content is what Add writes: the artifact as models encodes it, and the reports.
type Content struct {
	Artifact, Report, ReportJSON []byte
}

// Names returns the names of all models, sorted.
func (r Registry) Names() ([]string, error) {
	entries, err := os.ReadDir(r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && checkName(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Versions returns the versions of a model, the oldest first. A model without any is unknown.
func (r Registry) Versions(name string) ([]Version, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	numbers, err := versionsIn(filepath.Join(r.dir, name))
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return nil, r.unknown(name)
	}
	versions := make([]Version, len(numbers))
	for i, n := range numbers {
		versions[i] = strconv.Itoa(n)
	}
	return versions, nil
}

// versionsIn returns the numbers of the versions in a model's directory, ascending.
func versionsIn(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && e.IsDir() && strconv.Itoa(n) == e.Name() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Add writes a new version of a model and returns it. make is told the version, which is part of the artifact; it is called
// again should another process take that version meanwhile.
func (r Registry) Add(name string, makeContent func(v Version) (Content, error)) (Version, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	dir := filepath.Join(r.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for {
		numbers, err := versionsIn(dir)
		if err != nil {
			return "", err
		}
		next := 1
		if len(numbers) > 0 {
			next = numbers[len(numbers)-1] + 1
		}
		version := strconv.Itoa(next)
		content, err := makeContent(version)
		if err != nil {
			return "", err
		}
		taken, err := r.write(dir, version, content)
		if err != nil {
			return "", fmt.Errorf("model %s: writing version %s: %w", name, version, err)
		}
		if !taken {
			return version, nil
		}
	}
}

// write writes a version aside and gives it its name, unless that is taken.
func (r Registry) write(dir string, version Version, c Content) (taken bool, err error) {
	aside, err := os.MkdirTemp(dir, "new-*")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(aside)
	if err := os.Chmod(aside, 0o755); err != nil {
		return false, err
	}
	for file, data := range map[string][]byte{ArtifactFile: c.Artifact, ReportFile: c.Report, ReportJSONFile: c.ReportJSON} {
		if err := writeSynced(filepath.Join(aside, file), data); err != nil {
			return false, err
		}
	}
	if err := syncDir(aside); err != nil {
		return false, err
	}
	// A version that is there has files, so that nothing can take its name.
	if err := os.Rename(aside, filepath.Join(dir, version)); err != nil {
		if _, there := os.Stat(filepath.Join(dir, version)); there == nil {
			return true, nil
		}
		return false, err
	}
	return false, errors.Join(syncDir(dir), syncDir(r.dir))
}

// Bytes returns the artifact of a version as it is on disk, unchecked but for its size.
func (r Registry) Bytes(name string, version Version) ([]byte, error) {
	if err := r.check(name, version); err != nil {
		return nil, err
	}
	path := r.Path(name, version, ArtifactFile)
	f, err := os.Open(path)
	if err != nil {
		return nil, &segments.Error{Reason: ModelDamaged, Message: fmt.Sprintf("version %s of model %s cannot be read", version, name), Err: err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, models.MaxArtifactBytes+1))
	if err != nil {
		return nil, &segments.Error{Reason: ModelDamaged, Message: fmt.Sprintf("version %s of model %s cannot be read", version, name), Err: err}
	}
	return data, nil
}

// Artifact reads and checks a version.
func (r Registry) Artifact(name string, version Version) (*models.Artifact, error) {
	data, err := r.Bytes(name, version)
	if err != nil {
		return nil, err
	}
	return r.Decode(name, version, data)
}

// Decode checks the bytes of a version.
func (r Registry) Decode(name string, version Version, data []byte) (*models.Artifact, error) {
	a, err := models.Decode(data)
	if err == nil && (a.Name != name || a.Version != version) {
		err = fmt.Errorf("it says that it is version %s of %s", a.Version, a.Name)
	}
	if err != nil {
		if refused := new(models.ArtifactError); errors.As(err, &refused) {
			err = Cause(refused.Problem, refused.Err)
		}
		return nil, &segments.Error{Reason: ModelDamaged, Err: err,
			Message: fmt.Sprintf("%s is not the artifact that was written; restore it from a copy, take another version, or train again", r.Path(name, version, ArtifactFile))}
	}
	return a, nil
}

// Cause is the error of an artifact that is refused, in words that need no name of the package that refused it.
func Cause(problem string, err error) error {
	if err == nil {
		return errors.New(problem)
	}
	return fmt.Errorf("%s: %w", problem, err)
}

// Path returns where a file of a version is.
func (r Registry) Path(name string, version Version, file string) string {
	return filepath.Join(r.dir, name, version, file)
}

// check returns nil when there is such a version.
func (r Registry) check(name string, version Version) error {
	versions, err := r.Versions(name)
	if err != nil {
		return err
	}
	if !slices.Contains(versions, version) {
		return &segments.Error{Reason: VersionUnknown, Field: "version",
			Message: fmt.Sprintf("model %s has no version %.40q; it has %s to %s", name, version, versions[0], versions[len(versions)-1])}
	}
	return nil
}

func (r Registry) unknown(name string) error {
	message := fmt.Sprintf("there is no model %q", name)
	names, err := r.Names()
	switch {
	case err != nil:
		return err
	case len(names) == 0:
		message += "; none has been trained yet (whowhen train)"
	default:
		message += "; there are " + strings.Join(names, ", ")
	}
	return &segments.Error{Reason: ModelUnknown, Field: "name", Message: message}
}

var nameShape = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func checkName(name string) error {
	if !nameShape.MatchString(name) {
		return &segments.Error{Reason: ModelNameWrong, Field: "name", Message: fmt.Sprintf("%.80q is no name of a model: 1 to 64 of a-z, 0-9, - and _, a letter or digit first", name)}
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
