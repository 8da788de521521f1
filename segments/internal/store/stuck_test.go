package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// block puts directories where Badger will create its next tables: a real failure of every flush.
func block(t *testing.T, dir string) (unblock func()) {
	t.Helper()
	for i := 1; i <= 400; i++ {
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("%06d.sst", i)), 0o755); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	return func() {
		for i := 1; i <= 400; i++ {
			p := filepath.Join(dir, fmt.Sprintf("%06d.sst", i))
			if st, err := os.Stat(p); err == nil && st.IsDir() {
				os.Remove(p)
			}
		}
	}
}

// within returns what f does, if it ends in time.
func within(t *testing.T, what string, d time.Duration, f func() error) (err error, ended bool) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err, true
	case <-time.After(d):
		t.Errorf("%s has not returned after %v", what, d)
		return nil, false
	}
}

func fill(s *Store) error {
	w := s.Writer()
	defer w.Cancel()
	for i := range 400 {
		key := fmt.Sprintf("f%04d", i)
		if err := w.Put([]byte(key), content(key, 100_000)); err != nil {
			return err
		}
	}
	return w.Flush()
}

// smallStore returns a store that rotates its memtable soon, and holds a blob named old.
func smallStore(t *testing.T) (s *Store, dir string) {
	t.Helper()
	dir = t.TempDir()
	s, err := Open(dir, Options{MemTableBytes: minMemTableBytes})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "old", content("old", 100_000))
	return s, dir
}

// TestNothingHangs holds that calls end, with an error, when Badger can write no table any more.
func TestNothingHangs(t *testing.T) {
	t.Parallel()
	s, dir := smallStore(t)
	t.Cleanup(block(t, dir))
	stuck := new(StuckError)
	if err, ended := within(t, "filling it", 30*time.Second, func() error { return fill(s) }); ended && !errors.As(err, &stuck) {
		t.Errorf("a writer is told %v", err)
	}
	// Whether a read can be answered depends on what Badger was doing; that it ends does not.
	if err, ended := within(t, "a read", 20*time.Second, func() error { _, err := s.Get([]byte("old")); return err }); ended && err != nil && !errors.As(err, &stuck) {
		t.Errorf("a reader is told %v", err)
	}
	if err, ended := within(t, "SetManifest", 20*time.Second, func() error { return s.SetManifest([]byte("m")) }); ended && !errors.As(err, &stuck) {
		t.Errorf("SetManifest is told %v", err)
	}
	if err, ended := within(t, "Close", 20*time.Second, s.Close); ended && !errors.As(err, &stuck) {
		t.Errorf("Close is told %v", err)
	}
}

// TestCloseOnABadDisk holds that what was flushed is there after a Close that had to give up.
func TestCloseOnABadDisk(t *testing.T) {
	t.Parallel()
	s, dir := smallStore(t)
	unblock := block(t, dir)
	t.Cleanup(unblock)
	stuck := new(StuckError)
	if err, ended := within(t, "Close", 20*time.Second, s.Close); ended && !errors.As(err, &stuck) {
		t.Errorf("Close is told %v", err)
	}
	unblock()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		again, err := Open(dir, Options{}) // once Badger, which goes on trying, has ended
		if locked := new(LockedError); errors.As(err, &locked) && time.Now().Before(deadline) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Get([]byte("old")); err != nil {
			t.Error(err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
		return
	}
}

// TestOpenOnABadDisk has Badger's Open fail, and the table of what it replayed too.
func TestOpenOnABadDisk(t *testing.T) {
	t.Parallel()
	s, dir := smallStore(t)
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(copied, "*.vlog"))
	if err != nil || len(names) == 0 {
		t.Fatal("no value log", err)
	}
	for _, n := range names {
		if err := errors.Join(os.Remove(n), os.MkdirAll(filepath.Join(n, "in the way"), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(block(t, copied))
	stuck := new(StuckError)
	if err, ended := within(t, "Open", 20*time.Second, func() error { _, err := Open(copied, Options{MemTableBytes: minMemTableBytes}); return err }); ended && !errors.As(err, &stuck) {
		t.Errorf("Open is told %v", err)
	}
}

// TestGivenUpManifest holds that a manifest that was refused does not come into force beside what is written later.
func TestGivenUpManifest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, Options{MemTableBytes: minMemTableBytes})
	if err != nil {
		t.Fatal(err)
	}
	unblock := block(t, dir)
	t.Cleanup(unblock)
	refused := ""
	for begun := time.Now(); refused == ""; {
		if time.Since(begun) > 40*time.Second {
			t.Fatal("none was refused")
		}
		m := fmt.Sprintf("%06d", time.Since(begun).Milliseconds()) + string(make([]byte, MaxManifestBytes-6))
		if err := s.SetManifest([]byte(m)); err != nil {
			refused = m[:6]
		}
	}
	unblock()
	time.Sleep(settled)
	if err := s.SetManifest([]byte("later")); err == nil {
		if m, err := s.Manifest(); err != nil || string(m) != "later" {
			t.Errorf("set later, and it is %.6q, refused %q, %v", m, refused, err)
		}
	}
	within(t, "Close", 20*time.Second, s.Close)
}

// TestLostMemtable has Badger fail to make its next write-ahead file, after which it ends the process at the next write.
func TestLostMemtable(t *testing.T) {
	t.Parallel()
	s, dir := smallStore(t)
	for i := 2; i < 9; i++ {
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprintf("%05d.mem", i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := fill(s); err == nil {
		t.Fatal("no write failed")
	}
	stuck := new(StuckError)
	if _, err := s.Get([]byte("old")); !errors.As(err, &stuck) {
		t.Errorf("a reader is told %v", err)
	}
	if err := s.SetManifest([]byte("m")); !errors.As(err, &stuck) {
		t.Errorf("SetManifest is told %v", err)
	}
	within(t, "Close", 20*time.Second, s.Close)
}
