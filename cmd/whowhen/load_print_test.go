package main

import (
	"testing"

	"whowhen.dev/whowhen/cmd/internal/load"
)

// TestTakenText holds that a load that was interrupted claims no more than it knows.
func TestTakenText(t *testing.T) {
	for _, test := range []struct {
		accepted, unanswered uint64
		want                 string
	}{
		{0, 0, ""},
		{1, 0, "1 row was taken before that."},
		{125_886, 0, "125,886 rows were taken before that."},
		{125_886, 16_384, "At least 125,886 rows were taken before that."},
		{0, 16_384, "Up to 16,384 rows may have been taken before that."},
	} {
		if got := takenText(&load.Summary{Counts: load.Counts{Accepted: test.accepted}, Unanswered: test.unanswered}); got != test.want {
			t.Errorf("%d and %d: %q, want %q", test.accepted, test.unanswered, got, test.want)
		}
	}
}
