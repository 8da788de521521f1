package registry

import (
	"path/filepath"
	"time"
)

// Scoring says that the scores of everybody went into the store, so that expressions saw them.
type Scoring struct {
	Version  Version `json:"version"`  // active then
	Identity string  `json:"identity"` // of its artifact, as scoring tells one from another
	// Generation tells one scoring from another, as the store counts them.
	Generation uint64 `json:"generation"`
	// Cutoff is the day that the scores are about, as 2026-01-31: what happened before it was known.
	Cutoff      string    `json:"cutoff"`
	HorizonDays int       `json:"horizon_days"`
	At          time.Time `json:"at"`
	CIDs        uint64    `json:"cids"`        // who had a score
	Probability float64   `json:"probability"` // their mean
}

const scoringsFile = "scorings.jsonl"

// AddScoring keeps for good that a scoring took place.
func (r Registry) AddScoring(name string, s Scoring) error {
	if _, err := r.Versions(name); err != nil {
		return err
	}
	s.At = s.At.UTC().Truncate(time.Second)
	return appendLine(filepath.Join(r.dir, name), scoringsFile, s)
}

// Scorings returns the scorings of a model, the oldest first, also of versions that are not there any more.
func (r Registry) Scorings(name string) ([]Scoring, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return readLines(filepath.Join(r.dir, name, scoringsFile), "mend or remove it; without it, what was foretold before is not compared with what came", Scoring.known)
}

// known says whether a scoring can have taken place.
func (s Scoring) known() bool {
	_, err := time.Parse(time.DateOnly, s.Cutoff)
	return err == nil && s.Version != "" && s.Identity != "" && s.HorizonDays > 0 && s.Probability >= 0 && s.Probability <= 1
}
