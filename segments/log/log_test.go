package log

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestEmptyLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "log")
	l, rec, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rec != (Recovery{}) || l.First() != 1 || l.Last() != 0 || l.Bytes() != fileHeaderBytes {
		t.Fatalf("recovery %+v, first %d, last %d, bytes %d", rec, l.First(), l.Last(), l.Bytes())
	}
	if pos, err := l.Append(); pos != 0 || err != nil {
		t.Fatalf("append of nothing: %d, %v", pos, err)
	}
	r := l.Read(1)
	for range 2 {
		if _, _, err := r.Next(); err != io.EOF {
			t.Fatalf("got %v, want io.EOF", err)
		}
	}
	if err := errors.Join(r.Close(), r.Close(), l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("a closed reader returned %v", err)
	}
	if _, err := l.Append(nil); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("a closed log returned %v", err)
	}
	mustOpen(t, dir, 0)
}

func TestRotationAndReading(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 200)
	for n := range 20 {
		mustAppend(t, l, n%4+1)
	}
	last := l.Last()
	if len(l.segments) < 4 {
		t.Fatalf("only %d segments", len(l.segments))
	}
	for _, s := range l.segments[:len(l.segments)-1] {
		if s.bytes < 200 || s.last < s.head.first {
			t.Fatalf("segment closed at %+v", s)
		}
	}
	for from := uint64(1); from <= last+1; from++ {
		mustEnd(t, l, from, last)
	}
	l.Close()
	mustEnd(t, l, 1, last) // readers do not need the writer

	l = mustOpen(t, dir, 300)
	if l.Last() != last || l.First() != 1 {
		t.Fatalf("reopened: first %d, last %d, want 1, %d", l.First(), l.Last(), last)
	}
	size := int64(0)
	for _, b := range readImage(t, dir) {
		size += int64(len(b))
	}
	if l.Bytes() != size {
		t.Fatalf("Bytes %d, on disk %d", l.Bytes(), size)
	}
	mustAppend(t, l, 5)
	mustEnd(t, l, last, last+5)
}

func TestReaderFollows(t *testing.T) {
	l := mustOpen(t, t.TempDir(), 200)
	r := l.Read(4) // in the future
	defer r.Close()
	next := uint64(4)
	for range 15 {
		mustAppend(t, l, 3)
		for {
			pos, payload, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if pos != next || !bytes.Equal(payload, payloadAt(pos)) {
				t.Fatalf("got record %d %x, want %d", pos, payload, next)
			}
			next++
		}
		if next != max(4, l.Last()+1) {
			t.Fatalf("followed to %d, the log is at %d", next-1, l.Last())
		}
	}
}

