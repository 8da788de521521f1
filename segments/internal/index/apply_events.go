package index

import (
	"cmp"
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/value"
)

// events takes events of one name, to be added with those of the batches that follow.
func (d *Draft) events(e *batch.Events, receivedMillis int64) error {
	ordinals, err := d.resolve(&e.CIDs, e.TimesMillis, receivedMillis)
	if err != nil {
		return err
	}
	event := d.schema.addEvent(e.Name)
	props := d.eventProps(event, e.Props)
	to := d.arrivals(event)
	if !to.room(len(ordinals), len(props), d.cids.Len()) {
		if err := d.addArrivals(to); err != nil {
			return err
		}
		to = d.arrivals(event)
	}
	to.received(len(to.ordinals), d.received)
	to.take(e, ordinals, receivedMillis, props)
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
	if len(c.Strings)+len(c.Lists) == 0 {
		return codes
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

// eventDay adds rows, sorted by ordinal and of one class of lateness, to what is known of an event's day in a shard.
func (d *Draft) eventDay(event uint32, day int32, shardID, late uint32, rows *column.Rows) error {
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
	if err := d.addChunk(next, late, column.NewChunk(rows), key); err != nil {
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

// addChunk adds a chunk to those of a class of lateness. Of each size, a power of sizeStep, there are a few at most: when one more comes
// they are merged with all that is smaller, so that there are few chunks and a row is rewritten few times.
func (d *Draft) addChunk(day *EventDay, late uint32, c *column.Chunk, key fragKey) error {
	key.kind = kindChunk
	serial := day.nextSerial()
	from, to := day.lateGroup(late)
	for {
		first, size := to, sizeOf(c.Len())
		for first > from && sizeOf(int(day.chunks[first-1].count)) <= size {
			first--
		}
		elders := day.chunks[first:to]
		if len(elders) < sizeStep-1 {
			break
		}
		elders = elders[max(0, len(elders)-column.MostMerged+1):]
		chunks := make([]*column.Chunk, 0, len(elders)+1)
		for _, f := range elders {
			elder, err := f.get(d.base.cache, column.DecodeChunk)
			if err != nil {
				return err
			}
			chunks = append(chunks, elder)
			replaced(d, f, nil)
		}
		c = column.Merge(append(chunks, c))
		day.chunks = slices.Delete(day.chunks, to-len(elders), to)
		to -= len(elders)
	}
	key.part = late<<lateShift | serial
	day.nextPart = serial + 1
	day.chunks = slices.Insert(day.chunks, to, replaced(d, nil, newChunk(key, c)))
	return nil
}

// sizeStep is how many chunks of a size become one of the next.
const sizeStep = 4

// sizeOf returns which power of sizeStep a number of rows is.
func sizeOf(rows int) int { return (bits.Len(uint(rows)) - 1) / 2 }
