package dict

import (
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/memory"
)

// table finds ordinals by hash. It does not know the CIDs: it gives all ordinals of a hash, one after the other.
//
// It consists of partitions, which hashes choose by their low bits. Each grows by itself, by a quarter or less, and for each
// partCIDs CIDs that come one partition is split in two, in turn (linear hashing). So no step moves more
// than about 2*partCIDs entries, and the table is 7/10 to 7/8 full however large it is.
type table struct {
	arena *memory.Arena
	parts []part
	mask  uint32 // the bits that choose partitions, of which the highest counts only where it leads to one
	n     int
}

// part is one partition: slots in ascending order with gaps. A slot is hash<<32 | ordinal+1, or 0 when it is free; the last is
// always free. A hash has its home, which ascends with it, and its entries lie there or, if others are in the way, right
// after those. So looking stops at a gap or at a larger hash, soon even when there are few gaps.
type part struct {
	slots []uint64
	homes uint32 // a few less than there are slots: the last homes need some behind them
	n     uint32
	bytes []byte // the memory of the slots
}

const (
	partCIDs      = 8 << 10
	minPartBytes  = 64
	partHeadBytes = 56
)

// homesOf returns how many homes a partition of a size has.
func homesOf(bytes int) uint32 {
	slots := bytes / 8
	return uint32(slots - min(slots/4, 64))
}

// limitOf returns how many entries a partition with so many homes takes.
func limitOf(homes uint32) uint32 { return uint32(uint64(homes) * 7 / 8) }

// larger returns the next size of a partition.
func larger(bytes int) int {
	return memory.RoundUp(bytes + 1<<(bits.Len(uint(bytes))-1)/4)
}

// sizeFor returns the size for a partition with n entries and a few more to come.
func sizeFor(n int) int {
	bytes := memory.RoundUp(minPartBytes)
	for int(limitOf(homesOf(bytes))) < n+n/16 {
		bytes = larger(bytes)
	}
	return bytes
}

// at returns which partition a hash is in.
func (t *table) at(hash uint32) int {
	at, unsplit := hash&t.mask, hash&(t.mask>>1)
	if at >= uint32(len(t.parts)) {
		at = unsplit
	}
	return int(at)
}

// from returns the slots from a hash's home on. There must be a partition.
func (t *table) from(hash uint32) []uint64 {
	p := &t.parts[t.at(hash)]
	return p.slots[p.home(hash):]
}

func (p *part) home(hash uint32) int { return int(uint64(hash) * uint64(p.homes) >> 32) }

// insert adds an entry and returns how many others had to be moved to other memory for it.
func (t *table) insert(hash, ordinal uint32) (moved int, err error) {
	if t.n >= len(t.parts)*partCIDs {
		if moved, err = t.extend(); err != nil {
			return moved, err
		}
	}
	more, err := t.place(&t.parts[t.at(hash)], uint64(hash)<<32|uint64(ordinal+1))
	if err == nil {
		t.n++
	}
	return moved + more, err
}

