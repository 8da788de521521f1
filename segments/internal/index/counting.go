package index

import (
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// counting is what countEvents works with: for each block the ordinals that events came of, and for the shard who changes.
type counting struct {
	who     []uint16
	added   []uint32 // events that came, by who
	before  []uint32 // number of events less one, of those who had any, by who
	had     []uint32 // 1 when there were any, by who
	members []uint16
	came    []uint32
	set     [32][]uint32
	unset   [32][]uint32
}

// countEvents raises presence and planes by one for each ordinal listed; the list ascends and may repeat.
func (d *Draft) countEvents(day *EventDay, ordinals []uint32, key fragKey) error {
	presence := &bitmap.Bitmap{}
	if day.presence != nil {
		var err error
		if presence, err = day.Presence(); err != nil {
			return err
		}
	}
	planes, err := day.Planes()
	if err != nil {
		return err
	}
	c := &d.scratch.counting
	c.came = c.came[:0]
	for k := range c.set {
		c.set[k], c.unset[k] = c.set[k][:0], c.unset[k][:0]
	}
	for len(ordinals) > 0 {
		block := int(ordinals[0] >> 16)
		ordinals = c.take(ordinals)
		c.look(presence, planes, block)
		c.change(uint32(block) << 16)
	}
	key.kind = kindPresence
	if day.presence, err = d.applyRow(day.presence, c.came, nil, key); err != nil {
		return err
	}
	for k := range c.set {
		if len(c.set[k]) == 0 && len(c.unset[k]) == 0 {
			continue
		}
		for k >= len(day.planes) {
			key.kind, key.part = kindPlane, uint32(len(day.planes))
			day.planes = append(day.planes, newRow(key, &bitmap.Bitmap{}))
		}
		key.kind, key.part = kindPlane, uint32(k)
		plane, err := d.applyRow(day.planes[k], c.set[k], c.unset[k], key)
		if err != nil {
			return err
		}
		if plane == nil {
			plane = newRow(key, &bitmap.Bitmap{})
		}
		day.planes[k] = plane
	}
	return nil
}

// take takes the ordinals of the first block from the list and returns the others.
func (c *counting) take(ordinals []uint32) (rest []uint32) {
	c.who, c.added = c.who[:0], c.added[:0]
	block, i := ordinals[0]>>16, 0
	for i < len(ordinals) && ordinals[i]>>16 == block {
		from := i
		for i++; i < len(ordinals) && ordinals[i] == ordinals[from]; i++ {
		}
		c.who, c.added = append(c.who, uint16(ordinals[from])), append(c.added, uint32(i-from))
	}
	return ordinals[i:]
}

// look finds how many events there were of each before.
func (c *counting) look(presence *bitmap.Bitmap, planes []*bitmap.Bitmap, block int) {
	n := len(c.who)
	c.before, c.had = slices.Grow(c.before[:0], n)[:n], slices.Grow(c.had[:0], n)[:n]
	clear(c.before)
	clear(c.had)
	in := presence.Block(block)
	if in == nil {
		return
	}
	c.mark(in, c.had, 0)
	for k, p := range planes {
		if in := p.Block(block); in != nil {
			c.mark(in, c.before, k)
		}
	}
}

// mark sets bit k for each of who that is in a block.
func (c *counting) mark(in *bitmap.Block, to []uint32, k int) {
	if in.Dense() {
		words := in.Words()
		for i, x := range c.who[:len(to)] {
			to[i] |= uint32(words[x>>6]>>(x&63)&1) << k
		}
		return
	}
	c.members = in.Keep(append(c.members[:0], c.who...))
	i := 0
	for _, x := range c.members {
		for c.who[i] != x {
			i++
		}
		to[i] |= 1 << k
	}
}

// change notes what becomes of the presence and the planes.
func (c *counting) change(first uint32) {
	for i, x := range c.who {
		before, after := c.before[i], c.before[i]+c.added[i]
		if c.had[i] == 0 {
			c.came = append(c.came, first+uint32(x))
			after--
		}
		for k, differs := 0, before^after; differs != 0; k, differs = k+1, differs>>1 {
			switch {
			case differs&1 == 0:
			case after>>k&1 == 1:
				c.set[k] = append(c.set[k], first+uint32(x))
			default:
				c.unset[k] = append(c.unset[k], first+uint32(x))
			}
		}
	}
}
