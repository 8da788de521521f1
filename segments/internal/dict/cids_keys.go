package dict

import (
	"encoding/binary"
	"encoding/hex"
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// ChunkCIDs is how many CIDs lie together in memory, and at most in the store.
const ChunkCIDs = 1 << 16

// key is a packed CID or, for an opaque one, its length and text where it fits, else longText, its length and where its
// text lies.
type key [batch.PackedBytes]byte

const longText = 255

// keys are the CIDs by ordinal. What is there does not change any more.
type keys struct {
	arena     *memory.Arena
	n         int
	mixed     bool // some are opaque
	chunks    []chunk
	texts     [][]byte // blocks of blockBytes; no text lies in two
	textBytes int      // up to where texts are used
}

// chunk is the keys of ChunkCIDs ordinals. The first one is shorter as long as it is the only one.
type chunk struct {
	keys   []byte
	opaque []byte // a bit for each key that is not packed; nil when all are
}

const (
	blockBytes    = ChunkCIDs * batch.PackedBytes
	minBlockBytes = 1 << 10
	opaqueBytes   = ChunkCIDs / 8

	// What the Go heap holds for each chunk and each block of texts on a 64-bit machine.
	chunkHeadBytes = 48
	blockHeadBytes = 24
)

// grown returns a block of at least n bytes that begins as block does, which it frees.
func grown(arena *memory.Arena, block []byte, n int) ([]byte, error) {
	size := max(len(block), minBlockBytes)
	for size < n {
		size *= 2
	}
	if size == len(block) {
		return block, nil
	}
	next, err := arena.Alloc(size)
	if err != nil {
		return block, err
	}
	copy(next, block)
	arena.Free(block)
	return next, nil
}

// reserve makes room for n keys.
func (k *keys) reserve(n int) error {
	for c := max(0, len(k.chunks)-1); c*ChunkCIDs < n; c++ {
		if c == len(k.chunks) {
			k.chunks = append(k.chunks, chunk{})
		}
		want := min(n-c*ChunkCIDs, ChunkCIDs)
		if c > 0 {
			want = ChunkCIDs
		}
		var err error
		if k.chunks[c].keys, err = grown(k.arena, k.chunks[c].keys, want*batch.PackedBytes); err != nil {
			return err
		}
	}
	return nil
}

// put writes the next key, for which there is room. It counts once n says so.
func (k *keys) put(cid *cid) error {
	c, i := &k.chunks[k.n/ChunkCIDs], k.n%ChunkCIDs
	to := (*key)(c.keys[i*batch.PackedBytes:])
	if !cid.opaque {
		*to = cid.key
		if c.opaque != nil {
			c.opaque[i/8] &^= 1 << (i % 8)
		}
		return nil
	}
	if err := setText(k, to, cid.text); err != nil {
		return err
	}
	return k.mark(k.n)
}

// mark notes that a key is opaque.
func (k *keys) mark(ordinal int) error {
	c, i := &k.chunks[ordinal/ChunkCIDs], ordinal%ChunkCIDs
	if c.opaque == nil {
		bits, err := k.arena.Alloc(opaqueBytes)
		if err != nil {
			return err
		}
		clear(bits)
		c.opaque = bits
	}
	k.mixed = true
	c.opaque[i/8] |= 1 << (i % 8)
	return nil
}

// setText makes the key of a text.
func setText[T string | []byte](k *keys, to *key, text T) error {
	*to = key{}
	if len(text) < len(to) {
		to[0] = byte(len(text))
		copy(to[1:], text)
		return nil
	}
	at := k.textBytes
	if at%blockBytes+len(text) > blockBytes {
		at = (at/blockBytes + 1) * blockBytes
	}
	b := at / blockBytes
	if b == len(k.texts) {
		k.texts = append(k.texts, nil)
	}
	want := at%blockBytes + len(text)
	if b > 0 {
		want = blockBytes
	}
	var err error
	if k.texts[b], err = grown(k.arena, k.texts[b], want); err != nil {
		return err
	}
	copy(k.texts[b][at%blockBytes:], text)
	to[0], to[1] = longText, byte(len(text))
	binary.LittleEndian.PutUint64(to[2:], uint64(at))
	k.textBytes = at + len(text)
	return nil
}

// at returns the key of an ordinal.
func (k *keys) at(ordinal uint32) *key {
	return (*key)(k.chunks[ordinal/ChunkCIDs].keys[ordinal%ChunkCIDs*batch.PackedBytes:])
}

func (k *keys) isOpaque(ordinal uint32) bool {
	bits, i := k.chunks[ordinal/ChunkCIDs].opaque, ordinal%ChunkCIDs
	return bits != nil && bits[i/8]>>(i%8)&1 != 0
}

// text returns the CID of an opaque key.
func (k *keys) text(of *key) []byte {
	if of[0] != longText {
		return of[1 : 1+of[0]]
	}
	at := binary.LittleEndian.Uint64(of[2:])
	return k.texts[at/blockBytes][at%blockBytes:][:of[1]]
}

// is says whether an ordinal is that of a CID.
func (k *keys) is(ordinal uint32, c *cid) bool {
	at := k.at(ordinal)
	if k.isOpaque(ordinal) {
		return c.opaque && string(k.text(at)) == c.text
	}
	return !c.opaque && *at == c.key
}

// gather copies packed keys to a column, unless one is opaque.
func (k *keys) gather(to []byte, ordinals []uint32) (packed bool) {
	if k.mixed {
		for _, ordinal := range ordinals {
			if k.isOpaque(ordinal) {
				return false
			}
		}
	}
	chunks := k.chunks
	for i, ordinal := range ordinals {
		at := int(ordinal%ChunkCIDs) * batch.PackedBytes
		from := chunks[ordinal/ChunkCIDs].keys[at : at+batch.PackedBytes]
		into := to[i*batch.PackedBytes : i*batch.PackedBytes+batch.PackedBytes]
		a, b := binary.NativeEndian.Uint64(from), binary.NativeEndian.Uint64(from[8:])
		binary.NativeEndian.PutUint64(into, a)
		binary.NativeEndian.PutUint64(into[8:], b)
	}
	return true
}

// appendStrings appends CIDs as text. Those of one call share an allocation.
func (k *keys) appendStrings(to []string, ordinals []uint32) []string {
	all := make([]byte, 0, len(ordinals)*2*batch.PackedBytes)
	ends := make([]int, len(ordinals))
	for i, ordinal := range ordinals {
		if at := k.at(ordinal); k.isOpaque(ordinal) {
			all = append(all, k.text(at)...)
		} else {
			all = hex.AppendEncode(all, at[:])
		}
		ends[i] = len(all)
	}
	text, from := string(all), 0
	to = slices.Grow(to, len(ends))
	for _, end := range ends {
		to, from = append(to, text[from:end]), end
	}
	return to
}

func (k *keys) free() {
	for _, c := range k.chunks {
		k.arena.Free(c.keys)
		k.arena.Free(c.opaque)
	}
	for _, block := range k.texts {
		k.arena.Free(block)
	}
}

func (k *keys) memoryBytes() int {
	size := cap(k.chunks)*chunkHeadBytes + cap(k.texts)*blockHeadBytes
	for _, c := range k.chunks {
		size += memory.RoundUp(len(c.keys)) + memory.RoundUp(len(c.opaque))
	}
	for _, block := range k.texts {
		size += memory.RoundUp(len(block))
	}
	return size
}
