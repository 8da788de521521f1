package sendtime

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"

	"whowhen.dev/whowhen/models/internal/sealed"
)

// MaxArtifactBytes is how large an encoded artifact may be.
const MaxArtifactBytes = 8 << 20

// artifactFormat names the layout of the content; another layout, or other columns, get another name.
const artifactFormat = "whowhen-send-time/2"

// Artifact is a model with all that is needed to use and to judge it. Apart from Model it is plain data that this
// package carries and bounds, but does not read.
type Artifact struct {
	// Name and Version are 1 to 128 letters, digits, '.', '_' and '-', and begin with a letter or digit.
	Name    string `json:"name"`
	Version string `json:"version"`
	// Created is the moment the caller says; it is kept to the second, in UTC.
	Created  time.Time `json:"created"`
	Source   Source    `json:"source"`
	Training Training  `json:"training"`
	// Metrics are figures of the backtest, by name.
	Metrics map[string]float64 `json:"metrics"`
	Model   *Model             `json:"model"`
}

// Source is where the rhythms were read from, and are to be read from when the model is used.
type Source struct {
	Engaged          []string `json:"engaged"`
	Received         []string `json:"received"`
	Displayed        []string `json:"displayed"`
	Clicked          []string `json:"clicked"`
	ZoneAttribute    string   `json:"zone_attribute"`
	CountryAttribute string   `json:"country_attribute"`
}

// Training is what a model was fitted to.
type Training struct {
	FirstDay    string `json:"first_day"` // as 2006-01-02, with activity
	LastDay     string `json:"last_day"`
	JudgedFrom  string `json:"judged_from"` // the first day of the backtest; empty without one
	CIDs        int64  `json:"cids"`
	ActiveDays  int64  `json:"active_days"`
	Samples     int64  `json:"samples"`
	DaySamples  int64  `json:"day_samples"`
	LogPosition uint64 `json:"log_position"` // up to which the store was read
}

// ArtifactError says why bytes are no usable artifact, or an artifact cannot be written.
type ArtifactError struct {
	Problem string
	Err     error
}

func (e *ArtifactError) Error() string {
	text := "sendtime: the artifact cannot be used: " + e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *ArtifactError) Unwrap() error { return e.Err }

func refuse(format string, args ...any) error {
	return &ArtifactError{Problem: fmt.Sprintf(format, args...)}
}

// Encode returns the artifact as one JSON object: format, sha256 of the content without insignificant white space, and content. Equal
// artifacts give equal bytes. An artifact that Decode would refuse is an error.
func (a *Artifact) Encode() ([]byte, error) {
	kept := *a
	kept.Created = a.Created.UTC().Truncate(time.Second)
	if err := kept.check(); err != nil {
		return nil, err
	}
	file, err := sealed.Seal(artifactFormat, &kept)
	if err != nil {
		return nil, artifactError(err)
	}
	// Names that are not UTF-8 change when they are written: reading back is the only sure judge.
	if _, err := Decode(file); err != nil {
		return nil, err
	}
	return file, nil
}

// IsArtifact says whether bytes look like the beginning of an artifact of this package, whatever its version of the format.
func IsArtifact(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(data[:min(len(data), 1024)]), []byte(`{"format":"whowhen-send-time/`))
}

// Decode reads what Encode wrote. Anything else is an *ArtifactError: too large, another format, a sum that does not match, a field
// that is unknown, missing, twice or out of range. The sum finds damage; it does not prove who wrote the file.
func Decode(data []byte) (*Artifact, error) {
	var a Artifact
	if err := sealed.Open(data, artifactFormat, MaxArtifactBytes, &a); err != nil {
		return nil, artifactError(err)
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	return &a, nil
}

// artifactError tells an error of the file as one of the artifact.
func artifactError(err error) error {
	if fault := new(sealed.Error); errors.As(err, &fault) {
		return &ArtifactError{fault.Problem, fault.Err}
	}
	return err
}

// check says what makes an artifact unusable.
func (a *Artifact) check() error {
	if !plainName(a.Name) || !plainName(a.Version) {
		return refuse("name %.140q and version %.140q are 1 to 128 letters, digits, '.', '_' and '-', a letter or digit first", a.Name, a.Version)
	}
	t := &a.Training
	for _, day := range []string{t.FirstDay, t.LastDay, t.JudgedFrom} {
		if d, err := time.Parse(time.DateOnly, day); day != "" && (err != nil || d.Format(time.DateOnly) != day) {
			return refuse("training has the day %.40q, which is none like 2006-01-02", day)
		}
	}
	if min(t.CIDs, t.ActiveDays, t.Samples, t.DaySamples) < 0 {
		return refuse("training counts less than nothing")
	}
	for name, v := range a.Metrics {
		if !finite(v) {
			return refuse("figure %.140q is not finite", name)
		}
	}
	if a.Model == nil {
		return refuse("it has no model")
	}
	return a.Model.check()
}

// plainName says whether a name can be that of a file anywhere.
func plainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return name != "" && len(name) <= 128
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
