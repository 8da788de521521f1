package metrics

import "math"

// Off says whether it came for another number than the sum of the probabilities foretold, both surely and noticeably: by more than three standard
// deviations, of which variance is the square, and by more than a tenth of what was foretold.
func Off(foretold, came, variance float64) bool {
	off := math.Abs(came - foretold)
	return off > 3*math.Sqrt(variance) && off > 0.1*foretold
}
