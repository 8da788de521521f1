//go:build race

package features_test

// raceDetector says that the race detector is on, with which pools forget at random.
const raceDetector = true
