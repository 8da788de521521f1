package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

func wantDamage(t *testing.T, what string, err error) {
	t.Helper()
	var d *DamageError
	if !errors.As(err, &d) {
		t.Errorf("%s: got %v, want a DamageError", what, err)
	}
}

// rawGet and rawSet read and write past the frames.
func rawGet(t *testing.T, s *Store, slot []byte) (value []byte) {
	t.Helper()
	err := s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(slot)
		if err == nil {
			value, err = item.ValueCopy(nil)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func rawSet(t *testing.T, s *Store, slot, value []byte) {
	t.Helper()
	if err := s.db.Update(func(txn *badger.Txn) error {
		if value == nil {
			return txn.Delete(slot)
		}
		return txn.Set(slot, value)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestMissingPart(t *testing.T) {
	s := open(t, t.TempDir())
	for part := range uint32(3) {
		key := fmt.Sprint("k", part)
		put(t, s, key, content(key, 2*partBytes+1))
		rawSet(t, s, partKey([]byte(key), part), nil)
		_, err := get(s, []byte(key))
		wantDamage(t, key, err)
	}
}

func TestForeignFrames(t *testing.T) {
	s := open(t, t.TempDir())
	for _, key := range []string{"a", "b"} {
		put(t, s, key, content(key, 2*partBytes))
		put(t, s, "small "+key, []byte("v"))
	}
	if err := s.SetManifest([]byte("v")); err != nil {
		t.Fatal(err)
	}
	a, small := []byte("a"), []byte("small a")
	for _, c := range []struct {
		name     string
		from, to []byte
		key      []byte
	}{
		{"another key's part", partKey([]byte("b"), 0), partKey(a, 0), a},
		{"another part of the key", partKey(a, 1), partKey(a, 0), a},
		{"another key's header", blobKey([]byte("b")), blobKey(a), a},
		{"a part as a blob", partKey(a, 0), blobKey(a), a},
		{"another small blob", blobKey([]byte("small b")), blobKey(small), small},
		{"the manifest as a blob", []byte{slotManifest}, blobKey(small), small},
	} {
		was := rawGet(t, s, c.to)
		rawSet(t, s, c.to, rawGet(t, s, c.from))
		_, err := get(s, c.key)
		wantDamage(t, c.name, err)
		if err := s.Delete([][]byte{c.key}); err != nil {
			t.Errorf("%s: Delete: %v", c.name, err)
		}
		if n := rawKeys(t, s, "p"+string(c.key)); n != 0 {
			t.Errorf("%s: Delete left %d parts", c.name, n)
		}
		rawSet(t, s, c.to, was)
		put(t, s, "a", content("a", 2*partBytes))
		if _, err := get(s, c.key); err != nil {
			t.Fatalf("%s, mended: %v", c.name, err)
		}
	}
}

func TestFlippedFrameBytes(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "k", []byte("some small value"))
	put(t, s, "big", content("big", inlineBytes+1))
	if err := s.SetManifest([]byte("the manifest")); err != nil {
		t.Fatal(err)
	}
	get := func(key string) func() error {
		return func() error { _, err := get(s, []byte(key)); return err }
	}
	for _, c := range []struct {
		name string
		slot []byte
		read func() error
	}{
		{"blob", blobKey([]byte("k")), get("k")},
		{"header", blobKey([]byte("big")), get("big")},
		{"manifest", []byte{slotManifest}, func() error { _, err := s.Manifest(); return err }},
	} {
		good := rawGet(t, s, c.slot)
		for i := range good {
			for _, mask := range []byte{0x01, 0x80, 0xff} {
				bad := bytes.Clone(good)
				bad[i] ^= mask
				rawSet(t, s, c.slot, bad)
				wantDamage(t, fmt.Sprintf("%s, byte %d xor %#x", c.name, i, mask), c.read())
			}
			rawSet(t, s, c.slot, append([]byte{}, good[:i]...))
			wantDamage(t, fmt.Sprintf("%s cut to %d", c.name, i), c.read())
		}
		rawSet(t, s, c.slot, append(bytes.Clone(good), 0))
		wantDamage(t, c.name+" with a byte more", c.read())
		rawSet(t, s, c.slot, good)
		if err := c.read(); err != nil {
			t.Errorf("%s, mended: %v", c.name, err)
		}
	}
}

func FuzzFrame(f *testing.F) {
	good, _ := frame(kindWhole, []byte("k"), 0, []byte("value"))
	f.Add(good)
	f.Add([]byte{})
	f.Add(good[:5])
	f.Fuzz(func(t *testing.T, b []byte) {
		k, payload, _, err := appendPayload(nil, b, []byte("k"), 0)
		if err != nil {
			return
		}
		if again, _ := frame(k, []byte("k"), 0, payload); !bytes.Equal(again, b) {
			t.Errorf("%x and %x are read as the same frame", b, again)
		}
		if h, err := decodeHeader(payload); err == nil && !bytes.Equal(h.encode(), payload) {
			t.Errorf("header %x is read as %+v", payload, h)
		}
	})
}

// filled makes a closed index of one table with blobs of several sizes, and a directory to damage.
func filled(t *testing.T) (dir string, sizes map[string]int) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	sizes = map[string]int{}
	w := s.Writer()
	for i := range 200 {
		key := fmt.Sprintf("k%03d", i)
		sizes[key] = []int{10, 1000, 5000, 40_000}[i%4]
		if err := w.Put([]byte(key), content(key, sizes[key])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, sizes
}

func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s: %q %v", pattern, names, err)
	}
	return names[0]
}

// checkReads fails on a value that is wrong; missing and damaged ones are what damage looks like.
func checkReads(t *testing.T, s *Store, sizes map[string]int) (unread int) {
	t.Helper()
	for key, size := range sizes {
		got, err := get(s, []byte(key))
		var d *DamageError
		switch {
		case err == nil && !bytes.Equal(got, content(key, size)):
			t.Fatalf("%s: a wrong value", key)
		case err != nil && !errors.Is(err, ErrMissing) && !errors.As(err, &d):
			t.Fatalf("%s: %v", key, err)
		case err != nil:
			unread++
		}
	}
	return unread
}

func TestDamagedTable(t *testing.T) {
	dir, sizes := filled(t)
	name := only(t, dir, "*.sst")
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var at []int
	for i := range 60 {
		at = append(at, i*len(good)/60)
	}
	for i := 1; i < 40; i++ {
		at = append(at, len(good)-i, len(good)-i*300)
	}
	unread := 0
	for _, i := range at {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		write(bad)
		_, err := Open(dir, Options{MemTableBytes: minMemTableBytes})
		wantDamage(t, fmt.Sprintf("byte %d of %d", i, len(good)), err)
		if i%5 != 0 {
			continue
		}
		s, err := Open(dir, Options{MemTableBytes: minMemTableBytes, SkipBlockCheck: true})
		if err != nil {
			wantDamage(t, "without the check of blocks", err)
			continue
		}
		unread += checkReads(t, s, sizes)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		write(good)
	}
	if unread == 0 {
		t.Error("no damage was left for Get to find")
	}
	for _, n := range []int{0, 1, 8, 20, 1000, len(good) - 1} {
		write(good[:n])
		_, err := Open(dir, Options{})
		wantDamage(t, fmt.Sprintf("cut to %d", n), err)
	}
	write(good)
	s := open(t, dir)
	if n := checkReads(t, s, sizes); n != 0 {
		t.Errorf("mended, %d unread", n)
	}
}

func TestDamagedDirectory(t *testing.T) {
	for _, c := range []struct {
		name    string
		damage  func(dir string) error
		survive bool
	}{
		{"table removed", func(dir string) error { return os.Remove(only(t, dir, "*.sst")) }, false},
		{"manifest removed", func(dir string) error { return os.Remove(filepath.Join(dir, "MANIFEST")) }, false},
		{"manifest empty", func(dir string) error { return os.Truncate(filepath.Join(dir, "MANIFEST"), 0) }, false},
		{"key registry empty", func(dir string) error { return os.Truncate(filepath.Join(dir, "KEYREGISTRY"), 0) }, false},
		{"manifest flipped", func(dir string) error {
			b, err := os.ReadFile(filepath.Join(dir, "MANIFEST"))
			if err != nil {
				return err
			}
			b[len(b)-1] ^= 1
			return os.WriteFile(filepath.Join(dir, "MANIFEST"), b, 0o600)
		}, false},
		{"statistics cut", func(dir string) error { return os.Truncate(filepath.Join(dir, "DISCARD"), 10) }, true},
		{"empty memtable", func(dir string) error { return os.WriteFile(filepath.Join(dir, "00002.mem"), nil, 0o600) }, true},
		{"empty value log", func(dir string) error { return os.WriteFile(filepath.Join(dir, "000002.vlog"), nil, 0o600) }, true},
		{"half a new table", func(dir string) error { return os.WriteFile(filepath.Join(dir, "000099.sst"), []byte("half"), 0o600) }, true},
	} {
		dir, sizes := filled(t)
		if err := c.damage(dir); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{MemTableBytes: minMemTableBytes})
		if !c.survive {
			wantDamage(t, c.name, err)
			if err := Destroy(dir); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			s, err = Open(dir, Options{MemTableBytes: minMemTableBytes})
			sizes = nil
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if n := checkReads(t, s, sizes); n != 0 {
			t.Errorf("%s: %d blobs unread", c.name, n)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Badger ends the process when it replays a write-ahead file that does not fit a memtable.
func TestSmallerMemtableAfterCrash(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	s, err := Open(dir, Options{MemTableBytes: maxMemTableBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := s.Writer()
	sizes := map[string]int{}
	for i := range 350 {
		key := fmt.Sprintf("k%03d", i)
		sizes[key] = partBytes
		if err := w.Put([]byte(key), content(key, partBytes)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	// The files as a kill would leave them now.
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s2 := open(t, crashed)
	if n := checkReads(t, s2, sizes); n != 0 {
		t.Errorf("%d blobs unread", n)
	}
}
