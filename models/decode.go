package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// maxDepth is how deep an artifact may be nested; what Encode writes stays below 10.
const maxDepth = 16

// Decode reads what Encode wrote. Anything else is an *ArtifactError: too large, too deep, another format, a sum that
// does not match, a field that is unknown, missing, twice or out of range. Insignificant white space is allowed.
// Memory is bounded by a small multiple of len(data), and nothing is allocated by a size that data claims. The sum
// finds damage; it does not prove who wrote the file.
func Decode(data []byte) (*Artifact, error) {
	if len(data) > MaxArtifactBytes {
		return nil, &ArtifactError{Problem: fmt.Sprintf("it has %d bytes; at most %d are read", len(data), MaxArtifactBytes)}
	}
	if at := tooDeep(data); at >= 0 {
		return nil, &ArtifactError{Problem: fmt.Sprintf("byte %d is nested deeper than %d", at, maxDepth)}
	}
	var file envelope
	if err := strict(data, &file); err != nil {
		return nil, &ArtifactError{Problem: "it is no JSON object of format, sha256 and content", Err: err}
	}
	if file.Format != artifactFormat {
		return nil, &ArtifactError{Problem: fmt.Sprintf("its format is %.40q and this program reads %q; use the program that wrote it, or train again", file.Format, artifactFormat)}
	}
	var body bytes.Buffer
	if err := json.Compact(&body, file.Content); err != nil {
		return nil, &ArtifactError{Problem: "its content is no JSON", Err: err}
	}
	if sum := sha256.Sum256(body.Bytes()); file.SHA256 != hex.EncodeToString(sum[:]) {
		return nil, &ArtifactError{Problem: "its content does not match its sha256: it was damaged or changed; restore it from a copy, or train again"}
	}
	var c content
	if err := strict(body.Bytes(), &c); err != nil {
		return nil, &ArtifactError{Problem: "its content has other fields than it should", Err: err}
	}
	// The decoder takes fields twice, in any case, or not at all; what is not written back the same is refused.
	again, err := json.Marshal(&c)
	if err != nil {
		return nil, &ArtifactError{Problem: "its content cannot be written again", Err: err}
	}
	if !bytes.Equal(again, body.Bytes()) {
		return nil, &ArtifactError{Problem: fmt.Sprintf("its content differs from what this program would write, from byte %d on", difference(again, body.Bytes()))}
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

func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(data[decoder.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("%d bytes follow its end", len(rest))
	}
	return nil
}

// tooDeep returns the first byte nested deeper than maxDepth, or -1.
func tooDeep(data []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return i
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return -1
}

func difference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
