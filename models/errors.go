package models

import "fmt"

// TableError says that the parts of a table do not fit each other.
type TableError struct{ Problem string }

func (e *TableError) Error() string { return "models: " + e.Problem }

// OptionError says which option has a value without meaning, and what it may be.
type OptionError struct{ Option, Problem string }

func (e *OptionError) Error() string { return "models: option " + e.Option + ": " + e.Problem }

// OneClassError refuses a table in which every row has the same label: there is nothing to tell apart.
type OneClassError struct {
	Rows  int
	Label bool
}

func (e *OneClassError) Error() string {
	which := "negative: nobody met the target"
	if e.Label {
		which = "positive: everybody met the target"
	}
	return fmt.Sprintf("models: all %d rows are %s. Look at the target and the horizon, or choose cut-offs with more history", e.Rows, which)
}

// TooFewError refuses a table with too few positives or negatives to learn from.
type TooFewError struct{ Positives, Negatives, Least int }

func (e *TooFewError) Error() string {
	return fmt.Sprintf("models: %d positives and %d negatives are too few; at least %d of each are needed. "+
		"Widen eligible, lengthen the horizon or pool more cut-offs", e.Positives, e.Negatives, e.Least)
}

// NoColumnsError refuses a table in which every column was dropped.
type NoColumnsError struct{ Dropped []Dropped }

func (e *NoColumnsError) Error() string {
	return fmt.Sprintf("models: none of the %d columns varies from row to row, so none can tell rows apart. "+
		"Look whether the events the columns speak of were loaded", len(e.Dropped))
}

// NotConvergedError refuses a fit that did not reach the least loss.
type NotConvergedError struct {
	// Reason says how the search ended.
	Reason string
	// Gradient is the largest slope left, in units of mean loss per standardised coefficient.
	Gradient   float64
	Iterations int
	Penalty    float64
}

func (e *NotConvergedError) Error() string {
	return fmt.Sprintf("models: the fit did not converge after %d iterations at penalty %g: %s (slope left %.3g). "+
		"Use a larger penalty, leave out columns that decide alone, or allow more iterations", e.Iterations, e.Penalty, e.Reason, e.Gradient)
}
