package segments_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"whowhen.dev/whowhen/segments"
)

func mark(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "apps/default/clean-shutdown"))
	return err == nil
}

// TestCleanShutdown sees the mark come and go.
func TestCleanShutdown(t *testing.T) {
	dir, trials := t.TempDir(), 0
	o := segments.Options{TryIndex: func(context.Context, string) error {
		trials++
		return nil
	}}
	for round := range 3 {
		home, a := open(t, dir, o)
		if mark(dir) {
			t.Fatalf("round %d: an open app has the mark of one that was closed", round)
		}
		fill(t, a, round, round+1)
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
		if !mark(dir) {
			t.Fatalf("round %d: no mark", round)
		}
	}
	if trials != 0 {
		t.Errorf("the index was tried %d times after an orderly end", trials)
	}
	if v := verify(t, dir); len(v.Findings) > 0 || len(v.Notes) > 0 || !mark(dir) {
		t.Errorf("verifying is no use of the app: %+v", v)
	}
}

func TestIndexIsTriedAfterAKill(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		rebuilt bool
	}{
		{"in order", nil, false},
		{"untried", fmt.Errorf("%w: no such program", segments.ErrIndexUntried), false},
		{"died", errors.New("signal: bus error"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, want := killed(t)
			var tried []string
			_, a := open(t, dir, segments.Options{TryIndex: func(_ context.Context, dir string) error {
				tried = append(tried, dir)
				return c.err
			}})
			if len(tried) != 1 || tried[0] != filepath.Join(dir, "apps/default/index") {
				t.Errorf("tried %q", tried)
			}
			status, err := a.Status()
			if err != nil {
				t.Fatal(err)
			}
			if rebuilt := strings.Contains(status.Recovery, "built again from the log"); rebuilt != c.rebuilt {
				t.Errorf("recovery: %q", status.Recovery)
			}
			if c.rebuilt && !strings.Contains(status.Recovery, "signal: bus error") {
				t.Errorf("recovery: %q", status.Recovery)
			}
			if got := answers(t, a); got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
		})
	}
	t.Run("no index", func(t *testing.T) {
		dir, want := killed(t)
		if err := os.RemoveAll(filepath.Join(dir, "apps/default/index")); err != nil {
			t.Fatal(err)
		}
		_, a := open(t, dir, segments.Options{TryIndex: func(context.Context, string) error {
			t.Error("tried an index that is not there")
			return nil
		}})
		if got := answers(t, a); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	})
}

func TestTryIndex(t *testing.T) {
	dir, want := killed(t)
	index := filepath.Join(dir, "apps/default/index")
	if err := segments.TryIndex(index); !errors.Is(err, segments.ErrIndexUntried) {
		t.Errorf("nobody has the directory open: %v", err)
	}
	if err := segments.TryIndex(t.TempDir()); !errors.Is(err, segments.ErrIndexUntried) {
		t.Errorf("not in a data directory: %v", err)
	}
	home, err := segments.OpenHome(dir, segments.Options{TryIndex: func(_ context.Context, dir string) error { return segments.TryIndex(dir) }})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if err := segments.TryIndex(index + "s"); !errors.Is(err, segments.ErrIndexUntried) {
		t.Errorf("a missing one: %v", err)
	}
	if _, err := os.Stat(index + "s"); err == nil {
		t.Error("it made an index")
	}
	manifest := filepath.Join(index, "MANIFEST")
	good, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, []byte("no manifest"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := segments.TryIndex(index); err == nil || errors.Is(err, segments.ErrIndexUntried) {
		t.Errorf("damaged: %v", err)
	}
	if err := os.WriteFile(manifest, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := segments.TryIndex(index); err != nil {
		t.Errorf("in order: %v", err)
	}
	if left := files(t, dir, "index/*.mem"); len(left) > 0 {
		t.Errorf("not replayed: %v", left)
	}
	a, err := home.App("")
	if err != nil {
		t.Fatal(err)
	}
	if err := segments.TryIndex(index); !errors.Is(err, segments.ErrIndexUntried) {
		t.Errorf("in use: %v", err)
	}
	status, err := a.Status()
	if err != nil || status.Recovery != "" {
		t.Errorf("%q, %v", status.Recovery, err)
	}
	if got := answers(t, a); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