// place adds an entry to its partition, which grows when it has to.
func (t *table) place(p *part, slot uint64) (moved int, err error) {
	if p.n >= limitOf(p.homes) {
		moved = int(p.n)
		size := larger(len(p.bytes))
		if err := t.resize(p, homesOf(size), size); err != nil {
			return moved, err
		}
	}
	for !p.insert(slot) {
		moved += int(p.n)
		if err := t.resize(p, p.homes, larger(len(p.bytes))); err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// insert puts an entry in its place and says whether there was room behind its home.
func (p *part) insert(slot uint64) bool {
	at := p.home(uint32(slot >> 32))
	for p.slots[at]-1 < slot { // a free slot is 0, and so ends it
		at++
	}
	end := at
	for p.slots[end] != 0 {
		end++
	}
	if end == len(p.slots)-1 {
		return false
	}
	copy(p.slots[at+1:end+1], p.slots[at:end])
	p.slots[at] = slot
	p.n++
	return true
}

// resize moves a partition to memory of another size, or to more if that does not do.
func (t *table) resize(p *part, homes uint32, bytes int) error {
	next, err := t.filled(p.slots, 0, 0, homes, bytes)
	if err != nil {
		return err
	}
	t.arena.Free(p.bytes)
	*p = next
	return nil
}

// filled returns a partition of a size, or a larger one if need be, with those entries whose hash has a bit or has not.
func (t *table) filled(slots []uint64, bit, want uint64, homes uint32, bytes int) (part, error) {
	for ; ; bytes = larger(bytes) {
		p, err := t.newPart(homes, bytes)
		if err != nil {
			return part{}, err
		}
		clear(p.bytes)
		if p.fill(slots, bit, want) {
			return p, nil
		}
		t.arena.Free(p.bytes)
	}
}

// fill puts ascending entries, with gaps or without, into an empty partition, but only those with a bit of the hash, and says
// whether there was room.
func (p *part) fill(slots []uint64, bit, want uint64) bool {
	to, homes := p.slots, uint64(p.homes)
	next, n := uint64(0), uint32(0)
	for _, slot := range slots {
		if slot == 0 || slot>>32&bit != want {
			continue
		}
		next = max(next, slot>>32*homes>>32)
		if next >= uint64(len(to)-1) {
			return false
		}
		to[next] = slot
		next++
		n++
	}
	p.n = n
	return true
}

// order puts entries in any order into an empty partition and says whether there was room; if not, it is still empty. next is
// memory for a number for each home.
func (p *part) order(entries []uint64, next []uint32) bool {
	clear(next)
	for _, slot := range entries {
		next[p.home(uint32(slot>>32))]++
	}
	end := uint32(0)
	for home, n := range next {
		end = max(end, uint32(home))
		next[home] = end
		end += n
	}
	if int(end) >= len(p.slots) || len(entries) > int(limitOf(p.homes)) {
		return false
	}
	for _, slot := range entries {
		home := p.home(uint32(slot >> 32))
		at := next[home]
		next[home]++
		for ; at > 0 && p.slots[at-1] > slot; at-- { // only entries with the same home
			p.slots[at] = p.slots[at-1]
		}
		p.slots[at] = slot
	}
	p.n = uint32(len(entries))
	return true
}

// extend adds a partition: the first, or one that takes half of an older one's hashes.
func (t *table) extend() (moved int, err error) {
	if len(t.parts) == 0 {
		first, err := t.filled(nil, 0, 0, homesOf(minPartBytes), minPartBytes)
		if err != nil {
			return 0, err
		}
		t.setParts(append(t.parts, first))
		return 0, nil
	}
	bit := uint64(t.mask+1) >> 1
	if uint64(len(t.parts)) > uint64(t.mask) {
		bit = uint64(t.mask) + 1 // all have been split
	}
	old := &t.parts[len(t.parts)-int(bit)]
	high := 0
	for _, slot := range old.slots {
		if slot>>32&bit != 0 {
			high++
		}
	}
	size := sizeFor(int(old.n) - high)
	stays, err := t.filled(old.slots, bit, 0, homesOf(size), size)
	if err != nil {
		return 0, err
	}
	size = sizeFor(high)
	leaves, err := t.filled(old.slots, bit, bit, homesOf(size), size)
	if err != nil {
		t.arena.Free(stays.bytes)
		return 0, err
	}
	moved = int(old.n)
	t.arena.Free(old.bytes)
	*old = stays
	t.setParts(append(t.parts, leaves))
	return moved, nil
}

// prepare makes the partitions of an empty table for n CIDs, with arbitrary slots.
func (t *table) prepare(n int) error {
	t.setParts(make([]part, (n+partCIDs-1)/partCIDs))
	for i := range t.parts {
		entries := n
		if all := int(t.mask) + 1; i >= all/2 || i+all/2 < len(t.parts) {
			entries = n / all
		} else {
			entries = n / (all / 2)
		}
		size := sizeFor(entries)
		var err error
		if t.parts[i], err = t.newPart(homesOf(size), size); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) setParts(parts []part) {
	t.parts, t.mask = parts, 1<<bits.Len(uint(len(parts)-1))-1
}

// newPart returns a partition with arbitrary slots.
func (t *table) newPart(homes uint32, bytes int) (part, error) {
	given, err := t.arena.Alloc(bytes)
	if err != nil {
		return part{}, err
	}
	return part{slots: memory.Uint64s(given), homes: homes, bytes: given}, nil
}

func (t *table) free() {
	for _, p := range t.parts {
		t.arena.Free(p.bytes)
	}
}

func (t *table) memoryBytes() int {
	size := cap(t.parts) * partHeadBytes
	for _, p := range t.parts {
		size += memory.RoundUp(len(p.bytes))
	}
	return size
}
