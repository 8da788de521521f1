package index

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
	"fmt"
	"syscall"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/internal/store"
)

func TestZZ(t *testing.T) {
	for _, kind := range []string{"packed"} {
	dir := t.TempDir()
	st, err := store.Open(dir, store.Options{})
	if err != nil { t.Fatal(err) }
	const n = 10_000_000
	d := dict.NewCIDs(memory.NewArena())
	rng := rand.New(rand.NewPCG(1, 2))
	w := st.Writer()
	var counts []int
	ords := make([]uint32, 65536)
	begin := time.Now()
	var busy time.Duration
	for first := 0; first < n; first += 65536 {
		m := min(65536, n-first)
		var c batch.CIDs
		for i := range m {
			switch kind {
			case "packed":
				c.Packed = binary.LittleEndian.AppendUint64(c.Packed, rng.Uint64()); c.Packed = binary.LittleEndian.AppendUint64(c.Packed, rng.Uint64())
			case "short":
				c.Strings = append(c.Strings, fmt.Sprint("u", first+i))
			case "long":
				c.Strings = append(c.Strings, fmt.Sprint("user-number-", first+i, "@example.com"))
			}
		}
		b := time.Now()
		if err := d.Resolve(&c, ords[:m]); err != nil { t.Fatal(err) }
		busy += time.Since(b)
		counts = append(counts, m)
		if err := w.Put(binary.BigEndian.AppendUint32(nil, uint32(first)), d.AppendPiece(nil, first, m)); err != nil { t.Fatal(err) }
	}
	_ = begin
	t.Logf("%s: %.1f bytes a CID, new %.1f M/s", kind, float64(d.MemoryBytes())/n, n/1e6/busy.Seconds())
	if err := w.Flush(); err != nil { t.Fatal(err) }
	st.Close()
	st, err = store.Open(dir, store.Options{SkipBlockCheck: true})
	if err != nil { t.Fatal(err) }
	for range 8 {
		l := dict.NewCIDs(memory.NewArena())
		var r, r2 syscall.Rusage
		syscall.Getrusage(0, &r)
		b := time.Now()
		if err := l.Load(counts, 2, func(i int) ([]byte, error) { return st.Get(binary.BigEndian.AppendUint32(nil, uint32(i*65536))) }); err != nil { t.Fatal(err) }
		wall := time.Since(b)
		syscall.Getrusage(0, &r2)
		t.Logf("load from the store %s, user %dms sys %dms", wall, (r2.Utime.Nano()-r.Utime.Nano())/1e6, (r2.Stime.Nano()-r.Stime.Nano())/1e6)
		b = time.Now()
		for i := range counts { if _, err := st.Get(binary.BigEndian.AppendUint32(nil, uint32(i*65536))); err != nil { t.Fatal(err)} }
		t.Logf("only reading, one core %s", time.Since(b))
	}
	st.Close()
	}
	// readers beside a writer
	d := dict.NewCIDs(memory.NewArena())
	rng := rand.New(rand.NewPCG(1, 2))
	stop := make(chan struct{})
	done := make(chan []time.Duration)
	go func() {
		var all []time.Duration
		for {
			select { case <-stop: done <- all; return; default: }
			b := time.Now()
			d.Find("00112233445566778899aabbccddeeff")
			all = append(all, time.Since(b))
		}
	}()
	ords := make([]uint32, 65536)
	b := time.Now()
	for first := 0; first < 5_000_000; first += 65536 {
		var c batch.CIDs
		for range 65536 {
			c.Packed = binary.LittleEndian.AppendUint64(c.Packed, rng.Uint64()); c.Packed = binary.LittleEndian.AppendUint64(c.Packed, rng.Uint64())
		}
		if err := d.Resolve(&c, ords); err != nil { t.Fatal(err) }
	}
	took := time.Since(b)
	close(stop)
	all := <-done
	over := map[string]int{}
	var worst time.Duration
	for _, x := range all { worst = max(worst, x); for _, lim := range []time.Duration{50*time.Microsecond, 100*time.Microsecond, 300*time.Microsecond, time.Millisecond} { if x > lim { over[lim.String()]++ } } }
	t.Logf("5M new in %s beside a reader: %d finds, worst %s, over %v", took, len(all), worst, over)
}
