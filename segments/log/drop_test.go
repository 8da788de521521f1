package log

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestDrop(t *testing.T) {
	dir := t.TempDir()
	l, _, err := Open(dir, Options{SegmentBytes: 200})
	if err != nil {
		t.Fatal(err)
	}
	record := func(n uint64) []byte { return bytes.Repeat([]byte{byte(n)}, 50) }
	const records = 40
	for n := uint64(1); n <= records; n++ {
		if _, err := l.Append(record(n)); err != nil {
			t.Fatal(err)
		}
	}
	readAll := func(l *Log) {
		t.Helper()
		r := l.Read(l.First())
		defer r.Close()
		want := l.First()
		for ; ; want++ {
			position, payload, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || position != want || !bytes.Equal(payload, record(want)) {
				t.Fatalf("record %d: %d, %v", want, position, err)
			}
		}
		if want != l.Last()+1 {
			t.Fatalf("read up to %d, the last is %d", want-1, l.Last())
		}
	}
	inside := l.Read(1)
	if _, _, err := inside.Next(); err != nil {
		t.Fatal(err)
	}
	for _, before := range []uint64{0, 1, 2, 17, 17, 30, records + 100} {
		firstBefore, bytesBefore := l.First(), l.Bytes()
		if err := l.Drop(before); err != nil {
			t.Fatal(err)
		}
		if l.First() > max(before, firstBefore) && before <= records {
			t.Fatalf("Drop(%d) dropped up to %d", before, l.First()-1)
		}
		if (l.First() > firstBefore) != (l.Bytes() < bytesBefore) {
			t.Fatalf("Drop(%d): first %d to %d, bytes %d to %d", before, firstBefore, l.First(), bytesBefore, l.Bytes())
		}
		readAll(l)
	}
	if l.First() == 1 || l.Last() != records {
		t.Fatalf("holds %d to %d", l.First(), l.Last())
	}
	if _, _, err := inside.Next(); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Logf("a reader in a dropped segment: %v", err)
	}
	inside.Close()
	if _, err := l.Append(record(records + 1)); err != nil {
		t.Fatal(err)
	}
	first := l.First()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Drop(records); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("Drop after Close: %v", err)
	}
	l, _, err = Open(dir, Options{SegmentBytes: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.First() != first || l.Last() != records+1 {
		t.Fatalf("reopened with %d to %d, want %d to %d", l.First(), l.Last(), first, records+1)
	}
	readAll(l)
}

// TestDropFailing lets each operation of Drop fail once.
func TestDropFailing(t *testing.T) {
	for failing := range 8 {
		fs := osFiles()
		remove, calls := fs.remove, 0
		fs.remove = func(name string) error {
			if calls++; calls == failing+1 {
				return errors.New("disk trouble")
			}
			return remove(name)
		}
		dir := t.TempDir()
		l, _, err := open(dir, Options{SegmentBytes: 200}, fs)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, err := l.Append(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		_ = l.Drop(20)
		if _, err := l.Append([]byte("more")); err != nil {
			t.Fatalf("operation %d: after a failed Drop: %v", failing, err)
		}
		first, last := l.First(), l.Last()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l, _, err = Open(dir, Options{SegmentBytes: 200})
		if err != nil {
			t.Fatalf("operation %d: %v", failing, err)
		}
		if l.First() != first || l.Last() != last {
			t.Fatalf("operation %d: reopened with %d to %d, want %d to %d", failing, l.First(), l.Last(), first, last)
		}
		l.Close()
	}
}

// TestRollAndDrop has all records go, and the log go on after them.
func TestRollAndDrop(t *testing.T) {
	dir := t.TempDir()
	l, _, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for round := range uint64(3) {
		last, err := l.Append([]byte("a secret"), []byte("another"))
		if err != nil || last != 2*round+2 {
			t.Fatal(last, err)
		}
		for range 2 { // the second has nothing to do
			if err := errors.Join(l.Roll(), l.Drop(last+1)); err != nil {
				t.Fatal(err)
			}
		}
		if l.First() != last+1 || l.Last() != last {
			t.Fatalf("holds %d to %d, dropped up to %d", l.First(), l.Last(), last)
		}
		names, err := os.ReadDir(dir)
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		data, err := os.ReadFile(filepath.Join(dir, names[0].Name()))
		if err != nil || bytes.Contains(data, []byte("secret")) {
			t.Fatal("a dropped record is on disk, or ", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var cut Recovery
		if l, cut, err = Open(dir, Options{}); err != nil || cut != (Recovery{}) {
			t.Fatal(cut, err)
		}
		if l.First() != last+1 || l.Last() != last {
			t.Fatalf("opened again it holds %d to %d, dropped up to %d", l.First(), l.Last(), last)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Roll(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}
