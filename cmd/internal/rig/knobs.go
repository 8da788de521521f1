package rig

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Number returns the number in an environment variable, by which a test is asked to do more than its share, and
// whether it is set.
func Number(t testing.TB, variable string) (n uint64, set bool) {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", variable, err))
	}
	return n, true
}

// Random returns a source of random numbers whose seed is in an environment variable, or new and in the test's log.
func Random(t testing.TB, variable string) *rand.Rand {
	t.Helper()
	seed, set := Number(t, variable)
	if !set {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%s=%d", variable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}
