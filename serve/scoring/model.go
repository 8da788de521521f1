// Package scoring computes what a trained model says of CIDs: of all who are eligible, shard by shard, or of some, with reasons.
//
// A score is as of the end of a day: the view that it is computed from says which. What models are trained on is known at the same moment, the
// end of the day before a cut-off, and the same columns are computed by the same code.
package scoring

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

// ModelMisfit is the reason of an error about a model whose columns are made of what the store does not have.
const ModelMisfit segments.Reason = "MODEL_MISFIT"

// Model is an artifact made ready to score the CIDs of one app. It is safe for concurrent use, and remembers what it has read of everybody.
type Model struct {
	artifact *models.Artifact
	identity string
	eligible expr.Node
	columns  []features.Column
	levels   features.Levels
	memory   *features.Memory
}

// New makes an artifact ready. eligible says of whom the model speaks. A column that features cannot compute is an error with reason
// MODEL_MISFIT.
func New(a *models.Artifact, eligible expr.Node) (*Model, error) {
	data, err := a.Encode()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	m := &Model{artifact: a, identity: hex.EncodeToString(sum[:16]), eligible: eligible, levels: features.Levels{}, memory: features.NewMemory()}
	for _, c := range a.Model.Columns() {
		column, err := features.Parse(c.Name)
		if err != nil {
			return nil, &segments.Error{Reason: ModelMisfit, Field: "version", Err: err,
				Message: fmt.Sprintf("version %s of model %s has the column %.200q, which this whowhen cannot compute", a.Version, a.Name, c.Name)}
		}
		m.columns = append(m.columns, column)
		if c.Levels != nil {
			m.levels[column] = c.Levels
		}
	}
	return m, nil
}

// Artifact returns what the model was made of.
func (m *Model) Artifact() *models.Artifact { return m.artifact }

// Identity tells the artifact from any other, of whatever name and version: a hash of all that is in it.
func (m *Model) Identity() string { return m.identity }

// Eligible returns of whom the model speaks.
func (m *Model) Eligible() expr.Node { return m.eligible }

// Fits returns nil when a store has what the model's columns are made of, and otherwise an error with reason MODEL_MISFIT that names
// the difference.
func (m *Model) Fits(v *segments.View) error {
	misfits := features.Misfits(v, m.columns, m.levels)
	if len(misfits) == 0 {
		return nil
	}
	const most = 5 // named
	var lines []string
	for _, f := range misfits[:min(most, len(misfits))] {
		lines = append(lines, fmt.Sprintf("%s: %s", f.Column, f.Why))
	}
	if len(misfits) > most {
		lines = append(lines, fmt.Sprintf("%d more", len(misfits)-most))
	}
	return &segments.Error{Reason: ModelMisfit, Field: "version",
		Message: fmt.Sprintf("version %s of model %s does not fit this store (%s); load what is missing, or train again", m.artifact.Version, m.artifact.Name, strings.Join(lines, "; "))}
}
