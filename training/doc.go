// Package training is the offline job that makes a propensity model: who will do something in the days to come.
//
// A propensity.Definition says in the audience language who is asked about (eligible), what counts as a yes (target) and over how many days
// (horizon). Train reads an app's store at several days in the past, called cut-offs: what happened before the day of a cut-off is known,
// what happens in the horizon from that day on is to be predicted. It fits a model on earlier cut-offs, judges it on later ones beside
// plain baselines, and returns an artifact for the registry and a report for people. Nothing is ever split at random: a model is judged by a time
// that had not begun when its training data ended.
//
// The package has no clock and no randomness of its own: the same store, definition and options give the same bytes.
package training
