package log

import (
	"bytes"
	"io"
	"testing"
)

func kibibytes(n int) [][]byte {
	var group [][]byte
	for i := range n {
		group = append(group, bytes.Repeat([]byte{byte(i)}, 1024))
	}
	return group
}

// BenchmarkAppend appends one group of 128 records of 1 KiB per round, durably.
func BenchmarkAppend(b *testing.B) {
	l, _, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	group := kibibytes(128)
	b.SetBytes(128 << 10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Append(group...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(group))/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkRead reads 256 MiB of 1 KiB records per round, from the cache of the
// system.
func BenchmarkRead(b *testing.B) {
	dir, group := b.TempDir(), kibibytes(1024)
	l := mustOpen(b, dir, 0)
	for range 256 {
		if _, err := l.Append(group...); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(256 << 20)
	b.ReportAllocs()
	for b.Loop() {
		r := l.Read(1)
		var err error
		for err == nil {
			_, _, err = r.Next()
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		r.Close()
	}
	b.ReportMetric(float64(b.N)*256*1024/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkOpen opens a log of four full segments of 64 MiB, the last of which
// it reads whole.
func BenchmarkOpen(b *testing.B) {
	dir, group := b.TempDir(), kibibytes(1024)
	l := mustOpen(b, dir, 0)
	for len(l.segments) < 4 || l.segments[3].bytes < defaultSegmentBytes {
		if _, err := l.Append(group...); err != nil {
			b.Fatal(err)
		}
	}
	l.Close()
	for b.Loop() {
		l, _, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}
