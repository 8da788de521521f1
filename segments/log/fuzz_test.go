package log

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpen puts any bytes in the place of a known good log's first and last
// segment. Open may refuse or cut, reading may stop with an error; but no
// record that was not written is ever returned, and a log that opened goes on.
func FuzzOpen(f *testing.F) {
	m, names, _ := sample(f)
	first, last := m[names[0]], m[names[len(names)-1]]
	f.Add(first, last)
	f.Add(first, last[:len(last)-5])
	f.Add(first, append(bytes.Clone(last), make([]byte, 50)...))
	f.Add(first, append(bytes.Clone(last), last[fileHeaderBytes:]...))
	f.Add(first, last[:10])
	f.Add(first, make([]byte, fileHeaderBytes))
	f.Add(last, first)
	f.Add(first[:60], last)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, first, last []byte) {
		dir := filepath.Join(t.TempDir(), "log")
		m.write(t, dir, names[0], first)
		if err := os.WriteFile(filepath.Join(dir, names[len(names)-1]), last, filePerm); err != nil {
			t.Fatal(err)
		}
		l, _, err := open(dir, Options{SegmentBytes: 150}, hastyFiles())
		if err != nil {
			return
		}
		defer l.Close()
		for _, s := range l.segments {
			if _, err := readFrom(t, l, s.head.first); err != nil && asCorrupt(err) == nil {
				t.Fatalf("reading from %d: %v", s.head.first, err)
			}
		}
		before := l.Last()
		mustAppend(t, l, 3)
		mustAppend(t, l, 3)
		tail := l.segments[len(l.segments)-1].head.first
		mustEnd(t, l, tail, before+6)
		l.Close()
		mustEnd(t, mustOpen(t, dir, 150), tail, before+6)
	})
}
