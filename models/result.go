package models

// Result is a fitted model and how it came to be.
type Result struct {
	Model *Model
	// Rows, Positives and Groups were fitted to; Positives counts rows, not weights.
	Rows, Positives, Groups int
	// Shape is the one used, Linear, Log or Spline.
	Shape Shape
	// Folds says how the rows were parted for choosing.
	Folds Folds
	// Trials are the shapes and penalties that were compared on the folds, in the order tried; none when there was
	// nothing to choose.
	Trials []Trial
	// Products are the products tried: one of them may be in the model.
	Products []ProductTrial
	// Calibrated says whether the log-odds were corrected, and CalibrationGain what that lowered the log loss by on
	// unseen data, with its standard error.
	Calibrated                            bool
	CalibrationGain, CalibrationGainError float64
	// Dropped are columns that the model does without.
	Dropped []Dropped
	// Warnings are columns to look at before the model is believed.
	Warnings []Warning
	// Effects are differences worth telling of each column.
	Effects []Effect
	// ColumnBins has bins for each of the model's columns, ScoreBins for the log-odds, of the rows fitted to.
	ColumnBins []Bins
	ScoreBins  Bins
	// Iterations and Gradient (the largest slope left) are those of the last fit, of LogLoss its mean log loss on
	// the rows it was fitted to, penalty apart.
	Iterations        int
	Gradient, LogLoss float64
}

// Folds says how rows were parted for choosing.
type Folds struct {
	// Kind is FoldsByTime, each fold trained on earlier cut-offs and tested on the next, or FoldsByGroup, where
	// there were too few cut-offs for that, or FoldsNone.
	Kind FoldKind
	// Count is how many folds there were, and Rows how many rows were in them.
	Count, Rows int
}

// FoldKind is how rows were parted.
type FoldKind string

const (
	FoldsByTime  FoldKind = "time"
	FoldsByGroup FoldKind = "group"
	FoldsNone    FoldKind = "none"
)

// Trial is a shape and penalty and its mean log loss on the folds, with the standard error clustered by group.
type Trial struct {
	Shape                           Shape
	Penalty, LogLoss, StandardError float64
}

// ProductTrial is a product of two columns, by how much it lowered the log loss on the folds, the standard error of
// that, and whether it was taken.
type ProductTrial struct {
	A, B                string
	Gain, StandardError float64
	Taken               bool
}

// Dropped is a column that the model does without, and why.
type Dropped struct{ Column, Reason string }

// Warning is a column that nearly decides the target alone: its values may have been written with the outcome in hand.
type Warning struct {
	Column string
	AUC    float64
	Text   string
}

// Effect is the difference that one change of a column makes to the calibrated log-odds, everything else equal and
// products at their average.
type Effect struct {
	Column string `json:"column"`
	// Kind says what changes: a number from From to To; a level, against the most common one, which Against names;
	// or other, rare levels together, or missing values: against the most common level, or for a number against its average.
	Kind    EffectKind `json:"kind"`
	From    float64    `json:"from"`
	To      float64    `json:"to"`
	Level   string     `json:"level"`
	Against string     `json:"against"`
	LogOdds float64    `json:"log_odds"`
	// StandardError is clustered by group; a 95 % interval is LogOdds ± 1.96 StandardError.
	StandardError float64 `json:"standard_error"`
	// Opposed says of a number that the column goes the other way when it is taken alone. Fit leaves it to who knows the rows to say so.
	Opposed bool `json:"opposed,omitempty"`
}

// EffectKind is what changes.
type EffectKind string

const (
	EffectNumber  EffectKind = "number"
	EffectLevel   EffectKind = "level"
	EffectOther   EffectKind = "other"
	EffectMissing EffectKind = "missing"
)
