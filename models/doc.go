// Package models turns raw columns into a calibrated probability that can be explained.
//
// A model is a logistic regression: each raw column is transformed (logarithm, spline, levels, missing indicator), the
// transformed columns are weighed and added, and the sum, the log-odds, is calibrated. Fit makes a Model from a Table;
// an Artifact carries it, with what it was trained on and how it was judged, as bytes and back. Package metrics judges
// probabilities.
//
// The package knows numbers only: it reads and writes no files, has no clock and no randomness of its own. What it
// makes is a function of what it was given, to the last bit, however many cores take part.
package models
