package dict

import (
	"fmt"
	"runtime"

	"whowhen.dev/whowhen/segments/batch"
)

const (
	// groupCIDs is how many CIDs are looked for together, so that the memory of many is waited for at once.
	groupCIDs = 64
	// rowsAtOnce is how many rows are looked for before those that are new are added.
	rowsAtOnce = 1024
	// movesAtOnce is about how many entries of the table move before others get the mutex.
	movesAtOnce = 16 << 10
)

// Find returns the ordinal of a CID and whether it has one.
func (d *CIDs) Find(text string) (ordinal uint32, found bool) {
	var c cid
	c.set(&batch.CIDs{Strings: []string{text}}, 0)
	hash := d.hash(&c)
	d.mu.RLock()
	defer d.mu.RUnlock()
	ordinal = d.look(&c, hash)
	return ordinal, ordinal != Nobody
}

// FindAll writes the ordinal of each CID to ordinals, Nobody for one that has none.
func (d *CIDs) FindAll(cids *batch.CIDs, ordinals []uint32) {
	var g group
	for from := 0; from < len(ordinals); from += groupCIDs {
		d.mu.RLock()
		d.find(&g, cids, from, ordinals[from:min(from+groupCIDs, len(ordinals))])
		d.mu.RUnlock()
	}
}

// Resolve writes the ordinal of each CID to ordinals, numbering new ones in their order. After an error some of them may have
// been numbered.
func (d *CIDs) Resolve(cids *batch.CIDs, ordinals []uint32) error {
	defer runtime.KeepAlive(d)
	var g group
	for from := 0; from < len(ordinals); from += rowsAtOnce {
		to := min(from+rowsAtOnce, len(ordinals))
		unknown := 0
		for at := from; at < to; at += groupCIDs {
			// Nobody else writes, so looking needs no lock.
			unknown += d.find(&g, cids, at, ordinals[at:min(at+groupCIDs, to)])
		}
		if unknown > 0 {
			if err := d.add(cids, ordinals, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// add numbers those rows whose ordinal is Nobody.
func (d *CIDs) add(cids *batch.CIDs, ordinals []uint32, from, to int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	moved := 0
	for row := from; row < to; row++ {
		if ordinals[row] != Nobody {
			continue
		}
		if moved > movesAtOnce {
			moved = 0
			d.mu.Unlock()
			d.mu.Lock()
		}
		var c cid
		c.set(cids, row)
		if c.opaque && (c.text == "" || len(c.text) > batch.MaxCIDBytes) {
			return fmt.Errorf("dict: CID in row %d has %d bytes, not 1 to %d", row, len(c.text), batch.MaxCIDBytes)
		}
		hash := d.hash(&c)
		if ordinals[row] = d.look(&c, hash); ordinals[row] != Nobody {
			continue // it stands in the batch twice
		}
		more, err := d.append(&c, hash)
		if err != nil {
			return err
		}
		ordinals[row] = uint32(d.keys.n - 1)
		moved += more
	}
	return nil
}

// append numbers a CID, and returns how many entries of the table had to move for it.
func (d *CIDs) append(c *cid, hash uint32) (moved int, err error) {
	if d.keys.n >= d.most {
		return 0, ErrFull
	}
	if err := d.keys.reserve(d.keys.n + 1); err != nil {
		return 0, err
	}
	if err := d.keys.put(c); err != nil {
		return 0, err
	}
	if moved, err = d.table.insert(hash, uint32(d.keys.n)); err != nil {
		return moved, err
	}
	d.keys.n++
	return moved, nil
}

// look returns the ordinal of a CID, or Nobody.
func (d *CIDs) look(c *cid, hash uint32) uint32 {
	if d.table.n == 0 {
		return Nobody
	}
	for _, slot := range d.table.from(hash) {
		if slot == 0 || uint32(slot>>32) > hash {
			break
		}
		if uint32(slot>>32) == hash && d.keys.is(uint32(slot)-1, c) {
			return uint32(slot) - 1
		}
	}
	return Nobody
}

// group is some CIDs that are being looked for.
type group struct {
	cids   [groupCIDs]cid
	hashes [groupCIDs]uint32
	slots  [groupCIDs][]uint64
	touch  uint64 // made of what was loaded ahead, so that it is loaded
}

// find looks for the CIDs of as many rows as there are ordinals, at most groupCIDs, and returns how many are nobody.
//
// It goes in steps over all of them. In each step the processor has many loads under way at once, where
// one CID after the other would wait for the table and then for the key.
func (d *CIDs) find(g *group, cids *batch.CIDs, from int, ordinals []uint32) (unknown int) {
	n := len(ordinals)
	for i := range ordinals {
		g.cids[i].set(cids, from+i)
		g.hashes[i] = d.hash(&g.cids[i])
	}
	if d.table.n == 0 {
		for i := range ordinals {
			ordinals[i] = Nobody
		}
		return n
	}
	for i, hash := range g.hashes[:n] {
		g.slots[i] = d.table.from(hash)
	}
	touch := g.touch
	for _, slots := range g.slots[:n] {
		touch += slots[0] + slots[min(6, len(slots)-1)]
	}
	for i, hash := range g.hashes[:n] {
		slots, k := g.slots[i], 0
		for slots[k]-1 < uint64(hash)<<32 { // a free slot is 0, and so ends it
			k++
		}
		ordinals[i] = Nobody
		if slot := slots[k]; uint32(slot>>32) == hash {
			ordinals[i] = uint32(slot) - 1 // which is Nobody for a free slot
		}
	}
	for _, ordinal := range ordinals {
		if ordinal != Nobody {
			touch += uint64(d.keys.at(ordinal)[0])
		}
	}
	g.touch = touch
	for i, ordinal := range ordinals {
		if ordinal != Nobody && !d.keys.is(ordinal, &g.cids[i]) {
			ordinals[i] = d.look(&g.cids[i], g.hashes[i]) // another one has the same hash
		}
		if ordinals[i] == Nobody {
			unknown++
		}
	}
	return unknown
}
