package column

import (
	"encoding/binary"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// AppendTo appends the chunk's encoding.
func (c *Chunk) AppendTo(buf []byte) ([]byte, error) {
	for _, list := range []*Ints{&c.ordinals, &c.offsets, &c.utc, &c.idEnds} {
		buf = list.AppendTo(buf)
	}
	buf = append(buf, c.ids...)
	buf = binary.AppendUvarint(buf, uint64(len(c.props)))
	for i := range c.props {
		p := &c.props[i]
		buf = binary.AppendUvarint(buf, uint64(p.ID))
		for _, list := range []*Ints{&p.kinds, &p.data, &p.scales} {
			buf = list.AppendTo(buf)
		}
	}
	return buf, nil
}

// DecodeChunk reads what AppendTo wrote.
func DecodeChunk(data []byte) (*Chunk, error) {
	c := new(Chunk)
	var err error
	for _, list := range []*Ints{&c.ordinals, &c.offsets, &c.utc, &c.idEnds} {
		if *list, data, err = DecodeInts(data); err != nil {
			return nil, err
		}
	}
	n := c.Len()
	if n == 0 || c.offsets.Len() != n || !c.utc.fits(n) || !c.idEnds.fits(n) {
		return nil, errDamaged
	}
	last := int64(0)
	for i := range n {
		o := c.ordinals.At(i)
		if o < last || o >= bitmap.ShardOrdinals || i > 0 && o == last && c.offsets.At(i) < c.offsets.At(i-1) {
			return nil, errDamaged
		}
		last = o
	}
	if c.HasIDs() {
		last = 0
		for i := range n {
			end := c.idEnds.At(i)
			if end < last || end > int64(len(data)) {
				return nil, errDamaged
			}
			last = end
		}
		c.ids, data = append([]byte(nil), data[:last]...), data[last:]
	}
	count, size := binary.Uvarint(data)
	if size <= 0 || count > uint64(len(data)) {
		return nil, errDamaged
	}
	data = data[size:]
	for range count {
		id, size := binary.Uvarint(data)
		if size <= 0 || id > 1<<32-1 {
			return nil, errDamaged
		}
		data = data[size:]
		p := Prop{ID: uint32(id)}
		for _, list := range []*Ints{&p.kinds, &p.data, &p.scales} {
			if *list, data, err = DecodeInts(data); err != nil {
				return nil, err
			}
		}
		if p.kinds.Len() != n || p.data.Len() != n || !p.scales.fits(n) {
			return nil, errDamaged
		}
		for i := range n {
			if k := p.kinds.At(i); k < 0 || k > int64(value.List) || p.scales.Len() > 0 && (p.scales.At(i) < 0 || p.scales.At(i) > value.MaxScale) {
				return nil, errDamaged
			}
		}
		c.props = append(c.props, p)
	}
	if len(data) > 0 {
		return nil, errDamaged
	}
	c.low, c.high = c.offsets.At(0), c.offsets.At(0)
	for i := range n {
		c.low, c.high = min(c.low, c.offsets.At(i)), max(c.high, c.offsets.At(i))
	}
	c.index()
	return c, nil
}

// fits says whether an optional list is empty or has n values.
func (c *Ints) fits(n int) bool { return c.n == 0 || c.n == n }
