package models

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Moved is by how much one column moved a row.
type Moved struct {
	// Column is an index into Model.Columns.
	Column int
	// LogOdds is the difference to the average training row, in calibrated log-odds.
	LogOdds float64
}

// Explain says how far each column moved the log-odds of a row from those of the average training row, the furthest
// first and equal ones by column. Half of what a product moved is counted to each of its columns; columns that are
// fixed at scoring move nothing. The differences add up to LogOdds (before its limit) less Average. The row has one
// value for each of Columns; another number is an error.
func (m *Model) Explain(row []float32) ([]Moved, error) {
	if len(row) != len(m.columns) {
		return nil, fmt.Errorf("models: the row has %d values and the model %d columns", len(row), len(m.columns))
	}
	moved := make([]Moved, len(row))
	for c, x := range row {
		moved[c].Column = c
		if !m.columns[c].fixed {
			moved[c].LogOdds = m.columns[c].contribution(x) - m.spec.Columns[c].Average
		}
	}
	for i := range m.products {
		e := &m.products[i]
		half := (e.contribution(row[e.a], row[e.b]) - m.spec.Products[i].Average) / 2
		moved[e.a].LogOdds += half
		moved[e.b].LogOdds += half
	}
	for c := range moved {
		moved[c].LogOdds *= m.spec.Calibration.Slope
	}
	slices.SortStableFunc(moved, func(a, b Moved) int { return cmp.Compare(math.Abs(b.LogOdds), math.Abs(a.LogOdds)) })
	return moved, nil
}

// Average is the calibrated log-odds of the average training row: every column adds what it adds on average.
func (m *Model) Average() float64 {
	sum := m.spec.Intercept.Value
	for c := range m.spec.Columns {
		sum += m.spec.Columns[c].Average
	}
	for i := range m.spec.Products {
		sum += m.spec.Products[i].Average
	}
	return m.spec.Calibration.Intercept + m.spec.Calibration.Slope*sum
}

// Contribution is how far a value of one column alone moves the log-odds from the average, products apart: the
// column's curve. It is 0 for a column that the model does not have.
func (m *Model) Contribution(column int, value float32) float64 {
	if column < 0 || column >= len(m.columns) {
		return 0
	}
	return m.spec.Calibration.Slope * (m.columns[column].contribution(value) - m.spec.Columns[column].Average)
}
