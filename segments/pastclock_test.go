package segments

import (
	"testing"
	"time"
)

func TestPastClock(t *testing.T) {
	p := &pastClock{patience: time.Hour}
	begin := time.Now()
	steps := []struct {
		after time.Duration // since the beginning
		ahead time.Duration // of the clock
		want  time.Duration // since the beginning, -1 for nothing
	}{
		{0, 0, -1},
		{30 * time.Minute, 0, -1},
		{time.Hour, 0, 0},
		{90 * time.Minute, 365 * 24 * time.Hour, 30 * time.Minute}, // a leap
		{110 * time.Minute, 0, 30 * time.Minute},                   // set right
		{4 * time.Hour, 0, 110 * time.Minute},
		{6 * time.Hour, 24 * time.Hour, 4 * time.Hour},
		{6*time.Hour + 30*time.Minute, 24 * time.Hour, 4 * time.Hour},
		{7 * time.Hour, 24 * time.Hour, 30 * time.Hour}, // it has said so for an hour
		{7*time.Hour + time.Minute, 0, 7*time.Hour + time.Minute},
	}
	for i, s := range steps {
		at := begin.Add(s.after)
		want := int64(0)
		if s.want >= 0 {
			want = begin.Add(s.want).UnixMilli()
		}
		if got := p.pastAt(at, at.Add(s.ahead).UnixMilli()); got != want {
			t.Errorf("step %d: %v, want %v", i, time.UnixMilli(got).Sub(begin), s.want)
		}
	}
	for i := range 100_000 {
		at := begin.Add(8*time.Hour + time.Duration(i)*time.Second)
		p.pastAt(at, at.UnixMilli())
	}
	if len(p.looks) > 10 {
		t.Errorf("%d looks are kept", len(p.looks))
	}
}
