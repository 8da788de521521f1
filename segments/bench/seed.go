package bench

import (
	"context"
	"fmt"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/value"
)

// Seed makes an app of a data directory that holds the dataset, past the log, and calls step, one call at a time, as it
// comes along.
func Seed(ctx context.Context, home *segments.Home, app string, d Dataset, step func(done, all int)) error {
	if err := home.BuildApp(ctx, app, d.bulk(), step); err != nil {
		return fmt.Errorf("seeding app %s: %w", app, err)
	}
	return nil
}

// Properties of all events.
const (
	propCategory = iota
	propAmount
)

// bulk describes the dataset's index.
func (d Dataset) bulk() *index.Bulk {
	b := &index.Bulk{
		CIDs: d.CIDs, CID: d.CID, HeardSecond: d.HeardMillis() / 1000,
		TagWords: func(tag, block int, words *bitmap.Words) { d.TagWords(tag, block, (*[BlockWords]uint64)(words)) },
		Values: func(number, block int, values []int64, present *bitmap.Words) {
			d.Values(number, block, values, (*[BlockWords]uint64)(present))
		},
		Rows: d.shardRows,
	}
	for _, t := range d.Tags() {
		b.Tags = append(b.Tags, t.Name)
	}
	for _, n := range d.Numbers() {
		b.Numbers = append(b.Numbers, n.Name)
	}
	for _, e := range d.Events() {
		b.Events = append(b.Events, index.BulkEvent{Name: e.Name, Props: []index.BulkProp{
			propCategory: {Name: "category", Strings: d.Categories()},
			propAmount:   {Name: "amount"},
		}})
	}
	for i := range Days {
		b.Days = append(b.Days, d.Day(i))
	}
	return b
}

// shardRows returns the events of a shard in the form of the index.
func (d Dataset) shardRows(event int, day int32, shard int) *column.Rows {
	var blocks [bitmap.ShardBlocks]Rows
	n := 0
	for part := range blocks {
		if block := shard*bitmap.ShardBlocks + part; block < d.Blocks() {
			blocks[part] = d.Happened(event, int(day-d.Day(0)), block)
			n += len(blocks[part].Ordinals)
		}
	}
	strings, numbers, hundredths := make([]value.Kind, n), make([]value.Kind, n), make([]uint8, n)
	for i := range n {
		strings[i], numbers[i], hundredths[i] = value.String, value.Number, 2
	}
	rows := &column.Rows{Ordinals: make([]uint32, 0, n), Offsets: make([]int64, 0, n)}
	category, amount := make([]int64, 0, n), make([]int64, 0, n)
	start := int64(day) * dayMillis
	for _, b := range blocks {
		for i, ordinal := range b.Ordinals {
			rows.Ordinals = append(rows.Ordinals, ordinal%bitmap.ShardOrdinals)
			rows.Offsets = append(rows.Offsets, b.Millis[i]-start)
			category, amount = append(category, int64(b.Category[i])), append(amount, b.Cents[i])
		}
	}
	rows.Props = []column.RowsProp{
		{ID: propCategory, Kinds: strings, Data: category},
		{ID: propAmount, Kinds: numbers, Data: amount, Scales: hundredths},
	}
	return rows
}
