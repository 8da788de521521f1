package memory

import (
	"fmt"
	"math/bits"
	"sync"
)

const (
	// PageBytes is what allocations above half of it are rounded up to.
	PageBytes = 8 << 10
	// regionBytes is how much is asked of the system at a time.
	regionBytes = 64 << 20
)

// Arena gives out memory outside the Go heap. It is safe for concurrent use. Memory that came back is kept for the next
// who asks, up to a sixteenth of what is in use and 32 MiB; the rest goes back to the system.
type Arena struct {
	mu         sync.Mutex
	regions    []*region
	free       [32]*run // lists of free runs by the binary logarithm of their pages
	slabs      [len(classes)]*slab
	usedBytes  int64
	pieceBytes int64 // of pages cut into small pieces, what is not given out
	idleBytes  int64 // of free runs that the system has not got back

}

// region is memory got from the system in one piece.
type region struct {
	base  uintptr
	bytes []byte
	at    []*run // the run that begins or ends at a page
}

// run is a stretch of pages that is either free or given out.
type run struct {
	region     *region
	first, n   int
	free       bool
	resident   int // pages that the system may not have got back, at most
	slab       *slab
	prev, next *run // in a list of free runs
}

// NewArena returns an arena that holds nothing.
func NewArena() *Arena { return &Arena{} }

// Alloc returns n bytes, aligned to 64, with arbitrary contents; it is an Alloc. It fails when the system gives no more.
func (a *Arena) Alloc(n int) ([]byte, error) {
	switch {
	case n < 0:
		return nil, fmt.Errorf("memory: %d bytes asked for", n)
	case n == 0:
		return nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n <= classes[len(classes)-1] {
		return a.allocSmall(n)
	}
	r, err := a.take((n + PageBytes - 1) / PageBytes)
	if err != nil {
		return nil, err
	}
	a.usedBytes += int64(r.n * PageBytes)
	return r.region.bytes[r.first*PageBytes:][:n:n], nil
}

// Free takes back what Alloc returned, uncut. Nobody may use it any more.
func (a *Arena) Free(b []byte) {
	if len(b) == 0 {
		return
	}
	if poison {
		for i := range b {
			b[i] = 0xa5
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.find(b)
	if r.slab != nil {
		a.freeSmall(r.slab, b)
		return
	}
	a.usedBytes -= int64(r.n * PageBytes)
	a.giveBack(r)
}

// UsedBytes returns how much is given out, rounded up to classes and pages.
func (a *Arena) UsedBytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.usedBytes
}

// ResidentBytes returns how much of the system's memory the arena takes at most: what is given out, what came back and is
// kept, and the rest of pages of which small pieces are given out.
func (a *Arena) ResidentBytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.usedBytes + a.idleBytes + a.pieceBytes
}

// Release gives all that is not in use back to the system, for whoever has no more need of the arena.
func (a *Arena) Release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trim()
}

// RoundUp returns how much of an arena n bytes take.
func RoundUp(n int) int {
	if n <= 0 {
		return 0
	}
	if n <= classes[len(classes)-1] {
		return classes[class(n)]
	}
	return (n + PageBytes - 1) / PageBytes * PageBytes
}

// take returns a run of n pages, given out.
func (a *Arena) take(n int) (*run, error) {
	r := a.fitting(n)
	if r == nil {
		var err error
		if r, err = a.grow(n); err != nil {
			return nil, err
		}
	}
	a.unlink(r)
	if r.n > n {
		rest := &run{region: r.region, first: r.first + n, n: r.n - n, resident: min(r.resident, r.n-n)}
		r.n = n
		a.link(rest)
		r.region.at[r.first+n-1] = r
	}
	r.free, r.resident = false, r.n
	return r, nil
}

// fitting returns a free run of at least n pages, preferably a tight one.
func (a *Arena) fitting(n int) *run {
	list := bits.Len(uint(n)) - 1
	const tries = 16
	best, left := (*run)(nil), tries
	for r := a.free[list]; r != nil && left > 0; r, left = r.next, left-1 {
		if r.n >= n && (best == nil || r.n < best.n) {
			best = r
		}
	}
	// All in the lists above are long enough.
	for list++; best == nil && list < len(a.free); list++ {
		best = a.free[list]
	}
	return best
}

// grow gets memory from the system, and returns a free run of at least n pages.
func (a *Arena) grow(n int) (*run, error) {
	pages := max(n, regionBytes/PageBytes)
	mapped, err := reserve(pages * PageBytes)
	if err != nil {
		return nil, fmt.Errorf("memory: the system gives no %d bytes more: %w", pages*PageBytes, err)
	}
	g := &region{base: address(mapped), bytes: mapped, at: make([]*run, pages)}
	at := 0
	for at < len(a.regions) && a.regions[at].base < g.base {
		at++
	}
	a.regions = append(a.regions, nil)
	copy(a.regions[at+1:], a.regions[at:])
	a.regions[at] = g
	r := &run{region: g, n: pages}
	a.link(r)
	return r, nil
}

// giveBack makes a run free, one with its free neighbours.
func (a *Arena) giveBack(r *run) {
	g := r.region
	r.free = true
	if r.first > 0 {
		if before := g.at[r.first-1]; before.free {
			a.unlink(before)
			r = merge(before, r)
		}
	}
	if end := r.first + r.n; end < len(g.at) {
		if after := g.at[end]; after.free {
			a.unlink(after)
			r = merge(r, after)
		}
	}
	a.link(r)
	const keepBytes = 32 << 20
	if a.idleBytes > a.usedBytes/16+keepBytes {
		a.trim()
	}
}

// merge makes one run of two neighbours.
func merge(r, after *run) *run {
	r.n += after.n
	r.resident += after.resident
	return r
}

// link puts a free run into its list and its region.
func (a *Arena) link(r *run) {
	r.free, r.slab = true, nil
	r.region.at[r.first], r.region.at[r.first+r.n-1] = r, r
	list := &a.free[bits.Len(uint(r.n))-1]
	r.prev, r.next = nil, *list
	if r.next != nil {
		r.next.prev = r
	}
	*list = r
	a.idleBytes += int64(r.resident * PageBytes)
}

func (a *Arena) unlink(r *run) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		a.free[bits.Len(uint(r.n))-1] = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
	a.idleBytes -= int64(r.resident * PageBytes)
}

// trim gives the memory of all free runs back to the system, and whole regions where nothing is in use.
func (a *Arena) trim() {
	kept := a.regions[:0]
	for _, g := range a.regions {
		if r := g.at[0]; r.free && r.n == len(g.at) {
			a.unlink(r)
			release(g.bytes)
			continue
		}
		kept = append(kept, g)
	}
	clear(a.regions[len(kept):])
	a.regions = kept
	for list := range a.free {
		for r := a.free[list]; r != nil; r = r.next {
			if r.resident > 0 {
				forget(r.region.bytes[r.first*PageBytes : (r.first+r.n)*PageBytes])
				a.idleBytes -= int64(r.resident * PageBytes)
				r.resident = 0
			}
		}
	}
}

// find returns the run that memory was given out from.
func (a *Arena) find(b []byte) *run {
	p := address(b)
	low, high := 0, len(a.regions)
	for low < high {
		if middle := (low + high) / 2; a.regions[middle].base <= p {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low > 0 {
		g := a.regions[low-1]
		if page := int(p-g.base) / PageBytes; page < len(g.at) {
			if r := g.at[page]; r != nil && !r.free && r.first == page {
				return r
			}
		}
	}
	panic("memory: Free of what the arena has not given out")
}