func TestRecordSizes(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 0)
	sizes := []int{0, 1, readChunkBytes - frameHeaderBytes, readChunkBytes, 3*readChunkBytes + 1, 0, MaxPayloadBytes, 2}
	for i, n := range sizes {
		if _, err := l.Append(bytes.Repeat([]byte{byte(i)}, n)); err != nil {
			t.Fatal(err)
		}
	}
	before := l.Bytes()
	pos, err := l.Append([]byte("good"), make([]byte, MaxPayloadBytes+1))
	if err == nil || errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "record 1 ") {
		t.Fatalf("oversized: %d, %v", pos, err)
	}
	if l.Last() != uint64(len(sizes)) || l.Bytes() != before {
		t.Fatal("a refused record changed the log")
	}
	if _, err := l.Append([]byte{9}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = mustOpen(t, dir, 0)
	r := l.Read(1)
	defer r.Close()
	for i, n := range append(sizes, 1) {
		pos, payload, err := r.Next()
		if err != nil || pos != uint64(i+1) || len(payload) != n {
			t.Fatalf("record %d with %d bytes, %v; want %d bytes", pos, len(payload), err, n)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	if _, _, err := Open(t.TempDir(), Options{SegmentBytes: -1}); err == nil || !strings.Contains(err.Error(), "SegmentBytes") {
		t.Fatalf("got %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), file) {
			t.Fatalf("%s: %v", dir, err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 0)
	if _, _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("second Open: %v", err)
	}
	l.Close()
	mustOpen(t, dir, 0)
}

// Oldest segments may be gone, once something else covers their records.
func TestOldestSegmentsGone(t *testing.T) {
	m, names, last := sample(t)
	dir := t.TempDir()
	m.write(t, dir, names[0], nil)
	l := mustOpen(t, dir, 150)
	if l.First() != l.segments[0].head.first || l.First() == 1 || l.Last() != last {
		t.Fatalf("first %d, last %d", l.First(), l.Last())
	}
	mustEnd(t, l, l.First(), last)
	r := l.Read(1)
	defer r.Close()
	if _, _, err := r.Next(); err == nil || !strings.Contains(err.Error(), fmt.Sprint(l.First())) {
		t.Fatalf("reading below First: %v", err)
	}
}

func TestReadersBesideAppend(t *testing.T) {
	l := mustOpen(t, t.TempDir(), 4000)
	const total = 3000
	var wg sync.WaitGroup
	for from := uint64(1); from <= 4; from++ {
		wg.Go(func() {
			r := l.Read(from * 100)
			defer r.Close()
			for next := from * 100; next <= total; {
				pos, payload, err := r.Next()
				if err == io.EOF {
					if l.First() != 1 || l.Bytes() < 0 {
						t.Error("First or Bytes is wrong")
						return
					}
					continue
				}
				if err != nil || pos != next || pos > l.Last() || !bytes.Equal(payload, payloadAt(pos)) {
					t.Errorf("reader at %d: record %d, %v", next, pos, err)
					return
				}
				next++
			}
		})
	}
	for l.Last() < total {
		mustAppend(t, l, int(min(l.Last()%7+1, total-l.Last())))
	}
	wg.Wait()
}

func TestAnyHistory(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			rt.Fatal(err)
		}
		var want [][]byte
		segmentBytes := rapid.Int64Range(1, 2000).Draw(rt, "segmentBytes")
		l, _, err := open(dir, Options{SegmentBytes: segmentBytes}, hastyFiles())
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { l.Close() }()
		reader := l.Read(1)
		followed := 0
		follow := func() {
			for {
				pos, payload, err := reader.Next()
				if err == io.EOF {
					break
				}
				if err != nil || pos != uint64(followed+1) || !bytes.Equal(payload, want[followed]) {
					rt.Fatalf("follower at %d: record %d, %v", followed, pos, err)
				}
				followed++
			}
			if followed != len(want) {
				rt.Fatalf("followed %d of %d", followed, len(want))
			}
		}
		defer func() { reader.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				group := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 6).Draw(rt, "group")
				last, err := l.Append(group...)
				want = append(want, group...)
				if err != nil || last != uint64(len(want)) {
					rt.Fatalf("append: %d, %v, want %d", last, err, len(want))
				}
			},
			"roll": func(rt *rapid.T) {
				if err := l.Roll(); err != nil {
					rt.Fatal(err)
				}
			},
			"reopen": func(rt *rapid.T) {
				follow()
				if err := errors.Join(reader.Close(), l.Close()); err != nil {
					rt.Fatal(err)
				}
				var rec Recovery
				if l, rec, err = open(dir, Options{SegmentBytes: segmentBytes}, hastyFiles()); err != nil || rec != (Recovery{}) {
					rt.Fatalf("reopen: %+v, %v", rec, err)
				}
				reader = l.Read(uint64(followed + 1))
			},
			"follow": func(rt *rapid.T) { follow() },
			"read": func(rt *rapid.T) {
				at := rapid.IntRange(0, len(want)).Draw(rt, "at")
				r := l.Read(uint64(at + 1))
				defer r.Close()
				for ; at < len(want); at++ {
					pos, payload, err := r.Next()
					if err != nil || pos != uint64(at+1) || !bytes.Equal(payload, want[at]) {
						rt.Fatalf("at %d: record %d, %v", at, pos, err)
					}
				}
				if _, _, err := r.Next(); err != io.EOF {
					rt.Fatalf("at the end: %v", err)
				}
			},
			"": func(rt *rapid.T) {
				if l.Last() != uint64(len(want)) || l.First() != 1 {
					rt.Fatalf("first %d, last %d, want %d", l.First(), l.Last(), len(want))
				}
			},
		})
	})
}
