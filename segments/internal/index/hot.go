package index

import (
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/internal/memory"
)

// Hot bounds the memory of fragments that are in a store as well, of all apps together, outside the Go heap. What is only in
// memory is not its business; see App's dirty bytes.
//
// Newcomers stand in a short queue, a tenth of the budget, and only those that another query used before their turn to leave move
// on to the long one, as do those that come back soon after they left; so a scan of everything passes through without driving out
// what is used again and again. (Yang and others, "FIFO queues are all you need for cache eviction", SOSP 2023.)
type Hot struct {
	budgetBytes int64
	arena       *memory.Arena
	epochs      memory.Epochs
	queries     atomic.Uint32 // begun so far; several uses by one query are one use

	mu     sync.Mutex
	short  queue
	long   queue
	dead   int    // entries of the queues whose fragments were dropped
	left   uint32 // how many have left the short queue
	limbo  []retired
	inside int64 // bytes in limbo
}

// limboShare is the part of the budget that is for what has left and is still being read, so that newcomers need not wait for that.
const limboShare = 9

// use is what the cache notes with a fragment: the query that last used it and, in the two low bits, how often queries did.
type use struct {
	last atomic.Uint32
	left atomic.Uint32 // Hot.left when it left the short queue; 0 when it did not
}

const mostUses = 3

// resident is a fragment in a queue. It may have left memory in another way.
type resident struct {
	owner *Cache
	frag  anyFrag
	bytes int
}

// retired is memory that readers may still read who entered before an epoch.
type retired struct {
	epoch  uint64
	memory []byte
}

// queue is a list of fragments in the order they came.
type queue struct {
	list  []resident
	first int
	bytes int64
}

func (q *queue) push(r resident) {
	if q.first > len(q.list)/2 {
		n := copy(q.list, q.list[q.first:])
		clear(q.list[n:])
		q.list, q.first = q.list[:n], 0
	}
	q.list = append(q.list, r)
	q.bytes += int64(r.bytes)
}

func (q *queue) pop() (r resident, ok bool) {
	if q.first == len(q.list) {
		return r, false
	}
	r, q.list[q.first] = q.list[q.first], resident{}
	q.first++
	q.bytes -= int64(r.bytes)
	return r, true
}

func (q *queue) len() int { return len(q.list) - q.first }

// NewHot returns an empty cache with a budget.
func NewHot(budgetBytes int64) *Hot {
	return &Hot{budgetBytes: budgetBytes, arena: memory.NewArena()}
}

// Usage returns the bytes in use and the budget.
func (h *Hot) Usage() (usedBytes, budgetBytes int64) { return h.arena.UsedBytes(), h.budgetBytes }

// begin counts a query.
func (h *Hot) begin() { h.queries.Add(1) }

// touch notes that the query that began last uses a fragment, and says whether it is a new use. With several queries at once some are
// noted twice, which makes the fragment look a little dearer.
func (h *Hot) touch(u *use) bool {
	const countBits = 2
	last, query := u.last.Load(), h.queries.Load()<<countBits
	if last&^mostUses == query {
		return false
	}
	u.last.Store(query | min(last&mostUses+1, mostUses))
	return true
}

// alloc returns room for n bytes, for which others leave, or nil when there can be none.
func (h *Hot) alloc(n int) []byte {
	const share = 4 // nothing may take more than this part of the budget
	size := int64(memory.RoundUp(n))
	if n == 0 || size > h.budgetBytes/share {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drain()
	for h.arena.UsedBytes()-h.inside+size > h.budgetBytes-h.budgetBytes/limboShare {
		if !h.evictOne() {
			break
		}
	}
	h.drain()
	if h.arena.UsedBytes()+size > h.budgetBytes {
		return nil // readers are still at what has left; it takes them a moment
	}
	place, err := h.arena.Alloc(n)
	if err != nil {
		return nil // the system has no more, which is what the Go heap will find out, too
	}
	return place
}

// admit puts a fragment that has come into memory into a queue.
func (h *Hot) admit(owner *Cache, f anyFrag, bytes int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := f.uses()
	r := resident{owner, f, memory.RoundUp(bytes)}
	if left := u.left.Swap(0); left != 0 && h.left-left < uint32(h.long.len()) {
		h.long.push(r)
	} else {
		h.short.push(r)
	}
	h.touch(u)
}

// evictOne takes one fragment out of memory, and says whether there was any.
func (h *Hot) evictOne() bool {
	const shortShare = 10
	for {
		q := &h.long
		if h.short.bytes > h.budgetBytes/shortShare || h.long.len() == 0 {
			q = &h.short
		}
		r, ok := q.pop()
		if !ok {
			return false
		}
		u := r.frag.uses()
		last := u.last.Load()
		switch count := last & mostUses; {
		case q == &h.short && count > 1:
			u.last.Store(last &^ mostUses)
			h.long.push(r)
			continue
		case q == &h.long && count > 0:
			u.last.Store(last - 1)
			h.long.push(r)
			continue
		case q == &h.short:
			h.left++
			u.left.Store(max(h.left, 1))
		}
		u.last.Store(0)
		if h.retire(r.frag.evict()) {
			return true
		}
	}
}

// retire frees memory once nobody reads it any more, and says whether there is any.
func (h *Hot) retire(place []byte) bool {
	if place == nil {
		return false
	}
	h.limbo = append(h.limbo, retired{h.epochs.Retire(), place})
	h.inside += int64(memory.RoundUp(len(place)))
	return true
}

// drain frees what is in limbo and nobody reads.
func (h *Hot) drain() {
	if len(h.limbo) == 0 {
		return
	}
	oldest := h.epochs.Oldest()
	n := 0
	for n < len(h.limbo) && h.limbo[n].epoch <= oldest {
		h.inside -= int64(memory.RoundUp(len(h.limbo[n].memory)))
		h.arena.Free(h.limbo[n].memory)
		n++
	}
	h.limbo = append(h.limbo[:0], h.limbo[n:]...)
}

// drop takes fragments out of memory that no version has any more.
func (h *Hot) drop(list []anyFrag) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range list {
		if h.retire(f.evict()) {
			h.dead++
		}
	}
	if h.dead > (h.short.len()+h.long.len())/2 {
		h.keep(func(r resident) bool { return r.frag.inMemory() })
		h.dead = 0
	}
	h.drain()
}

// keep takes entries out of the queues.
func (h *Hot) keep(wanted func(r resident) bool) {
	for _, q := range []*queue{&h.short, &h.long} {
		kept := queue{}
		for r, ok := q.pop(); ok; r, ok = q.pop() {
			if wanted(r) {
				kept.push(r)
			}
		}
		*q = kept
	}
}

// forget takes out all fragments of an app.
func (h *Hot) forget(owner *Cache) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keep(func(r resident) bool {
		if r.owner == owner {
			h.retire(r.frag.evict())
		}
		return r.owner != owner
	})
	h.drain()
}
