package segments

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProgressIsToldInALine(t *testing.T) {
	for _, c := range []struct {
		tell func(p *progress)
		want string
	}{
		{func(*progress) {}, "doing it"},
		{func(p *progress) { p.positions(1, 0, 5_000_000, 0) }, "doing it, position 0 of 5000000 (0 %)"},
		{func(p *progress) { p.positions(1, 1_200_000, 5_000_000, 0) }, "doing it, position 1200000 of 5000000 (24 %)"},
		{func(p *progress) { p.positions(4_000_001, 4_100_000, 5_000_000, 0) }, "doing it from position 4000001 on, now at 4100000 of 5000000 (10 %)"},
		{func(p *progress) { p.positions(5, 5, 5, 0) }, "doing it from position 5 on, now at 5 of 5 (100 %)"},
		{func(p *progress) { p.bytes(310<<20, 1200<<20) }, "doing it, 310 of 1200 MiB"},
		{func(p *progress) { p.bytes(1, 2) }, "doing it, 0 of 1 MiB"},
		{func(p *progress) { p.bytes(0, 0) }, "doing it"},
	} {
		changes := 0
		p := &progress{changed: func() { changes++ }}
		p.begin("doing it")
		c.tell(p)
		if got := p.String(); got != c.want || changes == 0 {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestProgressIsLogged(t *testing.T) {
	var log bytes.Buffer
	p := &progress{}
	p.begin("applying the log")
	p.positions(11, 20, 30, 500)
	stop := p.every(time.Millisecond, slog.New(slog.NewTextHandler(&log, nil)))
	time.Sleep(20 * time.Millisecond) // the ticker is the machine's
	stop()
	for _, want := range []string{`msg="applying the log" position=20 of=30 percent=50 positions_per_second=`, " records_per_second="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s has no %s", &log, want)
		}
	}
}

func TestCountedFileEndsWithItsContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	p := &progress{}
	p.begin("reading")
	counted, err := p.reading(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := io.Copy(io.Discard, counted); n != 3<<20 || err != nil {
			t.Fatal(n, err)
		}
		if got := p.String(); got != "reading, 3 of 3 MiB" {
			t.Error(got)
		}
		if _, err := counted.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if _, err := counted.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTrialIsBounded(t *testing.T) {
	hang := func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return errors.New("killed")
	}
	err := tryWithin(t.Context(), 5*time.Millisecond, "", hang)
	if err == nil || errors.Is(err, ErrIndexUntried) || !strings.Contains(err.Error(), "not open after 5ms") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tryWithin(ctx, time.Hour, "", hang); !errors.Is(err, context.Canceled) {
		t.Errorf("asked to stop: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "f"), 1<<30); err != nil {
		t.Fatal(err)
	}
	if got := trialPatience(dir); got != 5*time.Minute+16*time.Second {
		t.Error(got)
	}
}
