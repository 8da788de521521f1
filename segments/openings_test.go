package segments_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
)

// killed returns a copy of an app's directory as it is while the app runs, which is what a kill leaves, and what the
// app answers.
func killed(t *testing.T) (dir, want string) {
	t.Helper()
	running := t.TempDir()
	_, a := open(t, running, segments.Options{})
	fill(t, a, 0, 20)
	want = answers(t, a)
	dir = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(running)); err != nil {
		t.Fatal(err)
	}
	return dir, want
}

// withoutIndex returns the directory of an app that was closed in order and whose index was deleted, and what the app answers.
func withoutIndex(t *testing.T, batches int) (dir, want string) {
	t.Helper()
	dir = t.TempDir()
	home, a := open(t, dir, segments.Options{})
	fill(t, a, 0, batches)
	want = answers(t, a)
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "apps/default/index")); err != nil {
		t.Fatal(err)
	}
	return dir, want
}

// held are options with which the opening of an app that was not closed in order waits for what is sent.
func held() (o segments.Options, begun chan string, result chan error) {
	begun, result = make(chan string, 1), make(chan error, 1)
	return segments.Options{OpenWait: 10 * time.Millisecond, TryIndex: func(ctx context.Context, dir string) error {
		begun <- dir
		select {
		case err := <-result:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}}, begun, result
}

func TestCallersAreToldOfAnOpening(t *testing.T) {
	dir, want := killed(t)
	o, begun, result := held()
	home, err := segments.OpenHome(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if lines := home.Openings(); len(lines) > 0 {
		t.Errorf("before anything is asked for: %q", lines)
	}
	wait, err := home.OpenApps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if lines := home.Openings(); len(lines) != 1 {
		t.Errorf("at once: %q", lines)
	}
	<-begun
	const line = "app default: trying the index in a process of its own, since the last shutdown was not clean"
	if lines := home.Openings(); len(lines) != 1 || lines[0] != line {
		t.Errorf("%q", lines)
	}
	_, err = home.ReadyApp(t.Context(), "")
	if known := (*segments.Error)(nil); !errors.As(err, &known) || known.Reason != segments.Starting || !known.Retryable || known.Message != line {
		t.Errorf("%+v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := home.ReadyApp(gone, ""); !errors.Is(err, context.Canceled) && reasonOf(err) != segments.Starting {
		t.Errorf("%+v", err)
	}
	if _, err := home.ReadyApp(t.Context(), "shop"); reasonOf(err) != segments.AppUnknown {
		t.Errorf("another app: %+v", err)
	}
	result <- nil
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	if lines := home.Openings(); len(lines) > 0 {
		t.Errorf("%q", lines)
	}
	a, err := home.ReadyApp(gone, "")
	if err != nil {
		t.Fatal("an open app is there at once", err)
	}
	if got := answers(t, a); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestAnotherAppIsOpenedMeanwhile has one app that takes for ever, and others that do not wait for it.
func TestAnotherAppIsOpenedMeanwhile(t *testing.T) {
	dir, _ := killed(t)
	o, begun, _ := held()
	home, err := segments.OpenHome(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if _, err := home.OpenApps(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-begun
	if _, err := home.CreateApp("shop", "Asia/Tokyo"); err != nil {
		t.Fatal(err)
	}
	if _, err := home.ReadyApp(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
}

func TestCloseEndsAnOpening(t *testing.T) {
	dir, want := killed(t)
	o, begun, _ := held()
	home, err := segments.OpenHome(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := home.App("")
		waiting <- err
	}()
	<-begun
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; reasonOf(err) != segments.Closed {
		t.Errorf("%+v", err)
	}
	if _, err := home.App(""); reasonOf(err) != segments.Closed {
		t.Errorf("after Close: %+v", err)
	}
	if _, a := open(t, dir, segments.Options{}); answers(t, a) != want {
		t.Error("other answers after an opening that was given up")
	}
}

// TestInterruptedOpenings gives up openings that build the index again at ever later moments, until one is through.
func TestInterruptedOpenings(t *testing.T) {
	t.Run("from the log", func(t *testing.T) {
		dir, want := withoutIndex(t, 400)
		interruptOpenings(t, dir, want)
	})
	t.Run("from a snapshot", func(t *testing.T) {
		dir := snapshotted(t)
		home, a := open(t, dir, segments.Options{})
		want := answers(t, a)
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
		removed(t, filepath.Join(dir, "apps/default/index"))
		interruptOpenings(t, dir, want)
	})
}

func interruptOpenings(t *testing.T, dir, want string) {
	t.Helper()
	interrupted := 0
	for patience := time.Millisecond; ; patience += patience/2 + time.Millisecond {
		home, err := segments.OpenHome(dir, segments.Options{CheckpointBytes: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		wait, err := home.OpenApps(ctx)
		if err != nil {
			t.Fatal(err)
		}
		err = wait()
		inTime := ctx.Err() == nil
		cancel()
		if err == nil {
			a, err := home.App("")
			if err != nil {
				t.Fatal(err)
			}
			if got := answers(t, a); got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
		} else if interrupted++; inTime || reasonOf(err) != segments.Closed {
			t.Fatalf("after %v: %v", patience, err)
		}
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			break
		}
	}
	if v := verify(t, dir); len(v.Findings) > 0 {
		t.Errorf("%+v", v.Findings)
	}
	t.Logf("%d openings were interrupted", interrupted)
	if interrupted == 0 {
		t.Error("no opening was interrupted")
	}
}

func TestCorruptLogEndsTheOpening(t *testing.T) {
	dir, want := withoutIndex(t, 20)
	segment := files(t, dir, "log/*.log")[0]
	data, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(segment, data, 0o600); err != nil {
		t.Fatal(err)
	}
	home, err := segments.OpenHome(dir, segments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	wait, err := home.OpenApps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(); err == nil || !strings.Contains(err.Error(), "app default: log: "+segment+" is corrupt at byte ") {
		t.Errorf("%v", err)
	}
	if lines := home.Openings(); len(lines) > 0 {
		t.Errorf("%q", lines)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(segment, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := home.App(""); err == nil {
		t.Error("what failed when all were opened is tried again")
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	_, a := open(t, dir, segments.Options{})
	if got := answers(t, a); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
