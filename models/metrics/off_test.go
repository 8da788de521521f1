package metrics_test

import (
	"testing"

	"whowhen.dev/whowhen/models/metrics"
)

func TestOff(t *testing.T) {
	for _, c := range []struct {
		foretold, came, variance float64
		want                     bool
	}{
		{100, 100, 90, false}, {100, 111, 9, true}, {100, 89, 9, true}, {100, 109, 4, false}, {100, 120, 90, false}, {100, 129, 90, true},
		{10_000, 10_900, 100, false}, {0, 1, 0.01, true}, {0, 0, 0, false},
	} {
		if got := metrics.Off(c.foretold, c.came, c.variance); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
