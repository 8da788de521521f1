package column

import (
	"encoding/binary"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/value"
)

// A chunk's encoding begins with the number of rows of each block and their ordinals within it, in two bytes each. The lists
// of offsets, UTC offsets and ends of event ids follow, the ids, the number of properties and, of each, its number and its
// lists of kinds, data and scales.

// MemoryBytes returns how much memory the chunk takes: that of its content, exactly, and that of its headers.
func (c *Chunk) MemoryBytes() int {
	const headerBytes, propBytes = 640, 376
	return headerBytes + len(c.props)*propBytes + c.contentBytes()
}

// contentBytes returns the size of the room that the chunk's content takes.
func (c *Chunk) contentBytes() int {
	n := partBytes(2*len(c.ordinals)) + partBytes(len(c.ids))
	for _, list := range []*Ints{&c.offsets, &c.utc, &c.idEnds} {
		n += partBytes(list.dataBytes())
	}
	for i := range c.props {
		p := &c.props[i]
		n += partBytes(p.kinds.dataBytes()) + partBytes(p.data.dataBytes()) + partBytes(p.scales.dataBytes())
	}
	return n
}

// Relocate returns the same chunk with its content in memory from alloc, of which it asks for one piece.
func (c *Chunk) Relocate(alloc memory.Alloc) (*Chunk, error) {
	to, err := newRoom(alloc, c.contentBytes())
	if err != nil {
		return nil, err
	}
	moved := &Chunk{starts: c.starts, low: c.low, high: c.high, props: make([]Prop, len(c.props))}
	moved.ordinals = to.copy16(c.ordinals)
	moved.offsets, moved.utc, moved.idEnds = c.offsets.move(&to), c.utc.move(&to), c.idEnds.move(&to)
	moved.ids = to.copyBytes(c.ids)
	for i := range c.props {
		p := &c.props[i]
		moved.props[i] = Prop{p.ID, p.kinds.move(&to), p.data.move(&to), p.scales.move(&to), p.topScale}
	}
	return moved, nil
}

// AppendTo appends the chunk's encoding.
func (c *Chunk) AppendTo(buf []byte) ([]byte, error) {
	for k := range bitmap.ShardBlocks {
		buf = binary.AppendUvarint(buf, uint64(c.starts[k+1]-c.starts[k]))
	}
	buf = append16(buf, c.ordinals)
	for _, list := range []*Ints{&c.offsets, &c.utc, &c.idEnds} {
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

// encodedChunk is a chunk's encoding that has been looked at but not copied.
type encodedChunk struct {
	starts               [bitmap.ShardBlocks + 1]int
	ordinals, ids        []byte
	offsets, utc, idEnds encodedInts
	props                []encodedProp
}

type encodedProp struct {
	id                  uint32
	kinds, data, scales encodedInts
}

// DecodeChunk reads what AppendTo wrote. Of alloc it asks for one piece of memory for all content, and keeps nothing of
// the bytes. After an error the chunk does not use what alloc gave.
func DecodeChunk(data []byte, alloc memory.Alloc) (*Chunk, error) {
	e, err := parseChunk(data)
	if err != nil {
		return nil, err
	}
	bytes := partBytes(len(e.ordinals)) + partBytes(len(e.ids)) + partBytes(len(e.offsets.data)) + partBytes(len(e.utc.data)) + partBytes(len(e.idEnds.data))
	for i := range e.props {
		p := &e.props[i]
		bytes += partBytes(len(p.kinds.data)) + partBytes(len(p.data.data)) + partBytes(len(p.scales.data))
	}
	to, err := newRoom(alloc, bytes)
	if err != nil {
		return nil, err
	}
	c := &Chunk{starts: e.starts, ordinals: to.decode16(e.ordinals), props: make([]Prop, len(e.props))}
	c.offsets, c.utc, c.idEnds = e.offsets.place(&to), e.utc.place(&to), e.idEnds.place(&to)
	c.ids = to.copyBytes(e.ids)
	for i := range e.props {
		p := &e.props[i]
		c.props[i] = newProp(p.id, p.kinds.place(&to), p.data.place(&to), p.scales.place(&to))
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

func parseChunk(data []byte) (e encodedChunk, err error) {
	for k := range bitmap.ShardBlocks {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)) {
			return e, errDamaged
		}
		data = data[size:]
		e.starts[k+1] = e.starts[k] + int(n)
	}
	n := e.starts[bitmap.ShardBlocks]
	if n == 0 || 2*n > len(data) {
		return e, errDamaged
	}
	e.ordinals, data = data[:2*n], data[2*n:]
	for _, list := range []*encodedInts{&e.offsets, &e.utc, &e.idEnds} {
		if *list, data, err = parseInts(data); err != nil {
			return e, err
		}
	}
	if e.offsets.n != n || !e.utc.fits(n) || !e.idEnds.fits(n) {
		return e, errDamaged
	}
	if e.ids, data, err = parseIDs(&e.idEnds, data); err != nil {
		return e, err
	}
	count, size := binary.Uvarint(data)
	if size <= 0 || count > uint64(len(data)) {
		return e, errDamaged
	}
	data = data[size:]
	for range count {
		id, size := binary.Uvarint(data)
		if size <= 0 || id > 1<<32-1 {
			return e, errDamaged
		}
		data = data[size:]
		p := encodedProp{id: uint32(id)}
		for _, list := range []*encodedInts{&p.kinds, &p.data, &p.scales} {
			if *list, data, err = parseInts(data); err != nil {
				return e, err
			}
		}
		if p.kinds.n != n || p.data.n != n || !p.scales.fits(n) || !p.kinds.within(int64(value.List)) || !p.scales.within(value.MaxScale) || p.scales.width > 1 {
			return e, errDamaged
		}
		e.props = append(e.props, p)
	}
	if len(data) > 0 {
		return e, errDamaged
	}
	return e, nil
}

// parseIDs cuts the event ids from the front of the bytes.
func parseIDs(ends *encodedInts, data []byte) (ids, rest []byte, err error) {
	last := int64(0)
	for i := range ends.n {
		end := ends.base + int64(ends.distance(i))
		if end < last || end > int64(len(data)) {
			return nil, nil, errDamaged
		}
		last = end
	}
	return data[:last], data[last:], nil
}

// check finds the least and the greatest offset, and refuses rows that are not in order.
func (c *Chunk) check() error {
	c.low, c.high = c.offsets.At(0), c.offsets.At(0)
	for k := range bitmap.ShardBlocks {
		from, to := c.Block(k)
		for i := from; i < to; i++ {
			offset := c.offsets.At(i)
			c.low, c.high = min(c.low, offset), max(c.high, offset)
			if i > from && (c.ordinals[i] < c.ordinals[i-1] || c.ordinals[i] == c.ordinals[i-1] && offset < c.offsets.At(i-1)) {
				return errDamaged
			}
		}
	}
	return nil
}

// fits says whether an optional list is empty or has n values.
func (e *encodedInts) fits(n int) bool { return e.n == 0 || e.n == n }

// within says whether all values lie in [0, most].
func (e *encodedInts) within(most int64) bool {
	if e.n == 0 {
		return true
	}
	if e.base < 0 || e.base > most {
		return false
	}
	if reach(e.width) <= uint64(most-e.base) {
		return true
	}
	for i := range e.n {
		if e.distance(i) > uint64(most-e.base) {
			return false
		}
	}
	return true
}
