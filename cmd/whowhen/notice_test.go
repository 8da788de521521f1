package main

import (
	"bytes"
	"testing"
	"time"

	"whowhen.dev/whowhen/cmd/internal/load"
)

func TestNotice(t *testing.T) {
	now := time.Unix(0, 0)
	for _, c := range []struct {
		name  string
		width int
		want  string
	}{
		{"terminal", 12, "\r0123456789a\rshort      \r     \r"},
		{"elsewhere", 0, "0123456789abcdef\nshort\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			m := &Main{Stderr: &out, StderrWidth: c.width, Clock: load.Clock{Now: func() time.Time { return now }}}
			n := m.newNotice(0)
			n.show("0123456789abcdef")
			now = now.Add(lineEvery)
			n.show("short")
			n.end()
			n.end()
			if out.String() != c.want {
				t.Errorf("%q, want %q", &out, c.want)
			}
		})
	}
	var out bytes.Buffer
	m := &Main{Stderr: &out, Clock: load.Clock{Now: func() time.Time { return now }}}
	n := m.newNotice(time.Second)
	n.show("too soon")
	n.end()
	if out.Len() > 0 {
		t.Errorf("%q", &out)
	}
}
