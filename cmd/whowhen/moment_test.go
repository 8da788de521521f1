package main

import (
	"testing"
	"time"
)

func TestParseMoment(t *testing.T) {
	for _, c := range []struct{ text, zone, want string }{
		{"2026-03-31", "UTC", "2026-03-31T00:00:00Z"},
		{"2026-03-31", "Asia/Kolkata", "2026-03-30T18:30:00Z"},
		{"2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"}, // its first hour was skipped
		{"2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00Z"},
		{"2011-12-30", "Pacific/Apia", ""}, // there was no such day
		{"1993-08-21", "Pacific/Kwajalein", ""},
		{"2026-02-30", "UTC", ""},
		{"2026-01-31T18:00:00+02:00", "UTC", "2026-01-31T16:00:00Z"},
	} {
		got, err := parseMoment("--as-of", c.text, func() (*time.Location, error) { return time.LoadLocation(c.zone) })
		switch {
		case c.want == "" && err == nil:
			t.Errorf("%s in %s: %v, want an error", c.text, c.zone, got)
		case c.want != "" && (err != nil || got.UTC().Format(time.RFC3339) != c.want):
			t.Errorf("%s in %s: %v, %v, want %s", c.text, c.zone, got.UTC(), err, c.want)
		}
	}
}
