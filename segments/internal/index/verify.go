package index

import (
	"context"
	"fmt"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// Verify reads all of the newest version and holds its parts against each other: fragments against what the catalog
// says of them, rows against event columns, codes against dictionaries, CIDs against ordinals both ways. It calls
// found with each thing that is wrong, and step after each shard.
func (ix *Index) Verify(ctx context.Context, found func(problem string), step func(shard, shards int)) error {
	v, release := ix.Pin()
	defer release()
	c := &verifier{index: ix, version: v, found: found, zone: ix.zone.Other()}
	for id := range v.shards {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.shard(id)
		step(id+1, len(v.shards))
	}
	ix.verifyBatchIDs(found)
	return nil
}

type verifier struct {
	index   *Index
	version *Version
	found   func(string)
	zone    *civil.Zone

	shardID int
	cids    int // of the shard
	heard   []int64
}

func (c *verifier) problem(format string, args ...any) {
	c.found(fmt.Sprintf("shard %d: ", c.shardID) + fmt.Sprintf(format, args...))
}

func (c *verifier) shard(id int) {
	c.shardID = id
	c.cids = max(0, min(bitmap.ShardOrdinals, c.version.CIDs-id*bitmap.ShardOrdinals))
	s := c.version.shards[id]
	c.dictionary()
	c.firstHeard(s)
	for tag, t := range s.tags {
		if t != nil {
			c.tag(c.index.Schema.Tags()[tag], t)
		}
	}
	for attribute, a := range s.attributes {
		if a != nil {
			c.attribute(c.index.Schema.Attributes()[attribute], a)
		}
	}
	for _, known := range c.version.scores {
		c.score(s, known)
	}
	for event, days := range s.events {
		for _, d := range days {
			c.eventDay(uint32(event), d)
		}
	}
}

// dictionary checks that each CID of the shard leads to its ordinal.
func (c *verifier) dictionary() {
	first := c.shardID * bitmap.ShardOrdinals
	var cids batch.CIDs
	found := make([]uint32, 4096)
	for from := 0; from < c.cids; from += len(found) {
		ordinals := make([]uint32, min(len(found), c.cids-from))
		for i := range ordinals {
			ordinals[i] = uint32(first + from + i)
		}
		c.index.CIDs.Read(&cids, ordinals)
		c.index.CIDs.FindAll(&cids, found[:len(ordinals)])
		for i, want := range ordinals {
			if found[i] != want {
				c.problem("ordinal %d is CID %q, which leads to ordinal %d", want, cids.At(i), found[i])
			}
		}
	}
}

func (c *verifier) firstHeard(s *shard) {
	c.heard = make([]int64, c.cids)
	for k, f := range s.heard {
		count := 0
		if f != nil {
			count = int(f.count)
		}
		if want := c.version.BlockCIDs(c.shardID, k); count != want {
			c.problem("block %d says of %d CIDs when they were first heard of, there are %d", k, count, want)
		}
		if f == nil {
			continue
		}
		block, ok := readColumn(c, f, "first heard")
		if !ok {
			continue
		}
		next := 0
		block.Each(func(x uint16, cell column.Cell) {
			if int(x) != next {
				c.problem("block %d does not say when ordinal %d was first heard of", k, next)
			}
			next = int(x) + 1
			if at := k*bitmap.BlockOrdinals + int(x); at < c.cids {
				c.heard[at] = cell.Data
			}
		})
	}
}

func (c *verifier) tag(name string, t *tagRows) {
	row := &bitmap.Bitmap{}
	if t.row != nil {
		var ok bool
		if row, ok = readRow(c, t.row, "tag "+value.Quote(name)); !ok {
			return
		}
	}
	for k, f := range t.expiry {
		if f == nil {
			continue
		}
		if block, ok := readColumn(c, f, "expiry of tag "+value.Quote(name)); ok {
			block.Each(func(x uint16, cell column.Cell) {
				switch borne, swept := row.Has(uint32(k)<<16|uint32(x)), cell.Data <= c.version.sweptMillis; {
				case !borne && !swept:
					c.problem("tag %q: ordinal %d has an expiry but not the tag", name, uint32(k)<<16|uint32(x))
				case borne && swept:
					c.problem("tag %q: ordinal %d has the tag, which was taken away when it expired", name, uint32(k)<<16|uint32(x))
				}
			})
		}
	}
}

func (c *verifier) attribute(name string, a *blocks) {
	_, kind, values, _ := c.index.Schema.Attribute(name)
	for _, f := range a {
		if f == nil {
			continue
		}
		if block, ok := readColumn(c, f, "attribute "+value.Quote(name)); ok {
			block.Each(func(x uint16, cell column.Cell) {
				if !valid(kind, cell.Data, values) {
					c.problem("attribute %q: ordinal %d has no valid %s: %d", name, x, kind, cell.Data)
				}
			})
		}
	}
}

// valid says whether stored data can be a value of a kind.
func valid(kind value.Kind, data int64, values *Values) bool {
	switch kind {
	case value.String:
		return data >= 0 && data < int64(len(values.Strings.All()))
	case value.List:
		return data >= 0 && data < int64(len(values.Lists.All()))
	case value.Bool:
		return data == 0 || data == 1
	}
	return true
}

// eventDay counts a day's events anew and compares.
func (c *verifier) eventDay(event uint32, d *EventDay) {
	where := fmt.Sprintf("event %q on %s", c.index.Schema.Events()[event], civil.Format(d.Day))
	presence, ok := readRow(c, d.presence, where)
	if !ok {
		return
	}
	counts := map[uint32]uint32{}
	type identity struct {
		ordinal uint32
		offset  int64
		id      string
	}
	seen := map[identity]bool{}
	for _, f := range d.chunks {
		chunk, err := f.fromStore(c.version.cache, column.DecodeChunk)
		if err != nil {
			c.problem("%s: %v", where, err)
			return
		}
		if low, high := chunk.Offsets(); chunk.Len() != int(f.count) || low != f.low || high != f.high {
			c.problem("%s: chunk %d is not what the catalog says", where, f.key.part)
		}
		for row := range chunk.Len() {
			ordinal := chunk.Ordinal(row)
			counts[ordinal]++
			c.event(where, event, d, chunk, row)
			if id := chunk.ID(row); len(id) > 0 {
				who := identity{ordinal, chunk.Offset(row), string(id)}
				if seen[who] {
					c.problem("%s: ordinal %d has event id %q twice at the same time", where, ordinal, id)
				}
				seen[who] = true
			}
		}
	}
	planes := make([]*bitmap.Bitmap, len(d.planes))
	for k, f := range d.planes {
		if planes[k], ok = readRow(c, f, where); !ok {
			return
		}
	}
	if presence.Count() != len(counts) {
		c.problem("%s: %d CIDs in the row, %d in the chunks", where, presence.Count(), len(counts))
	}
	for ordinal, n := range counts {
		counted := uint32(1)
		for k, p := range planes {
			if p.Has(ordinal) {
				counted += 1 << k
			}
		}
		if !presence.Has(ordinal) || counted != n {
			c.problem("%s: ordinal %d has %d events in the rows, %d in the chunks", where, ordinal, counted, n)
		}
	}
}

func (c *verifier) event(where string, event uint32, d *EventDay, chunk *column.Chunk, row int) {
	ordinal := chunk.Ordinal(row)
	second := floorSeconds(civil.DayStart(d.Day) + chunk.Offset(row))
	if c.zone.Day(second) != d.Day {
		c.problem("%s: an event of ordinal %d belongs to %s", where, ordinal, civil.Format(c.zone.Day(second)))
	}
	if int(ordinal) >= c.cids || c.heard[ordinal] > second {
		c.problem("%s: ordinal %d had not been heard of by then", where, ordinal)
	}
	for id := range c.index.Schema.Properties(event) {
		p := chunk.Prop(uint32(id))
		if p == nil {
			continue
		}
		_, values, _ := c.index.Schema.Property(event, c.index.Schema.Properties(event)[id])
		if !valid(p.Kind(row), p.Cell(row).Data, values) {
			c.problem("%s: ordinal %d: property %q has no valid %s", where, ordinal, c.index.Schema.Properties(event)[id], p.Kind(row))
		}
	}
}

func readRow(c *verifier, f *rowFrag, what string) (*bitmap.Bitmap, bool) {
	row, err := f.fromStore(c.version.cache, bitmap.Decode)
	if err != nil {
		c.problem("%s: %v", what, err)
		return nil, false
	}
	if row.Count() != int(f.count) {
		c.problem("%s: %d members, the catalog says %d", what, row.Count(), f.count)
	}
	if *row.Counts() != *f.inBlock {
		c.problem("%s: its members are not in the blocks that the catalog says", what)
	}
	row.Each(func(x uint32) {
		if int(x) >= c.cids {
			c.problem("%s: member %d is nobody", what, x)
		}
	})
	return row, true
}

func readColumn(c *verifier, f *columnFrag, what string) (*column.Block, bool) {
	block, err := f.fromStore(c.version.cache, column.DecodeBlock)
	if err != nil {
		c.problem("%s: %v", what, err)
		return nil, false
	}
	if low, high := block.Range(); block.Count() != int(f.count) || low != f.low || high != f.high {
		c.problem("%s: block %d is not what the catalog says", what, f.key.part)
	}
	base := int(f.key.part) * bitmap.BlockOrdinals
	block.Each(func(x uint16, _ column.Cell) {
		if base+int(x) >= c.cids {
			c.problem("%s: ordinal %d is nobody", what, base+int(x))
		}
	})
	return block, true
}
