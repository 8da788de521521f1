package eval

import (
	"math/bits"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// BlockRows are some events of a block and day by column. Slices that its methods return are good until the method is called again or
// the yield that was given the rows returns.
type BlockRows struct {
	tile *tile
	zone *civil.Zone
	day  int32
	all  bool // every row of the tile is selected

	who, at  [tileRows]uint16
	seconds  [tileRows]int64
	utc      [tileRows]int64
	data     [tileRows]int64
	members  [tileRows]uint16
	selected int
}

func (r *BlockRows) take(t *tile, zone *civil.Zone, day int32) {
	r.tile, r.zone, r.day = t, zone, day
	r.selected = 0
	for _, word := range t.mask {
		r.selected += bits.OnesCount64(word)
	}
	r.all = r.selected == t.n
	if r.all {
		return
	}
	n := 0
	t.each(func(row int, x uint16) {
		r.who[n], r.at[n] = x, uint16(row-t.from)
		n++
	})
}

// Ordinals returns who did it, once for each event, ascending within each chunk of the day.
func (r *BlockRows) Ordinals() []uint16 {
	if r.all {
		return r.tile.ordinals
	}
	return r.who[:r.selected]
}

// pick moves the values of the selected rows to the front.
func (r *BlockRows) pick(values []int64) []int64 {
	if r.all {
		return values
	}
	for i, row := range r.at[:r.selected] {
		values[i] = values[row]
	}
	return values[:r.selected]
}

// Seconds returns when the events happened, in seconds since 1970.
func (r *BlockRows) Seconds() []int64 {
	seconds := r.pick(r.tile.chunk.ReadOffsets(r.seconds[:r.tile.n], r.tile.from))
	start := civil.DayStart(r.day)
	for i, offset := range seconds {
		seconds[i] = floorSecond(start + offset)
	}
	return seconds
}

// LocalSeconds returns what a clock showed where and when the events happened, by their own UTC offsets, or by the app's zone where none is
// known, in seconds since 1970 as if that were UTC.
func (r *BlockRows) LocalSeconds() []int64 {
	seconds := r.Seconds()
	utc := r.tile.chunk.ReadUTC(r.utc[:r.tile.n], r.tile.from)
	if utc == nil {
		for i, s := range seconds {
			seconds[i] = r.zone.Local(s)
		}
		return seconds
	}
	const minuteSeconds = 60
	for i, own := range r.pick(utc) {
		if own == column.NoUTC {
			seconds[i] = r.zone.Local(seconds[i])
		} else {
			seconds[i] += own * minuteSeconds
		}
	}
	return seconds
}

// OwnMinutes returns the UTC offsets of the events, in minutes, column.NoUTC for one without; nil when none has one.
func (r *BlockRows) OwnMinutes() []int64 {
	own := r.tile.chunk.ReadUTC(r.utc[:r.tile.n], r.tile.from)
	if own == nil {
		return nil
	}
	return r.pick(own)
}

// Numbers calls add with the numbers among the events' values of a property, as coefficients of one scale, and whose they are.
func (r *BlockRows) Numbers(property uint32, add func(members []uint16, coefficients []int64, scale uint8)) {
	p := r.tile.chunk.Prop(property)
	if p == nil {
		return
	}
	least, most := p.Scales()
	kind, only := p.OnlyKind()
	switch {
	case only && kind != value.Number:
		return
	case only && least == most:
		add(r.Ordinals(), r.pick(p.ReadData(r.data[:r.tile.n], r.tile.from)), least)
		return
	}
	for scale := least; scale <= most; scale++ {
		n := 0
		r.tile.each(func(row int, x uint16) {
			if p.Kind(row) != value.Number {
				return
			}
			if c := p.Cell(row); c.Scale == scale {
				r.members[n], r.data[n] = x, c.Data
				n++
			}
		})
		if n > 0 {
			add(r.members[:n], r.data[:n], scale)
		}
	}
}

// Codes calls add with those of the events' values of a property that are strings or whole numbers, each as a code that equal values share, and
// whose they are. A code is even for a string and odd for a number.
func (r *BlockRows) Codes(property uint32, add func(members []uint16, codes []int64)) {
	p := r.tile.chunk.Prop(property)
	if p == nil {
		return
	}
	if kind, only := p.OnlyKind(); only && kind == value.String {
		codes := r.pick(p.ReadData(r.data[:r.tile.n], r.tile.from))
		for i := range codes {
			codes[i] <<= 1
		}
		add(r.Ordinals(), codes)
		return
	}
	n := 0
	r.tile.each(func(row int, x uint16) {
		if code, ok := codeOf(p.Kind(row), p.Cell(row)); ok {
			r.members[n], r.data[n] = x, code
			n++
		}
	})
	if n > 0 {
		add(r.members[:n], r.data[:n])
	}
}

// codeOf returns the code of a value, if it is a string or a whole number. Numbers so large that an int64 does not hold twice as much have none.
func codeOf(kind value.Kind, c column.Cell) (code int64, ok bool) {
	switch kind {
	case value.String:
		return c.Data << 1, true
	case value.Number:
		whole, unit := c.Data, int64(value.Pow10(int(c.Scale)))
		if c.Scale > 0 { // it may stand at the scale of its neighbours
			if whole /= unit; whole*unit != c.Data {
				return 0, false
			}
		}
		return whole<<1 | 1, whole<<1>>1 == whole
	}
	return 0, false
}

// appendMembers appends the ordinals whose bits are set.
func appendMembers(to []uint16, words *bitmap.Words) []uint16 {
	for i, word := range words {
		for ; word != 0; word &= word - 1 {
			to = append(to, uint16(i<<6+bits.TrailingZeros64(word)))
		}
	}
	return to
}
