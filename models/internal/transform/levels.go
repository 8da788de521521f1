package transform

import (
	"errors"
	"fmt"
)

// Pooled, Reference are what a level can be in place of a term of its own.
const (
	Reference = -1 // the most common level: the others are measured against it
	Pooled    = -2 // rare: one with "other"
)

// Levels is a column of levels. Each common level but the reference has a term of its own, 1 or 0; rare ones and
// those that were never seen share Other.
type Levels struct {
	// TermOf is, for each level, an index into Terms, or Reference, or Pooled.
	TermOf []int  `json:"term_of"`
	Terms  []Term `json:"terms"`
	// Other and Missing are nil when too few training rows had such values; these then weigh what the average
	// training row weighs, which is Average.
	Other   *Term   `json:"other,omitempty"`
	Missing *Term   `json:"missing,omitempty"`
	Average float64 `json:"average"`
}

// Kinds of value apart from a level's own term.
const (
	kindReference = -1
	kindOther     = -2
	kindMissing   = -3
)

// kind is the term of a value, or one of the kinds.
func (l *Levels) kind(x float32) int {
	if x != x {
		return kindMissing
	}
	if !(x >= 0 && x < float32(len(l.TermOf))) {
		return kindOther
	}
	return l.TermOf[int(x)] // Reference and Pooled are kindReference and kindOther
}

// Contribution is what a value adds to the sum.
func (l *Levels) Contribution(x float32) float64 {
	switch kind := l.kind(x); {
	case kind >= 0:
		return l.Terms[kind].Coefficient
	case kind == kindReference:
		return 0
	case kind == kindOther && l.Other != nil:
		return l.Other.Coefficient
	case kind == kindMissing && l.Missing != nil:
		return l.Missing.Coefficient
	}
	return l.Average
}

// Check says what makes a column of levels unusable; levels is how many the raw column has.
func (l *Levels) Check(levels int) error {
	if len(l.TermOf) != levels {
		return fmt.Errorf("the terms of %d levels are given and the column has %d", len(l.TermOf), levels)
	}
	if len(l.Terms) > levels {
		return fmt.Errorf("%d terms are more than the %d levels", len(l.Terms), levels)
	}
	for i, term := range l.TermOf {
		if term < Pooled || term >= len(l.Terms) {
			return fmt.Errorf("level %d has the term %d; there are %d", i, term, len(l.Terms))
		}
	}
	for i := range l.Terms {
		if err := l.Terms[i].Check(); err != nil {
			return fmt.Errorf("term %d: %w", i, err)
		}
	}
	for _, term := range []*Term{l.Other, l.Missing} {
		if term != nil {
			if err := term.Check(); err != nil {
				return fmt.Errorf("the term of other or missing values: %w", err)
			}
		}
	}
	if bounded(l.Average) != l.Average {
		return errors.New("the average is out of range")
	}
	return nil
}
