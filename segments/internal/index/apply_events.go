package index

import (
	"cmp"
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/value"
)

// events adds events of one name: rows are sorted by day and ordinal, and each day of
// each shard gets its share at once.
func (d *Draft) events(e *batch.Events, receivedMillis int64) error {
	ordinals, err := d.resolve(&e.CIDs, e.TimesMillis, receivedMillis)
	if err != nil {
		return err
	}
	event := d.schema.addEvent(e.Name)
	props := d.eventProps(event, e.Props)
	offsets := make([]int64, len(ordinals))
	order := make([]uint64, len(ordinals)) // day+1<<48 | ordinal<<16 | row
	for row, ordinal := range ordinals {
		millis := timeOr(e.TimesMillis, row, receivedMillis)
		day := d.zone.Day(floorSeconds(millis))
		offsets[row] = millis - civil.DayStart(day)
		order[row] = uint64(day+1)<<48 | uint64(ordinal)<<16 | uint64(row)
	}
	slices.Sort(order)
	for from := 0; from < len(order); {
		group := order[from] >> (16 + 20) // day and shard
		to := from + 1
		for to < len(order) && order[to]>>(16+20) == group {
			to++
		}
		day, shardID := int32(order[from]>>48)-1, uint32(order[from]>>16)/bitmap.ShardOrdinals
		if err := d.eventDay(event, day, shardID, gather(order[from:to], e, offsets, props)); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// codedColumn is a batch's property column with its strings and lists coded by the dictionary.
type codedColumn struct {
	id     uint32
	column *batch.Column
	codes  [2][]int64 // of column.Strings and column.Lists
}

func (d *Draft) eventProps(event uint32, columns []batch.Column) []codedColumn {
	coded := make([]codedColumn, len(columns))
	for i := range columns {
		id, values := d.schema.addProperty(event, columns[i].Name)
		coded[i] = codedColumn{id, &columns[i], code(&columns[i], values)}
	}
	return coded
}

// code numbers a column's strings and lists in the dictionary, in the order of its rows, so that
// codes depend on the rows alone.
func code(c *batch.Column, values *Values) (codes [2][]int64) {
	const unknown = -1
	codes = [2][]int64{make([]int64, len(c.Strings)), make([]int64, len(c.Lists))}
	for _, list := range codes {
		for i := range list {
			list[i] = unknown
		}
	}
	for row, k := range c.Kinds {
		switch i := c.Data[row]; k {
		case value.String:
			if codes[0][i] == unknown {
				codes[0][i] = int64(values.Strings.Add(c.Strings[i]))
			}
		case value.List:
			if codes[1][i] == unknown {
				codes[1][i] = int64(values.Lists.Add(string(dict.AppendStrings(nil, c.Lists[i]))))
			}
		}
	}
	return codes
}

// cell returns the stored form of a row's value.
func (c *codedColumn) cell(row int) (value.Kind, column.Cell) {
	k, data := c.column.Kinds[row], c.column.Data[row]
	switch k {
	case value.String:
		return k, column.Cell{Data: c.codes[0][data]}
	case value.List:
		return k, column.Cell{Data: c.codes[1][data]}
	case value.Number:
		return k, column.Cell{Data: data, Scale: c.column.Scale(row)}
	case value.Bool, value.Time:
		return k, column.Cell{Data: data}
	}
	return k, column.Cell{}
}

// gather copies the rows of one day and shard, in the given order.
func gather(order []uint64, e *batch.Events, offsets []int64, props []codedColumn) *column.Rows {
	n := len(order)
	r := &column.Rows{Ordinals: make([]uint32, n), Offsets: make([]int64, n)}
	for i, o := range order {
		r.Ordinals[i] = uint32(o>>16) % bitmap.ShardOrdinals
		r.Offsets[i] = offsets[uint16(o)]
	}
	if len(e.Offsets) > 0 && slices.ContainsFunc(order, func(o uint64) bool { return e.Offsets[uint16(o)] != batch.NoOffset }) {
		r.UTC = make([]int64, n)
		for i, o := range order {
			r.UTC[i] = int64(e.Offsets[uint16(o)])
		}
	}
	if len(e.IDs) > 0 && slices.ContainsFunc(order, func(o uint64) bool { return e.IDs[uint16(o)] != "" }) {
		r.IDs = make([]string, n)
		for i, o := range order {
			r.IDs[i] = e.IDs[uint16(o)]
		}
	}
	for i := range props {
		p := &props[i]
		if !slices.ContainsFunc(order, func(o uint64) bool { return p.column.Kinds[uint16(o)] != value.Absent }) {
			continue
		}
		to := column.RowsProp{ID: p.id, Kinds: make([]value.Kind, n), Data: make([]int64, n)}
		for i, o := range order {
			k, cell := p.cell(int(uint16(o)))
			to.Kinds[i], to.Data[i] = k, cell.Data
			if cell.Scale != 0 && to.Scales == nil {
				to.Scales = make([]uint8, n)
			}
			if to.Scales != nil {
				to.Scales[i] = cell.Scale
			}
		}
		r.Props = append(r.Props, to)
	}
	return r
}

// eventDay adds rows, sorted by ordinal, to what is known of an event's day in a shard.
func (d *Draft) eventDay(event uint32, day int32, shardID uint32, rows *column.Rows) error {
	s := d.shard(shardID)
	days := at(s.events, event)
	place, found := slices.BinarySearchFunc(days, day, func(e *EventDay, day int32) int { return cmp.Compare(e.Day, day) })
	next := &EventDay{Day: day, LowMillis: 1<<63 - 1, HighMillis: -1 << 63, cache: d.base.cache}
	if found {
		*next = *days[place]
		next.planes, next.chunks = slices.Clone(next.planes), slices.Clone(next.chunks)
	}
	if err := d.dropRepeats(next, rows); err != nil {
		return err
	}
	if len(rows.Ordinals) == 0 {
		return nil
	}
	key := fragKey{shard: shardID, field: event, day: day}
	if err := d.countEvents(next, rows.Ordinals, key); err != nil {
		return err
	}
	for _, offset := range rows.Offsets {
		next.LowMillis = min(next.LowMillis, civil.DayStart(day)+offset)
		next.HighMillis = max(next.HighMillis, civil.DayStart(day)+offset)
	}
	if err := d.addChunk(next, column.NewChunk(rows), key); err != nil {
		return err
	}
	if found {
		days = slices.Clone(days)
		days[place] = next
	} else {
		days = slices.Insert(slices.Clone(days), place, next)
	}
	s.events = put(s.events, event, days)
	return nil
}

// dropRepeats takes out the rows whose event id, ordinal and time are there already.
func (d *Draft) dropRepeats(day *EventDay, rows *column.Rows) error {
	if rows.IDs == nil {
		return nil
	}
	type identity struct {
		ordinal uint32
		offset  int64
		id      string
	}
	chunks, err := day.Chunks()
	if err != nil {
		return err
	}
	seen := map[identity]bool{}
	repeat := make([]bool, len(rows.Ordinals))
	any := false
	for i, ordinal := range rows.Ordinals {
		who := identity{ordinal, rows.Offsets[i], rows.IDs[i]}
		if who.id == "" {
			continue
		}
		repeat[i] = seen[who]
		seen[who] = true
		for _, c := range chunks {
			if repeat[i] || !c.HasIDs() {
				continue
			}
			from, to := c.FindAt(ordinal, who.offset)
			for row := from; row < to; row++ {
				repeat[i] = repeat[i] || string(c.ID(row)) == who.id
			}
		}
		any = any || repeat[i]
	}
	if any {
		rows.Drop(repeat)
	}
	return nil
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
	var came []uint32
	var set, unset [32][]uint32
	for i := 0; i < len(ordinals); {
		x := ordinals[i]
		added := uint32(0)
		for ; i < len(ordinals) && ordinals[i] == x; i++ {
			added++
		}
		before := uint32(0) // number of events less one
		if presence.Has(x) {
			for k, p := range planes {
				if p.Has(x) {
					before |= 1 << k
				}
			}
		} else {
			came = append(came, x)
			added--
		}
		after := before + added
		for k := range set {
			if (before^after)>>k == 0 {
				break
			}
			switch {
			case (before^after)>>k&1 == 0:
			case after>>k&1 == 1:
				set[k] = append(set[k], x)
			default:
				unset[k] = append(unset[k], x)
			}
		}
	}
	key.kind = kindPresence
	if day.presence, err = d.applyRow(day.presence, came, nil, key); err != nil {
		return err
	}
	for k := range set {
		if len(set[k]) == 0 && len(unset[k]) == 0 {
			continue
		}
		for k >= len(day.planes) {
			key.kind, key.part = kindPlane, uint32(len(day.planes))
			day.planes = append(day.planes, newRow(key, &bitmap.Bitmap{}))
		}
		key.kind, key.part = kindPlane, uint32(k)
		plane, err := d.applyRow(day.planes[k], set[k], unset[k], key)
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

// addChunk appends a chunk, merging it with its elders while they are less than twice its size, so
// that there are few chunks and a row is rewritten few times.
func (d *Draft) addChunk(day *EventDay, c *column.Chunk, key fragKey) error {
	key.kind = kindChunk
	for len(day.chunks) > 0 {
		last := day.chunks[len(day.chunks)-1]
		if int(last.count) >= 2*c.Len() {
			break
		}
		elder, err := last.get(d.base.cache, column.DecodeChunk)
		if err != nil {
			return err
		}
		c = column.Merge(elder, c)
		replaced(d, last, nil)
		day.chunks = day.chunks[:len(day.chunks)-1]
	}
	key.part = day.nextPart
	day.nextPart++
	day.chunks = append(day.chunks, replaced(d, nil, newChunk(key, c)))
	return nil
}
