package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"pgregory.net/rapid"
)

// content is what the tests keep under a key: noise that follows from the key and size.
func content(key string, size int) []byte {
	h := fnv.New64a()
	h.Write([]byte(key))
	var seed [32]byte
	copy(seed[:], h.Sum(nil))
	b := make([]byte, size)
	rand.NewChaCha8(seed).Read(b)
	return b
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{MemTableBytes: minMemTableBytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *Store, key string, value []byte) {
	t.Helper()
	w := s.Writer()
	if err := errors.Join(w.Put([]byte(key), value), w.Flush()); err != nil {
		t.Fatal(err)
	}
}

func keysOf(t testing.TB, s *Store, prefix string) []string {
	t.Helper()
	var keys []string
	if err := s.Keys([]byte(prefix), func(key []byte, bytes int) error {
		keys = append(keys, fmt.Sprintf("%s %d", key, bytes))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	sizes := []int{0, 1, inlineBytes, inlineBytes + 1, partBytes - 1, partBytes, partBytes + 1, 2 * partBytes, 5 << 20}
	w := s.Writer()
	var want []string
	for i, size := range sizes {
		key := fmt.Sprintf("k%02d", i)
		want = append(want, fmt.Sprintf("%s %d", key, size))
		value := content(key, size)
		if err := w.Put([]byte(key), value); err != nil {
			t.Fatal(err)
		}
		clear(value) // the Writer must have copied it
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // then again after reopening
		for i, size := range sizes {
			key := fmt.Sprintf("k%02d", i)
			got, err := get(s, []byte(key))
			if err != nil || got == nil || !bytes.Equal(got, content(key, size)) {
				t.Errorf("size %d: got %d bytes, %v", size, len(got), err)
			}
		}
		if got := keysOf(t, s, "k"); !slices.Equal(got, want) {
			t.Errorf("Keys: %q, want %q", got, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
	}
	if entries := rawKeys(t, s, "bk00", "bk01", "bk02"); entries != 3 {
		t.Errorf("the three small blobs take %d entries", entries)
	}
}

// rawKeys counts the entries of Badger under some prefixes.
func rawKeys(t testing.TB, s *Store, prefixes ...string) int {
	t.Helper()
	n := 0
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			for _, p := range prefixes {
				if bytes.HasPrefix(it.Item().Key(), []byte(p)) {
					n++
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRandomBlobs(t *testing.T) {
	s := open(t, t.TempDir())
	type blob struct {
		key  string
		size int
	}
	generation := 0
	rapid.Check(t, func(t *rapid.T) {
		generation++
		prefix := fmt.Sprintf("%06d/", generation)
		blobs := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) blob {
			return blob{
				// Keys that are prefixes of each other, and look like part numbers.
				prefix + rapid.StringMatching("[\x00\x01a]{0,6}").Draw(t, "key"),
				rapid.IntRange(0, 3*partBytes).Draw(t, "size"),
			}
		}), 1, 5, func(b blob) string { return b.key }).Draw(t, "blobs")
		w := s.Writer()
		defer w.Cancel()
		for _, b := range blobs {
			if err := w.Put([]byte(b.key), content(b.key, b.size)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		gone := rapid.IntRange(0, len(blobs)).Draw(t, "deleted")
		var keys [][]byte
		for _, b := range blobs[:gone] {
			keys = append(keys, []byte(b.key))
		}
		if err := s.Delete(append(keys, []byte("never written"))); err != nil {
			t.Fatal(err)
		}
		for i, b := range blobs {
			got, err := get(s, []byte(b.key))
			switch {
			case i < gone && !errors.Is(err, ErrMissing):
				t.Fatalf("deleted %q: %v", b.key, err)
			case i >= gone && (err != nil || !bytes.Equal(got, content(b.key, b.size))):
				t.Fatalf("%q of %d bytes: got %d, %v", b.key, b.size, len(got), err)
			}
		}
		var listed []string
		if err := s.Keys([]byte(prefix), func(key []byte, _ int) error {
			listed = append(listed, string(key))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, b := range blobs[gone:] {
			want = append(want, b.key)
		}
		slices.Sort(want)
		if !slices.Equal(listed, want) {
			t.Fatalf("Keys: %q, want %q", listed, want)
		}
	})
}

func TestDeleteLeavesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "big", content("big", 3*partBytes))
	put(t, s, "small", []byte("x"))
	if err := s.Delete([][]byte{[]byte("big"), []byte("small")}); err != nil {
		t.Fatal(err)
	}
	if n := rawKeys(t, s, "b", "p"); n != 0 {
		t.Errorf("%d entries left", n)
	}
}

func TestManifest(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Manifest(); !errors.Is(err, ErrMissing) {
		t.Errorf("before the first: %v", err)
	}
	for _, size := range []int{0, 10, MaxManifestBytes} {
		if err := s.SetManifest(content("m", size)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Manifest()
		if err != nil || !bytes.Equal(got, content("m", size)) {
			t.Errorf("size %d: %d bytes, %v", size, len(got), err)
		}
	}
	if err := s.SetManifest(make([]byte, MaxManifestBytes+1)); err == nil {
		t.Error("an oversized manifest was taken")
	}
}

func TestLimits(t *testing.T) {
	s := open(t, t.TempDir())
	w := s.Writer()
	if w.Put(nil, nil) == nil || w.Put(make([]byte, MaxKeyBytes+1), nil) == nil {
		t.Error("a bad key was taken")
	}
	key := bytes.Repeat([]byte("k"), MaxKeyBytes)
	if err := errors.Join(w.Put(key, content("", 2*partBytes)), w.Flush()); err != nil {
		t.Fatalf("the longest key: %v", err)
	}
	if _, err := get(s, key); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.TempDir(), Options{MemTableBytes: 1}); err == nil {
		t.Error("a tiny memtable was taken")
	}
}

func TestRoom(t *testing.T) {
	full := errors.New("disk nearly full")
	asked := int64(0)
	s, err := Open(t.TempDir(), Options{Room: func(n int64) error {
		if asked += n; asked > 20<<20 {
			return full
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put(t, s, "before", nil)
	w := s.Writer()
	for i := range 1000 {
		if err = w.Put(fmt.Append(nil, i), content("", partBytes)); err != nil {
			break
		}
	}
	if !errors.Is(err, full) || !errors.Is(w.Flush(), full) || !errors.Is(s.SetManifest(nil), full) {
		t.Errorf("got %v", err)
	}
	if err := s.Delete([][]byte{[]byte("before")}); err != nil {
		t.Errorf("Delete must work without room: %v", err)
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var locked *LockedError
	if _, err := Open(dir, Options{}); !errors.As(err, &locked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open: %v", err)
	}
	if err := Destroy(dir); !errors.As(err, &locked) {
		t.Errorf("Destroy: %v", err)
	}
	put(t, s, "still", []byte("alive"))
}

func TestClosed(t *testing.T) {
	s := open(t, t.TempDir())
	w := s.Writer()
	if err := w.Put([]byte("k"), nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	w2 := s.Writer()
	_, getErr := get(s, []byte("k"))
	for _, err := range []error{getErr, w.Flush(), w2.Put([]byte("k"), nil), s.SetManifest(nil), s.Compact(), s.Delete([][]byte{{1}})} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	w.Cancel()
}

func TestDestroy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	if err := Destroy(dir); err != nil {
		t.Errorf("nothing there: %v", err)
	}
	s := open(t, dir)
	put(t, s, "k", []byte("v"))
	s.Close()
	foreign := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(foreign, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Destroy(dir); err == nil || !strings.Contains(err.Error(), foreign) {
		t.Errorf("with a foreign file: %v", err)
	}
	if err := os.Remove(foreign); err != nil {
		t.Fatal(err)
	}
	if err := Destroy(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(dir + "*"); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if err := os.MkdirAll(doomed(dir), 0o755); err != nil { // as after a crash
		t.Fatal(err)
	}
	s = open(t, dir)
	if got := keysOf(t, s, ""); len(got) != 0 {
		t.Errorf("after Destroy: %q", got)
	}
	if _, err := os.Stat(doomed(dir)); err == nil {
		t.Error("Open left the doomed directory")
	}
}

// get reads a blob in both ways, which must agree.
func get(s *Store, key []byte) ([]byte, error) {
	got, err := s.Get(key)
	var seen []byte
	seenErr := s.View(key, func(value []byte) error {
		seen = bytes.Clone(value)
		return nil
	})
	var damaged, seenDamaged *DamageError
	switch {
	case !bytes.Equal(got, seen):
		return nil, fmt.Errorf("Get has %d bytes, View has %d: %v, %v", len(got), len(seen), err, seenErr)
	case (err == nil) != (seenErr == nil), errors.Is(err, ErrMissing) != errors.Is(seenErr, ErrMissing), errors.As(err, &damaged) != errors.As(seenErr, &seenDamaged):
		return nil, fmt.Errorf("Get says %v, View says %v", err, seenErr)
	}
	return got, err
}

func TestViewReturnsItsCallersError(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "a", content("a", 100))
	mine := errors.New("mine")
	if err := s.View([]byte("a"), func([]byte) error { return mine }); err != mine {
		t.Errorf("View returns %v", err)
	}
}
