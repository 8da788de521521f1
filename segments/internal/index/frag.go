package index

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
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
)

// fragKey names a fragment: shard-major, so that a shard's keys are neighbours.
type fragKey struct {
	shard uint32
	kind  kind
	field uint32 // tag, attribute or event
	day   int32  // of an event
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
type payload interface {
	AppendTo(buf []byte) ([]byte, error)
	MemoryBytes() int
}

// frag is one immutable fragment. It is in memory, in the store, or both: a new one is only
// in memory until a checkpoint has stored it, and from then on may leave memory when the cache needs room.
// Versions share the fragments that have not changed between them.
type frag[T payload] struct {
	key   fragKey
	count uint32 // members, cells or rows
	low   int64  // of columns: the least and greatest value; of chunks: offset in milliseconds
	high  int64

	generation atomic.Uint64 // that stored it; 0 means none has yet
	loaded     atomic.Pointer[T]
	used       atomic.Bool // since the cache last looked
}

func (f *frag[T]) id() fragKey              { return f.key }
func (f *frag[T]) stored() uint64           { return f.generation.Load() }
func (f *frag[T]) meta() (uint32, [2]int64) { return f.count, [2]int64{f.low, f.high} }

// get returns the content, from memory or from the store.
func (f *frag[T]) get(c *Cache, decode func([]byte) (T, error)) (T, error) {
	if p := f.loaded.Load(); p != nil {
		if !f.used.Load() {
			f.used.Store(true)
		}
		return *p, nil
	}
	var none T
	data, err := c.store.Get(f.key.bytes(f.stored()))
	if err != nil {
		return none, c.damaged(fmt.Errorf("fragment %+v of generation %d: %w", f.key, f.stored(), err))
	}
	content, err := decode(data)
	if err != nil {
		return none, c.damaged(fmt.Errorf("fragment %+v of generation %d: %w", f.key, f.stored(), err))
	}
	if f.loaded.CompareAndSwap(nil, &content) {
		c.admit(f, content.MemoryBytes())
	}
	return content, nil
}

// evict takes the content out of memory, unless it was used since the last call or is
// nowhere else.
func (f *frag[T]) evict() bool {
	if f.stored() == 0 || f.used.Swap(false) {
		return false
	}
	f.loaded.Store(nil)
	return true
}

func (f *frag[T]) encode(buf []byte) ([]byte, error) { return (*f.loaded.Load()).AppendTo(buf) }

func (f *frag[T]) dirtyBytes() int {
	if p := f.loaded.Load(); p != nil && f.stored() == 0 {
		return (*p).MemoryBytes()
	}
	return 0
}

// settle notes that a checkpoint has stored the fragment.
func (f *frag[T]) settle(generation uint64, c *Cache) {
	f.generation.Store(generation)
	if p := f.loaded.Load(); p != nil {
		c.admit(f, (*p).MemoryBytes())
	}
}

// anyFrag is what checkpoints and the cache need of a fragment of any content.
type anyFrag interface {
	id() fragKey
	meta() (count uint32, span [2]int64)
	stored() uint64
	encode(buf []byte) ([]byte, error)
	settle(generation uint64, c *Cache)
	evict() bool
	dirtyBytes() int
}

type (
	rowFrag    = frag[*bitmap.Bitmap]
	columnFrag = frag[*column.Block]
	chunkFrag  = frag[*column.Chunk]
)

func newFrag[T payload](key fragKey, count int, low, high int64, content T) *frag[T] {
	f := &frag[T]{key: key, count: uint32(count), low: low, high: high}
	f.loaded.Store(&content)
	return f
}

func newRow(key fragKey, b *bitmap.Bitmap) *rowFrag { return newFrag(key, b.Count(), 0, 0, b) }

func newColumn(key fragKey, b *column.Block) *columnFrag {
	low, high := b.Range()
	return newFrag(key, b.Count(), low, high, b)
}

func newChunk(key fragKey, c *column.Chunk) *chunkFrag {
	low, high := c.Offsets()
	return newFrag(key, c.Len(), low, high, c)
}
