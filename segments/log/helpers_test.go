package log

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// payloadAt is the record that every test writes at a position, so that any
// record can be judged by its position alone.
func payloadAt(pos uint64) []byte {
	b := bytes.Repeat([]byte{byte(pos*31 + 5)}, int(pos*7%23))
	return append(binary.BigEndian.AppendUint32(nil, uint32(pos*2654435761)), b...)
}

func payloadsFrom(pos uint64, n int) [][]byte {
	var p [][]byte
	for i := range n {
		p = append(p, payloadAt(pos+uint64(i)))
	}
	return p
}

// hastyFiles skips every flush: for tests that damage files by the thousand.
func hastyFiles() files {
	fs := osFiles()
	fs.sync = func(*os.File) error { return nil }
	fs.syncDir = func(*os.File) error { return nil }
	return fs
}

func mustOpen(t testing.TB, dir string, segmentBytes int64) *Log {
	t.Helper()
	l, rec, err := open(dir, Options{SegmentBytes: segmentBytes}, hastyFiles())
	if err != nil {
		t.Fatal(err)
	}
	if rec != (Recovery{}) {
		t.Fatalf("unexpected recovery %+v", rec)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustAppend(t testing.TB, l *Log, n int) {
	t.Helper()
	want := l.Last() + uint64(n)
	got, err := l.Append(payloadsFrom(l.Last()+1, n)...)
	if err != nil {
		t.Fatal(err)
	}
	if got != want || l.Last() != want {
		t.Fatalf("Append returned %d, Last %d, want %d", got, l.Last(), want)
	}
}

// mustEnd reads from position from to the end, which has to be last, and
// checks every record.
func mustEnd(t testing.TB, l *Log, from, last uint64) {
	t.Helper()
	end, err := readFrom(t, l, from)
	if err != nil {
		t.Fatal(err)
	}
	if end != last {
		t.Fatalf("read up to %d, want %d", end, last)
	}
}

// readFrom returns the last position read before the end or an error, and
// fails the test on any wrong record.
func readFrom(t testing.TB, l *Log, from uint64) (last uint64, err error) {
	t.Helper()
	r := l.Read(from)
	defer r.Close()
	last = from - 1
	for {
		pos, payload, err := r.Next()
		if err == io.EOF {
			return last, nil
		}
		if err != nil {
			return last, err
		}
		if pos != last+1 {
			t.Fatalf("record %d came after %d", pos, last)
		}
		if !bytes.Equal(payload, payloadAt(pos)) {
			t.Fatalf("record %d is %x, want %x", pos, payload, payloadAt(pos))
		}
		last = pos
	}
}

// image is the content of a log directory, by file name.
type image map[string][]byte

// sample returns a log of three segments, the names of its files in order, and
// the last position.
func sample(t testing.TB) (image, []string, uint64) {
	t.Helper()
	dir := t.TempDir()
	l := mustOpen(t, dir, 150)
	for range 9 {
		mustAppend(t, l, 2)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	m := readImage(t, dir)
	names := []string{}
	for _, s := range l.segments {
		names = append(names, filepath.Base(s.path))
	}
	if len(names) < 3 || len(names) != len(m) {
		t.Fatalf("sample has segments %v", names)
	}
	return m, names, l.Last()
}

func readImage(t testing.TB, dir string) image {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := image{}
	for _, e := range entries {
		if m[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// write replaces the content of dir by m with one file changed; content nil
// leaves it out.
func (m image) write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, dirPerm); err != nil {
		t.Fatal(err)
	}
	for n, b := range m {
		if n == name {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, n), b, filePerm); err != nil {
			t.Fatal(err)
		}
	}
	if content != nil {
		if err := os.WriteFile(filepath.Join(dir, name), content, filePerm); err != nil {
			t.Fatal(err)
		}
	}
}

func (m image) equal(o image) bool {
	if len(m) != len(o) {
		return false
	}
	for n, b := range m {
		if ob, ok := o[n]; !ok || !bytes.Equal(b, ob) {
			return false
		}
	}
	return true
}

func asCorrupt(err error) *CorruptError {
	if c := new(CorruptError); errors.As(err, &c) {
		return c
	}
	return nil
}
