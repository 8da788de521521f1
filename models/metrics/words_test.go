package metrics_test

import (
	"strings"
	"testing"

	"whowhen.dev/whowhen/models/metrics"
)

// TestFormatDifferences holds that a difference is not shown as 0 when it is not, nor 0 with a sign.
func TestFormatDifferences(t *testing.T) {
	for _, test := range []struct {
		all  []float64
		want string
	}{
		{[]float64{0.0123, -0.01, 0.03456}, "0.0123 -0.0100 0.0346"},
		{[]float64{0.0002, -0.00001, 0.0004}, "0.00020 -0.00001 0.00040"},
		{[]float64{0.0002, -0.000004, 0.0004}, "0.000200 -0.000004 0.000400"},
		{[]float64{0, -1e-12, 0.5}, "0.0000 0.0000 0.5000"},
		{[]float64{-0.00005}, "-0.0001"},
		{[]float64{-1e-12, 0, 2e-9}, "0.000000000 0.000000000 0.000000002"},
	} {
		if got := strings.Join(metrics.FormatDifferences(test.all...), " "); got != test.want {
			t.Errorf("%v: %s, want %s", test.all, got, test.want)
		}
	}
}
