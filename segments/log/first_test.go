package log

import "testing"

// TestFirst holds that a new log can go on from any position, and that one that is there keeps its own.
func TestFirst(t *testing.T) {
	dir := t.TempDir()
	for round, first := range []uint64{1000, 5, 0} {
		l, cut, err := Open(dir, Options{First: first})
		if err != nil || cut.File != "" {
			t.Fatalf("%v, %v", cut, err)
		}
		if l.First() != 1000 || l.Last() != 999+uint64(round) {
			t.Errorf("from %d to %d", l.First(), l.Last())
		}
		if last, err := l.Append([]byte("record")); err != nil || last != 1000+uint64(round) {
			t.Fatalf("%d, %v", last, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
