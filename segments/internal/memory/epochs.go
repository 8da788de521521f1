package memory

import (
	"math"
	"sync"
	"sync/atomic"
)

// Epochs says when memory that new readers cannot find any more is no longer read by those who found it earlier. Readers
// neither wait nor make anybody wait.
//
// A reader finds memory only between Enter and Leave. Who takes memory back first makes it impossible to find, then calls
// Retire, and frees it once Oldest has reached what Retire returned.
type Epochs struct {
	now atomic.Uint64

	mu      sync.Mutex
	readers []*Reader
	idle    []*Reader
}

// Reader is one goroutine's place among the readers.
type Reader struct {
	epochs *Epochs
	since  atomic.Uint64 // the epoch it entered in; 0 when outside
	depth  int
	_      [64]byte // readers on two cores do not share a cache line
}

// Reader returns a reader that is outside. Close it when done.
func (e *Epochs) Reader() *Reader {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last := len(e.idle) - 1; last >= 0 {
		r := e.idle[last]
		e.idle = e.idle[:last]
		return r
	}
	r := &Reader{epochs: e}
	e.readers = append(e.readers, r)
	return r
}

// Enter begins reading. Calls may be nested.
func (r *Reader) Enter() {
	if r.depth++; r.depth == 1 {
		// An epoch that passes between the two makes the reader seem older than it is, and so memory wait for it.
		r.since.Store(r.epochs.now.Load() + 1)
	}
}

// Leave ends reading.
func (r *Reader) Leave() {
	if r.depth--; r.depth == 0 {
		r.since.Store(0)
	}
}

// Close gives the reader up. It must be outside.
func (r *Reader) Close() {
	if r.depth != 0 {
		panic("memory: Close of a reader that is inside")
	}
	r.epochs.mu.Lock()
	defer r.epochs.mu.Unlock()
	r.epochs.idle = append(r.epochs.idle, r)
}

// Retire returns the epoch from which on nobody can have found what is impossible to find now.
func (e *Epochs) Retire() uint64 { return e.now.Add(1) + 1 }

// Oldest returns the epoch in which the reader entered who is inside for longest; a large number when nobody is.
func (e *Epochs) Oldest() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	oldest := uint64(math.MaxUint64)
	for _, r := range e.readers {
		if since := r.since.Load(); since != 0 {
			oldest = min(oldest, since)
		}
	}
	return oldest
}
