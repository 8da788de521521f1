package bitmap

import "math/bits"

// Bitmap is a set of the ordinals of one shard, 0 to ShardOrdinals-1. The zero Bitmap
// is empty.
type Bitmap struct {
	present uint16  // bit k is set when block k is not empty
	blocks  []Block // the blocks that are not empty, ascending
	count   int
}

// New returns the bitmap of ascending distinct members.
func New(members []uint32) *Bitmap { return new(Bitmap).Apply(members, nil) }

// Count returns the number of members.
func (b *Bitmap) Count() int { return b.count }

// Counts says how many members each block of a bitmap has.
type Counts [ShardBlocks]int32

// Counts returns how many members each block has.
func (b *Bitmap) Counts() *Counts {
	n := new(Counts)
	for k := range n {
		if block := b.Block(k); block != nil {
			n[k] = block.count
		}
	}
	return n
}

// Blocks has bit k set when block k is not empty.
func (b *Bitmap) Blocks() uint16 { return b.present }

// Block returns block k, or nil when it is empty.
func (b *Bitmap) Block(k int) *Block {
	if b.present>>k&1 == 0 {
		return nil
	}
	return &b.blocks[bits.OnesCount16(b.present&(1<<k-1))]
}

// Has says whether x is a member.
func (b *Bitmap) Has(x uint32) bool {
	block := b.Block(int(x >> 16))
	return block != nil && block.Has(uint16(x))
}

// Each calls f with every member, ascending.
func (b *Bitmap) Each(f func(x uint32)) {
	for k := range ShardBlocks {
		if block := b.Block(k); block != nil {
			block.Each(func(x uint16) { f(uint32(k)<<16 | uint32(x)) })
		}
	}
}

// Apply returns the bitmap with members added and removed. Both lists ascend, are free of
// repeats and have nothing in common. Blocks that are not touched are shared.
func (b *Bitmap) Apply(add, remove []uint32) *Bitmap {
	next := &Bitmap{blocks: make([]Block, 0, len(b.blocks)+1)}
	var adds, removes []uint16
	for k := range ShardBlocks {
		adds, add = cut(adds[:0], add, k)
		removes, remove = cut(removes[:0], remove, k)
		block := b.Block(k)
		if len(adds) > 0 || len(removes) > 0 {
			old := Block{}
			if block != nil {
				old = *block
			}
			changed := old.apply(adds, removes)
			block = &changed
		}
		if block != nil && block.count > 0 {
			next.present |= 1 << k
			next.blocks = append(next.blocks, *block)
			next.count += block.Count()
		}
	}
	return next
}

// cut moves the members of block k from the front of a list.
func cut(to []uint16, from []uint32, k int) ([]uint16, []uint32) {
	n := 0
	for n < len(from) && int(from[n]>>16) == k {
		to = append(to, uint16(from[n]))
		n++
	}
	return to, from[n:]
}

// MemoryBytes returns how much memory the bitmap takes, blocks it shares included.
func (b *Bitmap) MemoryBytes() int {
	const bitmapBytes, blockBytes = 40, 40
	n := bitmapBytes + len(b.blocks)*blockBytes
	for i := range b.blocks {
		if b.blocks[i].words != nil {
			n += wordsBytes
		} else {
			n += 2 * len(b.blocks[i].array)
		}
	}
	return n
}
