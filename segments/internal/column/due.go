package column

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// due lists the ordinals whose cell lies between two bounds, ascending by cell.
type due struct {
	after, upTo int64
	ordinals    []uint16
}

// Due returns the ordinals whose cell is above after and at most limit, ascending by cell; the caller must not
// change them. Scales are left out of account. The block is read once for all calls with limits up to ahead above the
// first and the same after, so that asking again as time goes on costs what has become due, not what is there. What
// is kept for that, on the Go heap, takes two bytes for each cell at most, and MemoryBytes does not count it.
func (b *Block) Due(after, limit, ahead int64) []uint16 {
	d := b.due.Load()
	if d == nil || d.upTo < limit || d.after > after {
		d = &due{after: after, upTo: limit}
		if limit < math.MaxInt64-ahead {
			d.upTo += ahead
		}
		b.Each(func(x uint16, c Cell) {
			if c.Data > d.after && c.Data <= d.upTo {
				d.ordinals = append(d.ordinals, x)
			}
		})
		d.ordinals = slices.Clone(d.ordinals) // without the room that append left
		slices.SortStableFunc(d.ordinals, func(x, y uint16) int { return cmp.Compare(b.data(x), b.data(y)) })
		b.due.Store(d)
	}
	above := func(bound int64) int {
		return sort.Search(len(d.ordinals), func(i int) bool { return b.data(d.ordinals[i]) > bound })
	}
	return d.ordinals[above(after):max(above(after), above(limit))]
}

func (b *Block) data(x uint16) int64 {
	cell, _ := b.At(x)
	return cell.Data
}
