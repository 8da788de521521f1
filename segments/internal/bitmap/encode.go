package bitmap

import (
	"encoding/binary"
	"math/bits"
)

// The portable serialization of roaring bitmaps, as its format specification has it: a header that names the containers, then
// the containers, each a list of members, a bit for each, or a list of runs, whichever is smallest.
const (
	cookieNoRuns = 12346
	cookieRuns   = 12347
	// offsetsFrom is the number of containers from which a header with runs has offsets.
	offsetsFrom = 4
	// arrayMax is the largest number of members that a list has.
	arrayMax = 4096
)

// AppendTo appends the bitmap in roaring's portable format. It does not fail.
func (b *Bitmap) AppendTo(buf []byte) ([]byte, error) {
	var runs [ShardBlocks]int // of each block, 0 where they take more room than the alternative
	anyRuns := false
	for i := range b.blocks {
		block := &b.blocks[i]
		if n := block.runs(); 2+4*n < min(2*block.Count(), wordsBytes) {
			runs[i], anyRuns = n, true
		}
	}
	n := len(b.blocks)
	if anyRuns {
		buf = binary.LittleEndian.AppendUint32(buf, cookieRuns|uint32(n-1)<<16)
		flags := 0
		for i := range n {
			if runs[i] > 0 {
				flags |= 1 << i
			}
		}
		for i := 0; i < n; i += 8 {
			buf = append(buf, byte(flags>>i))
		}
	} else {
		buf = binary.LittleEndian.AppendUint32(buf, cookieNoRuns)
		buf = binary.LittleEndian.AppendUint32(buf, uint32(n))
	}
	i := 0
	for k := range ShardBlocks {
		if block := b.Block(k); block != nil {
			buf = binary.LittleEndian.AppendUint16(buf, uint16(k))
			buf = binary.LittleEndian.AppendUint16(buf, uint16(block.count-1))
		}
	}
	if !anyRuns || n >= offsetsFrom {
		offset := headerBytes(n, anyRuns)
		for i = range b.blocks {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(offset))
			offset += containerBytes(b.blocks[i].Count(), runs[i])
		}
	}
	for i = range b.blocks {
		buf = b.blocks[i].appendContainer(buf, runs[i])
	}
	return buf, nil
}

// headerBytes returns the size of a header of n containers.
func headerBytes(n int, runs bool) int {
	switch {
	case !runs:
		return 8 + 8*n
	case n < offsetsFrom:
		return 4 + (n+7)/8 + 4*n
	}
	return 4 + (n+7)/8 + 8*n
}

func containerBytes(count, runs int) int {
	switch {
	case runs > 0:
		return 2 + 4*runs
	case count <= arrayMax:
		return 2 * count
	}
	return wordsBytes
}

// runs returns the number of stretches of neighbours.
func (b *Block) runs() int {
	n := 0
	if b.words == nil {
		for i, x := range b.array {
			if i == 0 || b.array[i-1]+1 != x {
				n++
			}
		}
		return n
	}
	last := uint64(0)
	for _, word := range b.words {
		n += bits.OnesCount64(word &^ (word<<1 | last))
		last = word >> 63
	}
	return n
}

func (b *Block) appendContainer(buf []byte, runs int) []byte {
	switch {
	case runs > 0:
		buf = binary.LittleEndian.AppendUint16(buf, uint16(runs))
		first, last, any := uint16(0), uint16(0), false
		b.Each(func(x uint16) {
			switch {
			case !any:
				first, any = x, true
			case last+1 != x:
				buf = binary.LittleEndian.AppendUint16(buf, first)
				buf = binary.LittleEndian.AppendUint16(buf, last-first)
				first = x
			}
			last = x
		})
		buf = binary.LittleEndian.AppendUint16(buf, first)
		return binary.LittleEndian.AppendUint16(buf, last-first)
	case b.count <= arrayMax:
		b.Each(func(x uint16) { buf = binary.LittleEndian.AppendUint16(buf, x) })
		return buf
	}
	for _, word := range b.words {
		buf = binary.LittleEndian.AppendUint64(buf, word)
	}
	return buf
}
