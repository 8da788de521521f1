package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// kind says what a fragment holds. The numbers are part of the index's format.
type kind uint8

const (
	kindHeard     kind = iota + 1 // column: second a CID was first heard of, by block
	kindTag                       // row: who bears the tag
	kindExpiry                    // column: second the tag expires, by block
	kindAttribute                 // column: value or code of the attribute, by block
	kindPresence                  // row: who did the event on the day
	kindPlane                     // row: one bit of (number of events - 1) of the day
	kindChunk                     // events of the day by column
	kindScore                     // column: code of the score, by block; its day is the side, see Score
)

// fragKey names a fragment: shard-major, so that a shard's keys are neighbours.
type fragKey struct {
	shard uint32
	kind  kind
	field uint32 // tag, attribute, event or score
	day   int32  // of an event; side of a score
	part  uint32 // block of a column, plane, or serial number of a chunk
}

// bytes returns the key in the store of one generation of the fragment.
func (k fragKey) bytes(generation uint64) []byte {
	b := make([]byte, 0, 26)
	b = append(b, 'f')
	b = binary.BigEndian.AppendUint32(b, k.shard)
	b = append(b, byte(k.kind))
	b = binary.BigEndian.AppendUint32(b, k.field)
	b = binary.BigEndian.AppendUint32(b, uint32(k.day)^1<<31)
	b = binary.BigEndian.AppendUint32(b, k.part)
	return binary.BigEndian.AppendUint64(b, generation)
}

// payload is what a fragment holds.
type payload[T any] interface {
	AppendTo(buf []byte) ([]byte, error)
	MemoryBytes() int
	// Relocate returns a copy whose bulk is in one allocation.
	Relocate(alloc memory.Alloc) (T, error)
}

// decoder reads what a payload's AppendTo wrote, its bulk into one allocation.
type decoder[T any] func(data []byte, alloc memory.Alloc) (T, error)

// frag is one immutable fragment. It is in memory, in the store, or both: a new one is only
// in memory until a checkpoint has stored it, and from then on may leave memory when the cache needs room.
// Versions share the fragments that have not changed between them.
type frag[T payload[T]] struct {
	key   fragKey
	count uint32 // members, cells or rows
	low   int64  // of columns: the least and greatest value; of chunks: offset in milliseconds
	high  int64
	// inBlock is, of rows, how many members are in each block, known without reading them.
	inBlock *bitmap.Counts

	generation atomic.Uint64 // that stored it; 0 means none has yet
	loaded     atomic.Pointer[content[T]]
	use        use
}

// content is a fragment's payload and the part of the arena that it lies in, nil when it is on the Go heap. What is in the arena may
// be read by those only who are inside an epoch.
type content[T any] struct {
	payload T
	memory  []byte
}

func (f *frag[T]) id() fragKey              { return f.key }
func (f *frag[T]) stored() uint64           { return f.generation.Load() }
func (f *frag[T]) meta() (uint32, [2]int64) { return f.count, [2]int64{f.low, f.high} }
func (f *frag[T]) blocks() *bitmap.Counts   { return f.inBlock }
func (f *frag[T]) uses() *use               { return &f.use }

// get returns the content, from memory or from the store. The caller is inside an epoch, and stays there while it reads.
func (f *frag[T]) get(c *Cache, decode decoder[T]) (T, error) {
	if p := f.loaded.Load(); p != nil {
		if p.memory != nil { // what is not stored yet is no merit of the cache
			c.touch(&f.use)
		}
		return p.payload, nil
	}
	return f.load(c, decode)
}

// load reads the content from the store into the cache. Of several goroutines that want it one reads.
func (f *frag[T]) load(c *Cache, decode decoder[T]) (T, error) {
	lock := c.lock(f.key)
	lock.Lock()
	defer lock.Unlock()
	if p := f.loaded.Load(); p != nil {
		return p.payload, nil
	}
	c.misses.Add(1)
	var place []byte
	payload, err := f.read(c, decode, func(n int) ([]byte, error) {
		if place = c.hot.alloc(n); place != nil {
			return place, nil
		}
		return memory.Heap(n)
	})
	if err == nil && !f.describes(payload) {
		err = c.onDamage(fmt.Errorf("fragment %+v of generation %d does not hold what the catalog says", f.key, f.stored()))
	}
	if err != nil {
		c.hot.arena.Free(place)
		return payload, err
	}
	if place != nil {
		f.loaded.Store(&content[T]{payload, place})
		c.hot.admit(c, f, len(place))
	}
	return payload, nil
}

