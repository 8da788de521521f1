package memory

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestEpochs has readers find memory through a pointer while it is replaced and freed, overwritten, all the time.
func TestEpochs(t *testing.T) {
	var epochs Epochs
	arena := NewArena()
	fill := func(value byte) *[]byte {
		b, err := arena.Alloc(512)
		if err != nil {
			t.Error(err)
		}
		for i := range b {
			b[i] = value
		}
		return &b
	}
	var current atomic.Pointer[[]byte]
	current.Store(fill(0))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			r := epochs.Reader()
			defer r.Close()
			for {
				select {
				case <-stop:
					return
				default:
				}
				r.Enter()
				b := *current.Load()
				for i := range b {
					if b[i] != b[0] {
						t.Errorf("byte %d is %d, the first is %d", i, b[i], b[0])
					}
				}
				r.Leave()
			}
		})
	}
	type retired struct {
		epoch uint64
		b     []byte
	}
	var limbo []retired
	for i := range 5_000 {
		old := current.Swap(fill(byte(i)))
		limbo = append(limbo, retired{epochs.Retire(), *old})
		for len(limbo) > 0 && epochs.Oldest() >= limbo[0].epoch {
			clear(limbo[0].b[:256]) // who still reads it sees two values
			arena.Free(limbo[0].b)
			limbo = limbo[1:]
		}
	}
	close(stop)
	readers.Wait()
	if oldest := epochs.Oldest(); len(limbo) > 0 && oldest < limbo[len(limbo)-1].epoch {
		t.Errorf("nobody reads, and the oldest reader is of epoch %d", oldest)
	}
}

func BenchmarkEnterLeave(b *testing.B) {
	var epochs Epochs
	r := epochs.Reader()
	for b.Loop() {
		r.Enter()
		r.Leave()
	}
}
