package models

import (
	"errors"
	"time"

	"whowhen.dev/whowhen/models/internal/sealed"
)

// Decode reads what Encode wrote. Anything else is an *ArtifactError: too large, too deep, another format, a sum that
// does not match, a field that is unknown, missing, twice or out of range. Insignificant white space is allowed.
// Memory is bounded by a small multiple of len(data), and nothing is allocated by a size that data claims. The sum
// finds damage; it does not prove who wrote the file.
func Decode(data []byte) (*Artifact, error) {
	var c content
	if err := sealed.Open(data, artifactFormat, MaxArtifactBytes, &c); err != nil {
		return nil, artifactError(err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	model, err := newModel(c.Model)
	if err != nil {
		return nil, &ArtifactError{Problem: "its model is out of range", Err: err}
	}
	created, err := time.Parse(time.RFC3339, c.Created)
	if err != nil {
		return nil, &ArtifactError{Problem: "its time is none", Err: err}
	}
	return &Artifact{
		Name: c.Name, Version: c.Version, Created: created.UTC(), Definition: c.Definition, Training: c.Training,
		Metrics: c.Metrics, Baselines: c.Baselines, Model: model, Effects: c.Effects,
		ColumnBins: c.ColumnBins, ScoreBins: c.ScoreBins,
	}, nil
}

// artifactError tells an error of the file as one of the artifact.
func artifactError(err error) error {
	if fault := new(sealed.Error); errors.As(err, &fault) {
		return &ArtifactError{fault.Problem, fault.Err}
	}
	return err
}
