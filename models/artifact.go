package models

import (
	"fmt"
	"math"
	"time"

	"whowhen.dev/whowhen/models/internal/sealed"
)

// MaxArtifactBytes is how large an encoded artifact may be.
const MaxArtifactBytes = 8 << 20

// artifactFormat names the layout of the content; another layout gets another name.
const artifactFormat = "whowhen-model/1"

// Artifact is a model with all that is needed to use, judge and watch it. Apart from Model it is plain data that
// this package carries and bounds, but does not read.
type Artifact struct {
	// Name and Version are 1 to 128 letters, digits, '.', '_' and '-', and begin with a letter or digit.
	Name, Version string
	// Created is the moment the caller says; it is kept to the second, in UTC.
	Created time.Time
	// Definition is the text the model was defined by.
	Definition string
	Training   Training
	// Metrics and Baselines are figures of the test cut-off, by name.
	Metrics   map[string]Figure
	Baselines map[string]map[string]Figure
	Model     *Model
	Effects   []Effect
	// ColumnBins has bins for each of the model's columns, ScoreBins for the log-odds.
	ColumnBins []Bins
	ScoreBins  Bins
}

// Training is what a model was trained on.
type Training struct {
	// FirstDay and LastDay bound the days that columns and outcomes were read from, as 2006-01-02.
	FirstDay string `json:"first_day"`
	LastDay  string `json:"last_day"`
	// Cutoffs are the days whose rows were fitted to, TestCutoffs those it was judged on, as 2006-01-02.
	Cutoffs     []string `json:"cutoffs"`
	TestCutoffs []string `json:"test_cutoffs"`
	HorizonDays int      `json:"horizon_days"`
	Rows        int64    `json:"rows"`
	Positives   int64    `json:"positives"`
	// Fingerprint tells one state of the data from another.
	Fingerprint string `json:"fingerprint"`
}

// Figure is a figure with its 95 % interval; Low and High equal Value where there is none.
type Figure struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// content is the checksummed part of the file. Its field order is the canonical one.
type content struct {
	Name       string                       `json:"name"`
	Version    string                       `json:"version"`
	Created    string                       `json:"created"`
	Definition string                       `json:"definition"`
	Training   Training                     `json:"training"`
	Metrics    map[string]Figure            `json:"metrics"`
	Baselines  map[string]map[string]Figure `json:"baselines"`
	Model      spec                         `json:"model"`
	Effects    []Effect                     `json:"effects"`
	ColumnBins []Bins                       `json:"column_bins"`
	ScoreBins  Bins                         `json:"score_bins"`
}

// Encode returns the artifact as one JSON object: format, sha256 of the content without insignificant white space,
// and content. Equal artifacts give equal bytes. An artifact that Decode would refuse is an error.
func (a *Artifact) Encode() ([]byte, error) {
	if a.Model == nil {
		return nil, &ArtifactError{Problem: "it has no model"}
	}
	c := content{
		Name: a.Name, Version: a.Version, Created: a.Created.UTC().Format(time.RFC3339), Definition: a.Definition,
		Training: a.Training, Metrics: a.Metrics, Baselines: a.Baselines, Model: a.Model.spec,
		Effects: a.Effects, ColumnBins: a.ColumnBins, ScoreBins: a.ScoreBins,
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	file, err := sealed.Seal(artifactFormat, &c)
	if err != nil {
		return nil, artifactError(err)
	}
	// Names that are not UTF-8 change when they are written: reading back is the only sure judge.
	if _, err := Decode(file); err != nil {
		return nil, err
	}
	return file, nil
}

// ArtifactError says why bytes are no usable artifact, or an artifact cannot be written.
type ArtifactError struct {
	Problem string
	Err     error
}

func (e *ArtifactError) Error() string {
	text := "models: the artifact cannot be used: " + e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *ArtifactError) Unwrap() error { return e.Err }

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

// check says what makes the content unusable, the model apart.
func (c *content) check() error {
	refuse := func(format string, args ...any) error { return &ArtifactError{Problem: fmt.Sprintf(format, args...)} }
	if !plainName(c.Name) || !plainName(c.Version) {
		return refuse("name %.140q and version %.140q are 1 to 128 letters, digits, '.', '_' and '-', a letter or digit first", c.Name, c.Version)
	}
	created, err := time.Parse(time.RFC3339, c.Created)
	if err != nil || created.UTC().Format(time.RFC3339) != c.Created {
		return refuse("created %.40q is no time like 2006-01-02T15:04:05Z", c.Created)
	}
	t := &c.Training
	days := append(append([]string{t.FirstDay, t.LastDay}, t.Cutoffs...), t.TestCutoffs...)
	for _, day := range days {
		if d, err := time.Parse(time.DateOnly, day); day != "" && (err != nil || d.Format(time.DateOnly) != day) {
			return refuse("training has the day %.40q, which is none like 2006-01-02", day)
		}
	}
	if t.HorizonDays < 0 || t.Positives < 0 || t.Positives > t.Rows {
		return refuse("training has %d positives of %d rows and a horizon of %d days", t.Positives, t.Rows, t.HorizonDays)
	}
	if len(c.ColumnBins) != len(c.Model.Columns) {
		return refuse("%d bins of columns are given for %d columns", len(c.ColumnBins), len(c.Model.Columns))
	}
	for i, bins := range c.ColumnBins {
		if err := bins.check(); err != nil {
			return refuse("the bins of column %q: %v", c.Model.Columns[i].Name, err)
		}
	}
	if err := c.ScoreBins.check(); err != nil {
		return refuse("the bins of the score: %v", err)
	}
	figures := map[string]map[string]Figure{"metrics": c.Metrics}
	for name, metrics := range c.Baselines {
		figures["baseline "+name] = metrics
	}
	for where, metrics := range figures {
		for name, f := range metrics {
			if !finite(f.Value, f.Low, f.High) {
				return refuse("%.140q: %.140q is not finite", where, name)
			}
		}
	}
	for _, e := range c.Effects {
		if !finite(e.From, e.To, e.LogOdds, e.StandardError) {
			return refuse("an effect of column %.140q is not finite", e.Column)
		}
	}
	return nil
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
