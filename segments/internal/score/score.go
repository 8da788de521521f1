// Package score holds what the stored form of a score means, in one place for all who read or
// write it.
//
// A score is a probability, kept as its log-odds x in 16 bits: code = round((x + 16) * 2048), and
// p = 1 / (1 + exp(-(code/2048 - 16))). So it reaches from 1.1e-7 to 1 - 1.1e-7, and two codes next to
// each other differ by 0.05 % of the odds. Probability rises strictly with the code.
package score

import (
	"math"
	"sort"
)

// Codes is how many codes there are.
const Codes = 1 << 16

const (
	reach = 16   // log-odds are kept from -reach up to almost reach
	steps = 2048 // to one unit of log-odds
)

// Code returns the code of log-odds; what lies beyond all codes gets the nearest. ok is false for
// NaN, which has none.
func Code(logOdds float64) (code uint16, ok bool) {
	if math.IsNaN(logOdds) {
		return 0, false
	}
	return uint16(max(0, min(Codes-1, math.Round((logOdds+reach)*steps)))), true
}

// Probability returns what a code stands for.
func Probability(code uint16) float64 {
	return 1 / (1 + math.Exp(-(float64(code)/steps - reach)))
}

// AtLeast returns the smallest code whose probability is p or more; Codes when there is none, as for NaN.
func AtLeast(p float64) int {
	return sort.Search(Codes, func(code int) bool { return Probability(uint16(code)) >= p })
}

// Above returns the smallest code whose probability is more than p; Codes when there is none, as for NaN.
func Above(p float64) int {
	return sort.Search(Codes, func(code int) bool { return Probability(uint16(code)) > p })
}
