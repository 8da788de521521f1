package bitmap

import (
	"bytes"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// AppendTo appends the bitmap in roaring's portable format.
func (b *Bitmap) AppendTo(buf []byte) ([]byte, error) {
	r := roaring.New()
	members := make([]uint32, 0, BlockOrdinals)
	for k := range ShardBlocks {
		members = members[:0]
		if block := b.Block(k); block != nil {
			block.Each(func(x uint16) { members = append(members, uint32(k)<<16|uint32(x)) })
			r.AddMany(members)
		}
	}
	r.RunOptimize()
	out := bytes.NewBuffer(buf)
	if _, err := r.WriteTo(out); err != nil {
		return nil, fmt.Errorf("bitmap: %w", err)
	}
	return out.Bytes(), nil
}

// Decode reads what AppendTo wrote. The bytes must have passed a checksum before: not every
// damage can be seen in them. It keeps nothing of the bytes.
func Decode(data []byte) (*Bitmap, error) {
	r := roaring.New()
	n, err := r.ReadFrom(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("bitmap: %w", err)
	}
	if n != int64(len(data)) {
		return nil, fmt.Errorf("bitmap: %d bytes too many", int64(len(data))-n)
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("bitmap: %w", err)
	}
	if !r.IsEmpty() && r.Maximum() >= ShardOrdinals {
		return nil, fmt.Errorf("bitmap: member %d lies outside the shard", r.Maximum())
	}
	b := new(Bitmap)
	var w Words
	var buf [4096]uint32
	current := -1
	flush := func() {
		if current >= 0 {
			block := FromWords(&w)
			b.present |= 1 << current
			b.blocks = append(b.blocks, block)
			b.count += block.Count()
			w.Clear()
		}
	}
	it := r.ManyIterator()
	for got := it.NextMany(buf[:]); got > 0; got = it.NextMany(buf[:]) {
		for _, x := range buf[:got] {
			if k := int(x >> 16); k != current {
				flush()
				current = k
			}
			w.Set(uint16(x))
		}
	}
	flush()
	return b, nil
}
