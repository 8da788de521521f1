// Package dict numbers things in the order they are first seen: CIDs get ordinals,
// strings of a field get codes. Numbers are dense, start at 0 and are never reused.
package dict

import (
	"errors"
	"hash/maphash"
	"math"
	"runtime"
	"sync"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// Nobody is no CID's ordinal.
const Nobody = math.MaxUint32

// CIDs is the dictionary of an app's CIDs. One goroutine at a time may call Resolve; all other
// methods may be called concurrently with it and with each other.
//
// From a million on, a CID takes 25 to 28 bytes outside the Go heap: 16 for itself and 9 to 12 for its place in a hash
// table. One that is neither 32 hexadecimal digits nor at most 15 bytes long takes its length more. The memory is
// given back when the dictionary is no longer reachable, since those who read answers may outlast the app.
type CIDs struct {
	seed     maphash.Seed // of this process: those who choose CIDs cannot choose collisions
	hashMask uint32       // tests clear bits to have hashes collide
	most     int          // CIDs at most

	mu sync.RWMutex
	*content
}

// content is what lies outside the Go heap, and the way to it. Resolve changes it, holding the mutex, and reads it without.
type content struct {
	keys  keys
	table table
}

// NewCIDs returns an empty dictionary that takes its memory from an arena.
func NewCIDs(arena *memory.Arena) *CIDs {
	c := &content{keys: keys{arena: arena}, table: table{arena: arena}}
	d := &CIDs{seed: maphash.MakeSeed(), hashMask: math.MaxUint32, most: Nobody, content: c}
	runtime.AddCleanup(d, (*content).free, c)
	return d
}

// free gives everything back, once.
func (c *content) free() {
	arena := c.keys.arena
	if arena == nil {
		return
	}
	c.keys.free()
	c.table.free()
	*c = content{}
	arena.Release()
}

// ErrFull says that no more CIDs can be numbered.
var ErrFull = errors.New("the app holds as many CIDs as 32 bits can number")

// Len returns the number of CIDs.
func (d *CIDs) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.keys.n
}

// MemoryBytes returns how much memory the dictionary takes, what its arena rounds up included.
func (d *CIDs) MemoryBytes() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.keys.memoryBytes() + d.table.memoryBytes()
}

// readAtOnce is how many CIDs are read before others get the mutex.
const readAtOnce = 4096

// Read makes to the CIDs of these ordinals, which must have been given out: packed when all of them can be, else strings.
// It uses the memory that to has already.
func (d *CIDs) Read(to *batch.CIDs, ordinals []uint32) {
	size := len(ordinals) * batch.PackedBytes
	if cap(to.Packed) < size {
		to.Packed = make([]byte, size)
	}
	to.Packed, to.Strings = to.Packed[:size], to.Strings[:0]
	packed := true
	for from := 0; from < len(ordinals) && packed; from += readAtOnce {
		part := ordinals[from:min(from+readAtOnce, len(ordinals))]
		d.mu.RLock()
		packed = d.keys.gather(to.Packed[from*batch.PackedBytes:], part)
		d.mu.RUnlock()
	}
	if packed {
		return
	}
	to.Packed = to.Packed[:0]
	for from := 0; from < len(ordinals); from += readAtOnce {
		part := ordinals[from:min(from+readAtOnce, len(ordinals))]
		d.mu.RLock()
		to.Strings = d.keys.appendStrings(to.Strings, part)
		d.mu.RUnlock()
	}
}

// cid is a CID as it is looked for: packed, or its text where it cannot be.
type cid struct {
	key    key
	opaque bool
	text   string
}

// set makes c the CID of a row.
func (c *cid) set(cids *batch.CIDs, row int) {
	if len(cids.Strings) == 0 {
		c.key, c.opaque = key(cids.Packed[row*batch.PackedBytes:]), false
		return
	}
	c.text = cids.Strings[row]
	c.opaque = !batch.Pack((*[batch.PackedBytes]byte)(&c.key), c.text)
}

// hash returns 32 bits of hash.
func (d *CIDs) hash(c *cid) uint32 {
	if c.opaque {
		return uint32(maphash.String(d.seed, c.text)) & d.hashMask
	}
	return uint32(maphash.Bytes(d.seed, c.key[:])) & d.hashMask
}
