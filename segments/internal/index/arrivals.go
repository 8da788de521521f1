package index

import (
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// arrivals are events of one name in the order of the log that are not in the draft's shards yet. Those of
// several batches are added at once, so that what is copied and merged for it is so once.
type arrivals struct {
	event    uint32
	ordinals []uint32
	millis   []int64
	utc      []int16  // empty when none is known
	ids      []string // empty when none has one
	props    []arrivedProp
	receipts []receipt // ascending by row
}

// arrivedProp is a property of arrivals. It is as long as they are up to the last batch that has it.
type arrivedProp struct {
	id     uint32
	kinds  []value.Kind
	data   []int64
	scales []uint8 // empty when all are 0
}

// room says whether so many more rows may be taken with so many columns: what is held in memory is bounded, and the
// number of a row must fit a sort key beside its day, of 16 bits, and the ordinal.
func (a *arrivals) room(rows, columns, cids int) bool {
	const mostCells = 4 << 20
	after := len(a.ordinals) + rows
	if len(a.ordinals) == 0 {
		return true
	}
	return after <= batch.MaxRecords<<min(2, bits.LeadingZeros32(uint32(cids))) && after*(len(a.props)+columns) <= mostCells
}

// take appends the rows of a batch.
func (a *arrivals) take(e *batch.Events, ordinals []uint32, receivedMillis int64, props []codedColumn) {
	before, after := len(a.ordinals), len(a.ordinals)+len(ordinals)
	a.ordinals = append(a.ordinals, ordinals...)
	for _, millis := range e.TimesMillis {
		if millis == batch.NoTime {
			millis = receivedMillis
		}
		a.millis = append(a.millis, millis)
	}
	a.millis = padded(a.millis, after, receivedMillis)
	if slices.ContainsFunc(e.Offsets, func(o int16) bool { return o != batch.NoOffset }) {
		a.utc = append(padded(a.utc, before, batch.NoOffset), e.Offsets...)
	}
	if slices.ContainsFunc(e.IDs, func(id string) bool { return id != "" }) {
		a.ids = append(padded(a.ids, before, ""), e.IDs...)
	}
	for i := range props {
		a.prop(props[i].id, before, after).take(&props[i], before)
	}
}

// padded lengthens a column that was left out for some time.
func padded[T any](list []T, n int, with T) []T {
	for len(list) < n {
		list = append(list, with)
	}
	return list
}

// prop returns a property with all rows before the last batch's, and capacity for these.
func (a *arrivals) prop(id uint32, before, after int) *arrivedProp {
	i := slices.IndexFunc(a.props, func(p arrivedProp) bool { return p.id == id })
	if i < 0 {
		i = len(a.props)
		if a.props = slices.Grow(a.props, 1)[:i+1]; cap(a.props[i].data) == 0 {
			a.props[i] = arrivedProp{}
		}
		a.props[i].id = id
		a.props[i].clear()
	}
	p := &a.props[i]
	p.kinds, p.data = slices.Grow(p.kinds, after-len(p.kinds)), slices.Grow(p.data, after-len(p.data))
	p.kinds, p.data = padded(p.kinds, before, value.Absent), padded(p.data, before, 0)
	return p
}

func (p *arrivedProp) clear() { p.kinds, p.data, p.scales = p.kinds[:0], p.data[:0], p.scales[:0] }

func (p *arrivedProp) take(c *codedColumn, before int) {
	p.kinds, p.data = append(p.kinds, c.column.Kinds...), append(p.data, c.column.Data...)
	if len(c.column.Strings)+len(c.column.Lists) > 0 {
		for row, k := range p.kinds[before:] {
			switch k {
			case value.String:
				p.data[before+row] = c.codes[0][p.data[before+row]]
			case value.List:
				p.data[before+row] = c.codes[1][p.data[before+row]]
			}
		}
	}
	switch {
	case len(c.column.Scales) > 0:
		p.scales = append(padded(p.scales, before, 0), c.column.Scales...)
	case len(p.scales) > 0:
		p.scales = padded(p.scales, len(p.kinds), 0)
	}
}

// arrivals returns those of an event that are not added yet.
func (d *Draft) arrivals(event uint32) *arrivals {
	for i := range d.arrived {
		if d.arrived[i].event == event {
			return d.arrived[i]
		}
	}
	a := d.scratch.arrivals(event)
	d.arrived = append(d.arrived, a)
	return a
}

// settleArrived adds all events that have been taken.
func (d *Draft) settleArrived() error {
	for len(d.arrived) > 0 {
		if err := d.addArrivals(d.arrived[0]); err != nil {
			return err
		}
	}
	return nil
}

// addArrivals sorts events by day and ordinal and gives each day of each shard its share at once.
func (d *Draft) addArrivals(a *arrivals) error {
	order := d.inOrder(a)
	for from := 0; from < order.len(); {
		day, shardID := order.day(from), order.ordinal(from)/bitmap.ShardOrdinals
		to := from + 1
		for to < order.len() && order.day(to) == day && order.ordinal(to)/bitmap.ShardOrdinals == shardID {
			to++
		}
		if err := d.addDay(a, &order, from, to); err != nil {
			return err
		}
		from = to
	}
	d.arrived = slices.DeleteFunc(d.arrived, func(b *arrivals) bool { return a == b })
	d.scratch.giveBack(a)
	return nil
}

// arrivalOrder is the order of arrivals by day, ordinal and time.
type arrivalOrder struct {
	keys                 []uint64 // day, ordinal, row
	rowBits, ordinalBits uint
	firstDay             int32
}

func (o *arrivalOrder) len() int { return len(o.keys) }
func (o *arrivalOrder) ordinal(i int) uint32 {
	return uint32(o.keys[i] >> o.rowBits & (1<<o.ordinalBits - 1))
}
func (o *arrivalOrder) day(i int) int32 {
	return o.firstDay + int32(o.keys[i]>>(o.rowBits+o.ordinalBits))
}

// inOrder sorts arrivals. The order is valid until the next sort.
func (d *Draft) inOrder(a *arrivals) arrivalOrder {
	s, n := d.scratch, len(a.ordinals)
	s.days = slices.Grow(s.days[:0], n)[:n]
	first, last, greatest := int32(1<<31-1), int32(-1<<31), uint32(0)
	for row, millis := range a.millis {
		day := d.zone.Day(floorSeconds(millis))
		s.days[row] = day
		first, last, greatest = min(first, day), max(last, day), max(greatest, a.ordinals[row])
	}
	o := arrivalOrder{rowBits: uint(bits.Len(uint(n - 1))), ordinalBits: uint(bits.Len32(greatest)), firstDay: first}
	keys := s.keys(n)
	for row, ordinal := range a.ordinals {
		keys[row] = (uint64(s.days[row]-first)<<o.ordinalBits|uint64(ordinal))<<o.rowBits | uint64(row)
	}
	o.keys = s.sort(o.rowBits, o.rowBits+o.ordinalBits+uint(bits.Len32(uint32(last-first))))
	byTime(o.keys, o.rowBits, a.millis)
	return o
}

// byTime sorts each run of rows of one day and ordinal by the rows' times. Mostly there is only one.
func byTime(keys []uint64, rowBits uint, millis []int64) {
	mask := uint64(1)<<rowBits - 1
	for from := 0; from < len(keys); {
		to, ascending := from+1, true
		for ; to < len(keys) && (keys[to]^keys[from])>>rowBits == 0; to++ {
			ascending = ascending && millis[keys[to-1]&mask] <= millis[keys[to]&mask]
		}
		if !ascending {
			slices.SortStableFunc(keys[from:to], func(a, b uint64) int { return int(max(-1, min(1, millis[a&mask]-millis[b&mask]))) })
		}
		from = to
	}
}

// gather copies the rows from..to of the order, which are of one day and shard. They are valid until the next call.
func (s *scratch) gather(a *arrivals, o *arrivalOrder, from, to int) *column.Rows {
	n, r := to-from, &s.rows
	start, mask := civil.DayStart(o.day(from)), uint64(1)<<o.rowBits-1
	r.Ordinals, r.Offsets = slices.Grow(r.Ordinals[:0], n)[:n], slices.Grow(r.Offsets[:0], n)[:n]
	keys := o.keys[from:to]
	for i, key := range keys {
		r.Ordinals[i] = o.ordinal(from+i) % bitmap.ShardOrdinals
		r.Offsets[i] = a.millis[key&mask] - start
	}
	r.UTC, r.IDs = nil, nil
	if len(a.utc) > 0 {
		r.UTC = make([]int64, 0, n)
		known := false
		for _, key := range keys {
			utc := int16(batch.NoOffset)
			if row := key & mask; row < uint64(len(a.utc)) {
				utc = a.utc[row]
			}
			known = known || utc != batch.NoOffset
			r.UTC = append(r.UTC, int64(utc))
		}
		if !known {
			r.UTC = nil
		}
	}
	if len(a.ids) > 0 {
		r.IDs = make([]string, n)
		some := false
		for i, key := range keys {
			if row := key & mask; row < uint64(len(a.ids)) {
				r.IDs[i] = a.ids[row]
			}
			some = some || r.IDs[i] != ""
		}
		if !some {
			r.IDs = nil
		}
	}
	r.Props = r.Props[:0]
	for i := range a.props {
		s.gatherProp(&a.props[i], keys, mask)
	}
	return r
}

// gatherProp copies the rows of a property, unless none has it.
func (s *scratch) gatherProp(p *arrivedProp, keys []uint64, mask uint64) {
	r, n := &s.rows, len(keys)
	i := len(r.Props)
	r.Props = slices.Grow(r.Props, 1)[:i+1]
	to := &r.Props[i]
	to.ID, to.Kinds, to.Data, to.Scales = p.id, slices.Grow(to.Kinds[:0], n)[:n], slices.Grow(to.Data[:0], n)[:n], to.Scales[:0]
	has := false
	for i, key := range keys {
		k, data := value.Absent, int64(0)
		if row := key & mask; row < uint64(len(p.kinds)) {
			k, data = p.kinds[row], p.data[row]
		}
		if k == value.Absent {
			data = 0
		}
		to.Kinds[i], to.Data[i] = k, data
		has = has || k != value.Absent
	}
	if !has {
		r.Props = r.Props[:i]
		return
	}
	for i, key := range keys {
		row := key & mask
		if row >= uint64(len(p.scales)) || to.Kinds[i] != value.Number || p.scales[row] == 0 && len(to.Scales) == 0 {
			if len(to.Scales) > 0 {
				to.Scales[i] = 0
			}
			continue
		}
		if len(to.Scales) == 0 {
			to.Scales = slices.Grow(to.Scales, n)[:n]
			clear(to.Scales[:i])
		}
		to.Scales[i] = p.scales[row]
	}
}
