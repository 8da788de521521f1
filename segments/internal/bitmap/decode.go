package bitmap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/memory"
)

// container is one of the containers that a header names.
type container struct {
	key, count int
	runs       bool
	data       []byte
}

var errShort = errors.New("bitmap: it ends too soon")

// Decode reads what AppendTo wrote, or any other roaring bitmap within the shard. The bytes must have passed a checksum before: not
// every damage can be seen in them. It keeps nothing of the bytes; its members are in one allocation.
func Decode(data []byte, alloc memory.Alloc) (*Bitmap, error) {
	list, err := containers(data)
	if err != nil {
		return nil, err
	}
	b := &Bitmap{blocks: make([]Block, len(list))}
	for i := range list {
		b.present |= 1 << list[i].key
		b.blocks[i].count = int32(list[i].count)
		b.count += list[i].count
	}
	if err := b.place(alloc); err != nil {
		return nil, err
	}
	for i := range list {
		if err := list[i].decode(&b.blocks[i]); err != nil {
			return nil, fmt.Errorf("bitmap: block %d: %w", list[i].key, err)
		}
	}
	return b, nil
}

// place gives the blocks, whose counts are known, room for their members.
func (b *Bitmap) place(alloc memory.Alloc) error {
	dense, members := 0, 0
	for i := range b.blocks {
		if n := b.blocks[i].Count(); n >= denseFrom {
			dense++
		} else {
			members += n
		}
	}
	const least = 8 // also of an empty bitmap, so that it has a place like any other
	room, err := alloc(max(least, dense*wordsBytes+2*members))
	if err != nil {
		return err
	}
	room = room[:dense*wordsBytes+2*members]
	words, arrays := memory.Uint64s(room[:dense*wordsBytes]), memory.Uint16s(room[dense*wordsBytes:])
	for i := range b.blocks {
		block := &b.blocks[i]
		if n := block.Count(); n >= denseFrom {
			block.words, words = (*Words)(words), words[len(Words{}):]
		} else {
			block.array, arrays = arrays[:n:n], arrays[n:]
		}
	}
	return nil
}

// Relocate returns a copy whose members are in one allocation.
func (b *Bitmap) Relocate(alloc memory.Alloc) (*Bitmap, error) {
	c := &Bitmap{present: b.present, count: b.count, blocks: make([]Block, len(b.blocks))}
	for i := range b.blocks {
		c.blocks[i].count = b.blocks[i].count
	}
	if err := c.place(alloc); err != nil {
		return nil, err
	}
	for i := range b.blocks {
		if from := &b.blocks[i]; from.words != nil {
			*c.blocks[i].words = *from.words
		} else {
			copy(c.blocks[i].array, from.array)
		}
	}
	return c, nil
}

// containers reads the header and cuts the rest at the containers' ends.
func containers(data []byte) ([]container, error) {
	whole := data
	if len(data) < 4 {
		return nil, errShort
	}
	n, runs, flags := 0, false, 0
	switch cookie := binary.LittleEndian.Uint32(data); {
	case cookie&0xffff == cookieRuns:
		n, runs, data = int(cookie>>16)+1, true, data[4:]
		if n > ShardBlocks || len(data) < (n+7)/8 {
			return nil, fmt.Errorf("bitmap: %d containers, at most %d", n, ShardBlocks)
		}
		for i := range (n + 7) / 8 {
			flags |= int(data[i]) << (8 * i)
		}
		data = data[(n+7)/8:]
	case cookie == cookieNoRuns:
		if len(data) < 8 {
			return nil, errShort
		}
		count := binary.LittleEndian.Uint32(data[4:])
		if count > ShardBlocks {
			return nil, fmt.Errorf("bitmap: %d containers, at most %d", count, ShardBlocks)
		}
		n, data = int(count), data[8:]
	default:
		return nil, fmt.Errorf("bitmap: it begins with %#x", cookie)
	}
	if len(whole) < headerBytes(n, runs) {
		return nil, errShort
	}
	var offsets []byte
	if !runs || n >= offsetsFrom {
		offsets = data[4*n:]
	}
	list := make([]container, n)
	rest := whole[headerBytes(n, runs):]
	for i := range list {
		c := &list[i]
		c.key, c.count = int(binary.LittleEndian.Uint16(data[4*i:])), int(binary.LittleEndian.Uint16(data[4*i+2:]))+1
		c.runs = flags>>i&1 != 0
		if c.key >= ShardBlocks || i > 0 && c.key <= list[i-1].key {
			return nil, fmt.Errorf("bitmap: container %d is of block %d", i, c.key)
		}
		if offsets != nil && int(binary.LittleEndian.Uint32(offsets[4*i:])) != len(whole)-len(rest) {
			return nil, fmt.Errorf("bitmap: container %d is not where its offset says", i)
		}
		size := containerBytes(c.count, 0)
		if c.runs {
			if len(rest) < 2 {
				return nil, errShort
			}
			size = 2 + 4*int(binary.LittleEndian.Uint16(rest))
		}
		if len(rest) < size {
			return nil, errShort
		}
		c.data, rest = rest[:size], rest[size:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("bitmap: %d bytes too many", len(rest))
	}
	return list, nil
}

var (
	errCount = errors.New("it does not have the members that its header counts")
	errOrder = errors.New("its members do not ascend")
)

// decode fills the block, which has room for as many members as the header counts.
func (c *container) decode(to *Block) error {
	switch {
	case c.runs:
		return c.decodeRuns(to)
	case c.count <= arrayMax:
		return c.decodeArray(to)
	}
	n := 0
	for i := range to.words {
		word := binary.LittleEndian.Uint64(c.data[8*i:])
		to.words[i] = word
		n += bits.OnesCount64(word)
	}
	if n != c.count {
		return errCount
	}
	return nil
}

func (c *container) decodeArray(to *Block) error {
	if to.words != nil {
		to.words.Clear()
	}
	last := -1
	for i := range c.count {
		x := binary.LittleEndian.Uint16(c.data[2*i:])
		if int(x) <= last {
			return errOrder
		}
		last = int(x)
		if to.words != nil {
			to.words.Set(x)
		} else {
			to.array[i] = x
		}
	}
	return nil
}

func (c *container) decodeRuns(to *Block) error {
	if to.words != nil {
		to.words.Clear()
	}
	n, next := 0, 0
	for data := c.data[2:]; len(data) > 0; data = data[4:] {
		first, length := int(binary.LittleEndian.Uint16(data)), int(binary.LittleEndian.Uint16(data[2:]))+1
		if first < next || first+length > BlockOrdinals {
			return errOrder
		}
		next = first + length
		if n += length; n > c.count {
			return errCount
		}
		if to.words != nil {
			to.words.setRange(first, next)
			continue
		}
		for i := range length {
			to.array[n-length+i] = uint16(first + i)
		}
	}
	if n != c.count {
		return errCount
	}
	return nil
}
