// Package dict numbers things in the order they are first seen: CIDs get ordinals,
// strings of a field get codes. Numbers are dense, start at 0 and are never reused.
package dict

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"

	"whowhen.dev/whowhen/segments/batch"
)

// ChunkCIDs is how many CIDs are saved together.
const ChunkCIDs = 1 << 16

// CIDs is the dictionary of an app's CIDs. One goroutine at a time may call Resolve; all other
// methods may be called concurrently with it and with each other.
//
// A CID is kept in 16 bytes where it is 32 hexadecimal digits or at most 15 bytes long; longer ones
// lie in an arena. A hash table of ordinals and 32 bits of hash finds them; a
// match is always checked against the CID itself.
type CIDs struct {
	seed maphash.Seed

	mu     sync.RWMutex
	slots  []uint64 // hash<<32 | ordinal+1, open addressing; 0 is free
	chunks []*chunk
	n      int
	arena  []byte
}

type chunk struct {
	keys   [ChunkCIDs]key
	opaque [ChunkCIDs / 64]uint64 // which keys are not 32 hexadecimal digits
}

// key is a packed CID or, for an opaque one, a length and the text, or longText, a length and
// the place in the arena.
type key [batch.PackedBytes]byte

const longText = 255

// NewCIDs returns an empty dictionary.
func NewCIDs() *CIDs {
	return &CIDs{seed: maphash.MakeSeed(), slots: make([]uint64, 1<<10)}
}

// ErrFull says that no more CIDs can be numbered.
var ErrFull = errors.New("the app holds as many CIDs as 32 bits can number")

// Len returns the number of CIDs.
func (d *CIDs) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.n
}

// Resolve writes the ordinal of each CID to ordinals, numbering new ones in their order.
func (d *CIDs) Resolve(cids *batch.CIDs, ordinals []uint32) error {
	// Nobody else writes, so looking needs no lock.
	var missing []int
	for i := range ordinals {
		packed, text := element(cids, i)
		ordinal, found := d.find(packed, text)
		if !found {
			missing = append(missing, i)
		}
		ordinals[i] = ordinal
	}
	if len(missing) == 0 {
		return nil
	}
	if d.n+len(missing) >= math.MaxUint32 {
		return ErrFull
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.grow(d.n + len(missing))
	for _, i := range missing {
		packed, text := element(cids, i)
		ordinal, found := d.find(packed, text) // the same CID may stand twice in the batch
		if !found {
			ordinal = d.add(packed, text)
		}
		ordinals[i] = ordinal
	}
	return nil
}

// element returns row i either packed or as text.
func element(cids *batch.CIDs, i int) (packed *key, text string) {
	if len(cids.Strings) == 0 {
		return (*key)(cids.Packed[i*batch.PackedBytes:]), ""
	}
	text = cids.Strings[i]
	packed = new(key)
	if batch.Pack((*[batch.PackedBytes]byte)(packed), text) {
		return packed, ""
	}
	return nil, text
}

// Find returns the ordinal of a CID and whether it has one.
func (d *CIDs) Find(cid string) (ordinal uint32, found bool) {
	packed, text := element(&batch.CIDs{Strings: []string{cid}}, 0)
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.find(packed, text)
}

func (d *CIDs) hash(packed *key, text string) uint64 {
	if packed != nil {
		return maphash.Bytes(d.seed, packed[:])
	}
	return maphash.String(d.seed, text)
}

func (d *CIDs) find(packed *key, text string) (uint32, bool) {
	h := d.hash(packed, text)
	mask := uint64(len(d.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		slot := d.slots[at]
		if slot == 0 {
			return 0, false
		}
		if slot>>32 == h>>32 && d.same(uint32(slot)-1, packed, text) {
			return uint32(slot) - 1, true
		}
	}
}

func (d *CIDs) same(ordinal uint32, packed *key, text string) bool {
	k, opaque := d.key(ordinal)
	if packed != nil {
		return !opaque && *k == *packed
	}
	return opaque && string(d.text(k)) == text
}

func (d *CIDs) key(ordinal uint32) (k *key, opaque bool) {
	c, i := d.chunks[ordinal/ChunkCIDs], ordinal%ChunkCIDs
	return &c.keys[i], c.opaque[i/64]>>(i%64)&1 != 0
}

// text returns the CID of an opaque key.
func (d *CIDs) text(k *key) []byte {
	if k[0] != longText {
		return k[1 : 1+k[0]]
	}
	at := binary.LittleEndian.Uint64(k[2:])
	return d.arena[at : at+uint64(k[1])]
}

func (d *CIDs) add(packed *key, text string) uint32 {
	ordinal := uint32(d.n)
	if d.n%ChunkCIDs == 0 {
		d.chunks = append(d.chunks, new(chunk))
	}
	k, _ := d.key(ordinal)
	switch {
	case packed != nil:
		*k = *packed
	default:
		c, i := d.chunks[ordinal/ChunkCIDs], ordinal%ChunkCIDs
		c.opaque[i/64] |= 1 << (i % 64)
		if len(text) < len(k) {
			k[0] = byte(len(text))
			copy(k[1:], text)
		} else {
			k[0], k[1] = longText, byte(len(text))
			binary.LittleEndian.PutUint64(k[2:], uint64(len(d.arena)))
			d.arena = append(d.arena, text...)
		}
	}
	d.n++
	d.place(d.hash(packed, text), ordinal)
	return ordinal
}

func (d *CIDs) place(h uint64, ordinal uint32) {
	mask := uint64(len(d.slots) - 1)
	at := h & mask
	for d.slots[at] != 0 {
		at = (at + 1) & mask
	}
	d.slots[at] = h>>32<<32 | uint64(ordinal) + 1
}

// grow makes room for n CIDs at a load of at most three quarters.
func (d *CIDs) grow(n int) {
	size := len(d.slots)
	for size/4*3 < n {
		size *= 2
	}
	if size == len(d.slots) {
		return
	}
	d.slots = make([]uint64, size)
	for ordinal := range uint32(d.n) {
		k, opaque := d.key(ordinal)
		if opaque {
			d.place(d.hash(nil, string(d.text(k))), ordinal)
		} else {
			d.place(d.hash(k, ""), ordinal)
		}
	}
}

// Read makes to the CIDs of these ordinals: packed when all of them can be, else strings.
func (d *CIDs) Read(to *batch.CIDs, ordinals []uint32) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	to.Packed, to.Strings = to.Packed[:0], to.Strings[:0]
	for _, ordinal := range ordinals {
		k, opaque := d.key(ordinal)
		if opaque {
			to.Packed = to.Packed[:0]
			d.readStrings(to, ordinals)
			return
		}
		to.Packed = append(to.Packed, k[:]...)
	}
}

func (d *CIDs) readStrings(to *batch.CIDs, ordinals []uint32) {
	for _, ordinal := range ordinals {
		k, opaque := d.key(ordinal)
		if opaque {
			to.Strings = append(to.Strings, string(d.text(k)))
		} else {
			one := batch.CIDs{Packed: k[:]}
			to.Strings = append(to.Strings, one.At(0))
		}
	}
}

// MemoryBytes returns how much memory the dictionary takes.
func (d *CIDs) MemoryBytes() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return 8*len(d.slots) + len(d.chunks)*(ChunkCIDs*batch.PackedBytes+ChunkCIDs/8) + cap(d.arena)
}

