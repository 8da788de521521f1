package features

import (
	"context"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments"
)

// Levels are the strings that a column of a string attribute tells apart, in the order of their numbers.
type Levels map[Column][]string

// Source is what columns are computed from: a view, and what they need to know of everybody in it. It is safe for concurrent use, and good
// until the view is closed.
//
// The view's moment is the cut-off: D is the day after its day, so View.Before(D) is the view of any past D, and a view as of now has
// today's day counted as far as it has come.
type Source struct {
	view    *segments.View
	columns []Column
	levels  Levels
	// What is popular, of each kind that columns ask for.
	popularities []*popularity
	anything     []string // events, if a column is of anything
}

// NewSource reads what columns need to know of everybody, which takes time only where a column is a Popularity. Columns of events, tags and
// attributes that the app does not know are those of nobody. A column that cannot be, one of a list attribute, and one of a string attribute
// without levels are errors.
func NewSource(ctx context.Context, v *segments.View, columns []Column, levels Levels) (*Source, error) {
	s, err := newSource(v, columns, levels)
	if err != nil {
		return nil, err
	}
	return s, s.readPopularities(ctx)
}

// newSource makes a source that has read nothing.
func newSource(v *segments.View, columns []Column, levels Levels) (*Source, error) {
	s := &Source{view: v, columns: columns, levels: levels}
	typicals := 0
	for i, c := range columns {
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("column %d: %w", i+1, err)
		}
		if c.Anything && s.anything == nil {
			s.anything = behaviours(v)
		}
		if c.Family == Popularity && s.popularity(c) == nil {
			if len(s.popularities) == maxPopularities {
				return nil, fmt.Errorf("column %s: at most %d different popularities can be computed at a time", c, maxPopularities)
			}
			s.popularities = append(s.popularities, newPopularity(c))
		}
		if c.Family == Typical {
			if typicals++; typicals > maxTypicals {
				return nil, fmt.Errorf("column %s: at most %d typical values can be computed at a time", c, maxTypicals)
			}
		}
	}
	if _, err := s.newExtractor(); err != nil {
		return nil, err
	}
	return s, nil
}

// behaviours are all events but those about messages.
func behaviours(v *segments.View) []string {
	return slices.DeleteFunc(v.Events(), isReceipt)
}

func (s *Source) popularity(c Column) *popularity {
	for _, p := range s.popularities {
		if p.of(c) {
			return p
		}
	}
	return nil
}
