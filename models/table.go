package models

import (
	"fmt"
	"math"
)

// Limits of what a model may be made of.
const (
	MaxColumns     = 512     // raw columns: each takes 256 KiB while a block is scored
	MaxLevels      = 4096    // levels of one column
	MaxNameBytes   = 4096    // name of a column or a level
	maxProducts    = 64      // products of two columns
	maxTerms       = 2000    // transformed columns: one matrix of so many squared takes 32 MB
	maxRows        = 1 << 30 // rows of a table
	maxCoefficient = 1e9     // magnitude of any number that weighs
	maxFactor      = 1e6     // of a penalty
)

// Column is one raw column, of numbers or of levels. Equal names are the same column.
type Column struct {
	// Name says what the column holds; models compares it and shows it, but does not read it.
	Name string `json:"name"`
	// Levels are the values of a column that holds no numbers. A raw value is then an index into Levels; a value
	// that is in none is float32(len(Levels)). Nil means that the column holds numbers.
	Levels []string `json:"levels,omitempty"`
	// Fixed columns take part in the fit but not in scoring, where every row has the average of the training rows.
	// They hold what an earlier policy decided (how many messages were sent), so that other columns are not credited
	// with its doing.
	Fixed bool `json:"fixed,omitempty"`
	// PenaltyFactor is how many times the penalty the column's coefficients have; 0 means once. One below 1 is for a column that alone says what many say
	// together: as each of those needs but a small coefficient, the same penalty would favour them.
	PenaltyFactor float64 `json:"penalty_factor,omitempty"`
	// NoProduct keeps the column out of products. It is of no use once a model is fitted.
	NoProduct bool `json:"-"`
}

// Table is what a model is fitted to. Values are column-major: Values[c][r] is column c of row r, NaN when missing.
// Fit reads the table and changes nothing in it.
type Table struct {
	Columns []Column
	Values  [][]float32
	Label   []bool
	// Weight says how many rows a row stands for; nil means one each.
	Weight []float32
	// Group names what rows have in common (the CID): errors of rows of one group are not independent, and folds do
	// not part them. Nil means that every row stands alone.
	Group []uint32
	// Time is the cut-off of a row, as a day or any number that grows with time; nil means one cut-off.
	Time []int32
	// HorizonDays says for how long after Time the label was not known: a fold trains only on rows whose
	// Time + HorizonDays is not after the time it is tested at. In the unit of Time.
	HorizonDays int32
}

// check returns a *TableError when the parts of the table do not fit each other.
func (t *Table) check() error {
	rows := len(t.Label)
	if rows == 0 || rows > maxRows {
		return &TableError{Problem: fmt.Sprintf("the table has %d rows; 1 to %d can be fitted", rows, maxRows)}
	}
	if err := checkColumns(t.Columns); err != nil {
		return &TableError{Problem: err.Error()}
	}
	if len(t.Values) != len(t.Columns) {
		return &TableError{Problem: fmt.Sprintf("%d columns are named and %d are given", len(t.Columns), len(t.Values))}
	}
	for c, values := range t.Values {
		if len(values) != rows {
			return &TableError{Problem: fmt.Sprintf("column %q has %d rows and the label %d", t.Columns[c].Name, len(values), rows)}
		}
	}
	if t.Weight != nil && len(t.Weight) != rows || t.Group != nil && len(t.Group) != rows || t.Time != nil && len(t.Time) != rows {
		return &TableError{Problem: fmt.Sprintf("weight, group and time have %d, %d and %d rows and the label %d", len(t.Weight), len(t.Group), len(t.Time), rows)}
	}
	for r, w := range t.Weight {
		if !(w > 0) || w > math.MaxInt32 {
			return &TableError{Problem: fmt.Sprintf("row %d has the weight %v; weights are above 0 and at most %d", r, w, math.MaxInt32)}
		}
	}
	if t.HorizonDays < 0 {
		return &TableError{Problem: fmt.Sprintf("the horizon is %d days; it is 0 or more", t.HorizonDays)}
	}
	return nil
}

// checkColumns says what is wrong with the names, levels or number of columns.
func checkColumns(columns []Column) error {
	if len(columns) == 0 || len(columns) > MaxColumns {
		return fmt.Errorf("there are %d columns; 1 to %d can be used", len(columns), MaxColumns)
	}
	seen := make(map[string]bool, len(columns))
	for i, c := range columns {
		if c.Name == "" || len(c.Name) > MaxNameBytes {
			return fmt.Errorf("the name of column %d has %d bytes; it has 1 to %d", i, len(c.Name), MaxNameBytes)
		}
		if seen[c.Name] {
			return fmt.Errorf("two columns have the name %q", c.Name)
		}
		seen[c.Name] = true
		if !(c.PenaltyFactor >= 0 && c.PenaltyFactor <= maxFactor) {
			return fmt.Errorf("column %q has the penalty factor %v; it is 0 to %g", c.Name, c.PenaltyFactor, maxFactor)
		}
		if c.Levels != nil && len(c.Levels) == 0 || len(c.Levels) > MaxLevels {
			return fmt.Errorf("column %q has %d levels; it has 1 to %d", c.Name, len(c.Levels), MaxLevels)
		}
		levels := make(map[string]bool, len(c.Levels))
		for _, level := range c.Levels {
			if len(level) > MaxNameBytes {
				return fmt.Errorf("a level of column %q has %d bytes; it has at most %d", c.Name, len(level), MaxNameBytes)
			}
			if levels[level] {
				return fmt.Errorf("column %q has the level %q twice", c.Name, level)
			}
			levels[level] = true
		}
	}
	return nil
}