// AppendChunk appends the encoding of the CIDs first..first+n-1; first is a
// multiple of ChunkCIDs and n at most ChunkCIDs.
func (d *CIDs) AppendChunk(buf []byte, first, n int) []byte {
	d.mu.RLock()
	defer d.mu.RUnlock()
	buf = binary.AppendUvarint(buf, uint64(n))
	for i := range n {
		k, opaque := d.key(uint32(first + i))
		if opaque {
			text := d.text(k)
			buf = append(append(buf, byte(len(text))), text...)
		} else {
			buf = append(append(buf, 0), k[:]...)
		}
	}
	return buf
}

// LoadChunk adds the CIDs that AppendChunk wrote, in their order. It may be called only before the
// dictionary is shared.
func (d *CIDs) LoadChunk(data []byte) error {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > ChunkCIDs {
		return fmt.Errorf("dict: damaged chunk of CIDs")
	}
	data = data[size:]
	d.mu.Lock()
	defer d.mu.Unlock()
	d.grow(d.n + int(n))
	for range n {
		if len(data) == 0 {
			return fmt.Errorf("dict: damaged chunk of CIDs")
		}
		length := int(data[0])
		data = data[1:]
		if length == 0 {
			if len(data) < batch.PackedBytes {
				return fmt.Errorf("dict: damaged chunk of CIDs")
			}
			d.add((*key)(data), "")
			data = data[batch.PackedBytes:]
			continue
		}
		if len(data) < length {
			return fmt.Errorf("dict: damaged chunk of CIDs")
		}
		d.add(nil, string(data[:length]))
		data = data[length:]
	}
	if len(data) > 0 {
		return fmt.Errorf("dict: damaged chunk of CIDs")
	}
	return nil
}