// describes says whether the catalog's numbers are those of a payload. Evaluation relies on them.
func (f *frag[T]) describes(payload any) bool {
	switch p := payload.(type) {
	case *bitmap.Bitmap:
		return *p.Counts() == *f.inBlock
	case *column.Block:
		low, high := p.Range()
		return p.Count() == int(f.count) && low == f.low && high == f.high
	case *column.Chunk:
		low, high := p.Offsets()
		return p.Len() == int(f.count) && low == f.low && high == f.high
	}
	return false
}

// read returns the content as the store has it, kept nowhere.
func (f *frag[T]) read(c *Cache, decode decoder[T], alloc memory.Alloc) (payload T, err error) {
	err = c.store.View(f.key.bytes(f.stored()), func(data []byte) (err error) {
		payload, err = decode(data, alloc)
		return err
	})
	if err != nil {
		return payload, c.onDamage(fmt.Errorf("fragment %+v of generation %d: %w", f.key, f.stored(), err))
	}
	return payload, nil
}

// fromStore returns the content on the Go heap, read from the store unless it is not there yet.
func (f *frag[T]) fromStore(c *Cache, decode decoder[T]) (T, error) {
	if p := f.loaded.Load(); p != nil && p.memory == nil {
		return p.payload, nil
	}
	return f.read(c, decode, memory.Heap)
}

// owned returns the content on the Go heap, to be built upon: the copy may share memory with it. The caller is inside an epoch.
func (f *frag[T]) owned(c *Cache, decode decoder[T]) (T, error) {
	payload, err := f.get(c, decode)
	if p := f.loaded.Load(); err != nil || p != nil && p.memory == nil {
		return payload, err
	}
	return payload.Relocate(memory.Heap)
}

func (f *frag[T]) inMemory() bool { return f.loaded.Load() != nil }

// evict takes the content out of memory, and returns the part of the arena to free.
func (f *frag[T]) evict() []byte {
	p := f.loaded.Load()
	if p == nil || f.stored() == 0 || !f.loaded.CompareAndSwap(p, nil) {
		return nil
	}
	return p.memory
}

func (f *frag[T]) encode(buf []byte) ([]byte, error) { return f.loaded.Load().payload.AppendTo(buf) }

func (f *frag[T]) dirtyBytes() int {
	if p := f.loaded.Load(); p != nil && f.stored() == 0 {
		return p.payload.MemoryBytes()
	}
	return 0
}

// settle notes that a checkpoint has stored the fragment, and moves it from the Go heap into the cache, if that has room.
func (f *frag[T]) settle(generation uint64, c *Cache) {
	f.generation.Store(generation)
	p := f.loaded.Load()
	if p == nil {
		return
	}
	var place []byte
	moved, err := p.payload.Relocate(func(n int) ([]byte, error) {
		if place = c.hot.alloc(n); place == nil {
			return nil, errNoRoom
		}
		return place, nil
	})
	if err != nil || place == nil {
		f.loaded.Store(nil)
		return
	}
	f.loaded.Store(&content[T]{moved, place})
	c.hot.admit(c, f, len(place))
}

var errNoRoom = errors.New("the cache has no room")

// anyFrag is what checkpoints and the cache need of a fragment of any content.
type anyFrag interface {
	id() fragKey
	meta() (count uint32, span [2]int64)
	blocks() *bitmap.Counts
	stored() uint64
	encode(buf []byte) ([]byte, error)
	settle(generation uint64, c *Cache)
	evict() []byte
	inMemory() bool
	uses() *use
	dirtyBytes() int
}

type (
	rowFrag    = frag[*bitmap.Bitmap]
	columnFrag = frag[*column.Block]
	chunkFrag  = frag[*column.Chunk]
)

func newFrag[T payload[T]](key fragKey, count int, low, high int64, payload T) *frag[T] {
	f := &frag[T]{key: key, count: uint32(count), low: low, high: high}
	f.loaded.Store(&content[T]{payload: payload})
	return f
}

func newRow(key fragKey, b *bitmap.Bitmap) *rowFrag {
	f := newFrag(key, b.Count(), 0, 0, b)
	f.inBlock = b.Counts()
	return f
}

func newColumn(key fragKey, b *column.Block) *columnFrag {
	low, high := b.Range()
	return newFrag(key, b.Count(), low, high, b)
}

func newChunk(key fragKey, c *column.Chunk) *chunkFrag {
	low, high := c.Offsets()
	return newFrag(key, c.Len(), low, high, c)
}
