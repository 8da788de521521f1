package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

func TestDeletedSpaceComesBack(t *testing.T) {
	const live = 20 << 20
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var old [][]byte
	peak := int64(0)
	for round := range 20 {
		w := s.Writer()
		var keys [][]byte
		for i, written := 0, 0; written < live; i++ {
			// Each fragment's key ends in the round, as a rewritten fragment's does.
			key := fmt.Sprintf("%06d/%02d", i, round)
			size := []int{2000, 100_000, 60_000, 300_000}[i%4]
			if err := w.Put([]byte(key), content(key, size)); err != nil {
				t.Fatal(err)
			}
			keys, written = append(keys, []byte(key)), written+size
		}
		if err := errors.Join(w.Flush(), s.SetManifest(fmt.Append(nil, round)), s.Delete(old)); err != nil {
			t.Fatal(err)
		}
		old = keys
		peak = max(peak, s.Bytes())
	}
	before := s.Bytes()
	if before > sweepBytes { // Badger has fallen behind: of so much not all is merged at once
		if err := s.Compact(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Compact(); err != nil {
		t.Fatal(err)
	}
	after := s.Bytes()
	t.Logf("20 rounds of %d MiB: peak %d MiB, at the end %d, after Compact %d", live>>20, peak>>20, before>>20, after>>20)
	if after > live/4*5 {
		t.Errorf("%d MiB on disk for %d MiB live", after>>20, live>>20)
	}
	for _, key := range old {
		if _, err := get(s, key); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCompactBesideAll has blobs replaced, read and removed while the store is compacted again and again: everything flushed is there,
// and nothing fails.
func TestCompactBesideAll(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const keys, rounds = 64, 20
	key := func(i, round int) string { return fmt.Sprintf("%03d/%03d", i, round) }
	stop := make(chan struct{})
	var beside sync.WaitGroup
	var flushed atomic.Int64 // the round that is there
	flushed.Store(-1)
	compactions := 0
	beside.Go(func() {
		for ; ; compactions++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Compact(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	beside.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			round := int(flushed.Load())
			if round < 0 {
				continue
			}
			_, err := get(s, []byte(key(i%keys, round)))
			if err != nil && int(flushed.Load()) == round {
				t.Errorf("round %d is there: %v", round, err)
				return
			}
		}
	})
	for round := range rounds {
		w := s.Writer()
		var old [][]byte
		for i := range keys {
			if err := w.Put([]byte(key(i, round)), content(key(i, round), 10_000*(1+i%9))); err != nil {
				t.Fatal(err)
			}
			old = append(old, []byte(key(i, round-1)))
		}
		if err := errors.Join(w.Flush(), s.SetManifest(fmt.Append(nil, round))); err != nil {
			t.Fatal(err)
		}
		flushed.Store(int64(round))
		if round > 0 {
			if err := s.Delete(old); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	beside.Wait()
	if compactions == 0 {
		t.Error("never compacted")
	}
	t.Logf("%d rounds beside %d compactions", rounds, compactions)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	for i := range keys {
		if _, err := get(s, []byte(key(i, rounds-1))); err != nil {
			t.Fatal(err)
		}
	}
}

func benchmarkGet(b *testing.B, size int) {
	dir := b.TempDir()
	s := open(b, dir)
	w := s.Writer()
	n := (64 << 20) / max(size, 16<<10)
	for i := range n {
		key := fmt.Sprintf("k%06d", i)
		if err := w.Put([]byte(key), content(key, size)); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), s.Close()); err != nil {
		b.Fatal(err)
	}
	s = open(b, dir)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := get(s, fmt.Appendf(nil, "k%06d", i*7919%n)); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkGet1KiB(b *testing.B)   { benchmarkGet(b, 1<<10) }
func BenchmarkGet128KiB(b *testing.B) { benchmarkGet(b, 128<<10) }

func benchmarkWrite(b *testing.B, size int) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	value := content("", size)
	w := s.Writer()
	b.SetBytes(int64(size))
	i := 0
	for b.Loop() {
		if err := w.Put(fmt.Appendf(nil, "k%09d", i), value); err != nil {
			b.Fatal(err)
		}
		i++
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkWrite1KiB(b *testing.B)   { benchmarkWrite(b, 1<<10) }
func BenchmarkWrite128KiB(b *testing.B) { benchmarkWrite(b, 128<<10) }

// BenchmarkOpen measures Open of 256 MiB with and without the check of every block, and Keys.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	w := s.Writer()
	for i := range 2048 {
		if err := w.Put(fmt.Appendf(nil, "k%09d", i), content("", 128<<10)); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), s.Close()); err != nil {
		b.Fatal(err)
	}
	for _, skip := range []bool{false, true} {
		b.Run(fmt.Sprintf("skip=%v", skip), func(b *testing.B) {
			for b.Loop() {
				s, err := Open(dir, Options{SkipBlockCheck: skip})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				s.Close()
				b.StartTimer()
			}
		})
	}
	s, err = Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.Run("Keys", func(b *testing.B) {
		for b.Loop() {
			n := 0
			if err := s.Keys(nil, func([]byte, int) error { n++; return nil }); err != nil || n != 2048 {
				b.Fatal(n, err)
			}
		}
	})
}
