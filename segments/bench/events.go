package bench

import (
	"math/bits"
	"slices"
)

const dayMillis = 24 * 3600 * 1000

// Indexes in Events.
const (
	eventVisit = iota
	eventOpen
	eventClick
	eventBuy
	eventReturn
)

// Events returns the five events: "visit" at 20 %, "open" and "click" at 3 %, "buy" and "return" at 0.3 % of CIDs a
// day. "click" and "buy" may happen several times a day.
func (d Dataset) Events() []Event {
	return []Event{
		eventVisit:  {Name: "visit", Rate: .2},
		eventOpen:   {Name: "open", Rate: .03},
		eventClick:  {Name: "click", Rate: .03, Several: true},
		eventBuy:    {Name: "buy", Rate: .003, Several: true},
		eventReturn: {Name: "return", Rate: .003},
	}
}

// Categories returns the names of the 16 categories, the more frequent ones first: about a quarter of all events has
// the first, and one in 300 the last.
func (d Dataset) Categories() []string {
	return []string{
		"shoes", "books", "music", "garden", "toys", "sport", "food", "games",
		"tools", "paper", "light", "water", "glass", "stone", "cloth", "maps",
	}
}

// Happened returns what happened of an event, by its index in Events, on a day, 0..Days-1, in one block.
func (d Dataset) Happened(event, day, block int) Rows {
	e := d.Events()[event]
	var who [BlockWords]uint64
	d.streamOf(kindEvent, event, day, block).fill(&who, e.Rate)
	d.clip(block, &who)
	n := 0
	for _, w := range who {
		n += bits.OnesCount64(w)
	}
	room := n
	if e.Several {
		room += n / 2
	}
	rows := Rows{
		Ordinals: make([]uint32, 0, room), Millis: make([]int64, 0, room),
		Category: make([]uint8, 0, room), Cents: make([]int64, 0, room),
	}
	random := d.streamOf(kindRow, event, day, block)
	start := int64(d.Day(day)) * dayMillis
	for i, w := range who {
		for ; w != 0; w &= w - 1 {
			ordinal := uint32(block*BlockOrdinals + i<<6 + bits.TrailingZeros64(w))
			times := 1
			if e.Several {
				times += bits.TrailingZeros64(random.next() | 1<<5) // one more with each half of a chance, 6 at most
			}
			first := len(rows.Millis)
			for range times {
				r := random.next()
				rows.Ordinals = append(rows.Ordinals, ordinal)
				rows.Millis = append(rows.Millis, start+int64(uint64(uint32(r))*dayMillis>>32))
				rows.Category = append(rows.Category, category(uint8(r>>32), uint8(r>>40)))
				rows.Cents = append(rows.Cents, 100+int64(r>>48)) // 1.00 to 656.35
			}
			slices.Sort(rows.Millis[first:])
		}
	}
	return rows
}

// category returns the lesser of two numbers in 0..15: number i with a share of (31-2i)/256, but for the first, which
// has more at the cost of all.
func category(a, b uint8) uint8 {
	if b>>4 < 2 {
		return 0
	}
	return min(a&15, a>>4)
}
