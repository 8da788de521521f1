package store

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

const (
	failedFlush = "error flushing memtable to disk: %v, retrying"
	badDisk     = "input/output error"
	fullDisk    = "no space left on device"
)

// hang returns a call that does not return until the test ends.
func hang(t *testing.T) func() error {
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	return func() error { <-end; return nil }
}

func outcome(t *testing.T, wait func() error) <-chan error {
	t.Helper()
	got := make(chan error, 1)
	go func() { got <- wait() }()
	return got
}

func TestWatchGivesUp(t *testing.T) {
	w := newWatch(nil)
	boom := errors.New("boom")
	if err, _ := w.await("x", func() error { return boom }, func() {}); err != boom {
		t.Errorf("what the call returns becomes %v", err)
	}
	using, ending := outcome(t, func() error { err, _ := w.await("use", hang(t), func() {}); return err }), outcome(t, func() error { return w.awaitEnd("end", hang(t)) })
	time.Sleep(10 * time.Millisecond) // both have begun
	for range lastPatience {
		w.Errorf("another message")
		w.Errorf(failedFlush, badDisk)
		time.Sleep(time.Millisecond)
	}
	stuck := new(StuckError)
	if err := <-ending; !errors.As(err, &stuck) || stuck.Doing != "end" {
		t.Errorf("the end is told %v", err)
	}
	select {
	case err := <-using:
		t.Fatalf("use ends after %d failures: %v", lastPatience, err)
	default:
	}
	for range patience - lastPatience {
		w.Errorf(failedFlush, badDisk)
		time.Sleep(time.Millisecond)
	}
	if err := <-using; !errors.As(err, &stuck) || stuck.Doing != "use" {
		t.Errorf("use is told %v", err)
	}
	again := outcome(t, func() error { err, _ := w.await("again", hang(t), func() {}); return err })
	time.Sleep(10 * time.Millisecond)
	w.Errorf(failedFlush, badDisk)
	if err := <-again; !errors.As(err, &stuck) {
		t.Errorf("once it is stuck, use is told %v", err)
	}
}

// TestWatchWaitsForRoom holds that a full disk stops nobody for good, and that what failed long ago does not count.
func TestWatchWaitsForRoom(t *testing.T) {
	w := newWatch(nil)
	var now atomic.Int64
	w.clock = func() time.Time { return time.Unix(now.Load(), 0) }
	now.Store(1_700_000_000)
	release := make(chan struct{})
	using := outcome(t, func() error { err, _ := w.await("use", func() error { <-release; return nil }, func() {}); return err })
	time.Sleep(10 * time.Millisecond)
	for range 3 * patience {
		w.Errorf(failedFlush, fullDisk)
		time.Sleep(time.Millisecond)
	}
	for range 3 * patience {
		now.Add(int64(2 * apart / time.Second))
		w.Errorf(failedFlush, badDisk)
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-using:
		t.Fatalf("given up: %v", err)
	default:
	}
	close(release)
	if err := <-using; err != nil {
		t.Error(err)
	}
}
