// Package propensity says what a propensity model is asked: who is asked about, what counts as a yes, and over how many days.
//
// Training, scoring and watching read the same Definition, so that a model is asked of the people, and judged by the outcome, that it was
// trained on.
package propensity
