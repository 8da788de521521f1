package index

import (
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/store"
)

// saved is what the store holds: the generation that the manifest names.
type saved struct {
	generation uint64
	version    *Version // nil when there is none
	sequence   uint64   // of the version
	state      state
	manifest   []byte
}

// Checkpoint writes the newest version to the store and returns its position. Fragments that are stored
// already stay as they are; only new ones are written, under keys of a new generation.
//
// A crash before the manifest is set leaves the old generation in force and keys
// that the next Open removes; a crash after it leaves the new one in force and, as
// garbage that the next Open removes, what it replaced. fresh returns the ids of batches up to a
// position that no checkpoint has stored; those received before a moment are forgotten.
func (ix *Index) Checkpoint(fresh func(position uint64) []BatchID, forgetBeforeMillis int64) (uint64, error) {
	ix.mu.Lock()
	s := ix.current
	ix.pins[s.sequence]++
	ix.mu.Unlock()
	defer ix.unpin(s.sequence)
	if ix.saved.version != nil && ix.saved.sequence == s.sequence {
		return s.Position, nil
	}
	w := ix.store.Writer()
	defer w.Cancel()
	c := &checkpoint{index: ix, writer: w, generation: ix.saved.generation + 1}
	if err := c.write(s, fresh(s.Position), forgetBeforeMillis); err != nil {
		return 0, fmt.Errorf("checkpoint at position %d: %w", s.Position, err)
	}
	for _, f := range c.fresh {
		f.settle(c.generation, ix.cache)
	}
	ix.countDirty()
	ix.mu.Lock()
	ix.saved = saved{c.generation, s.Version, s.sequence, c.state, c.manifest}
	ix.garbage = append(ix.garbage, garbage{s.sequence, c.replaced, c.gone})
	ix.mu.Unlock()
	keys, frags := ix.collectable()
	ix.cache.hot.drop(frags)
	return s.Position, ix.store.Delete(keys)
}

// countDirty counts afresh what the applier keeps up to date between checkpoints.
func (ix *Index) countDirty() {
	dirty := 0
	for _, s := range ix.newest().shards {
		s.each(func(f anyFrag) { dirty += f.dirtyBytes() })
	}
	ix.dirtyBytes.Store(int64(dirty))
}

// checkpoint is one checkpoint under way.
type checkpoint struct {
	index      *Index
	writer     *store.Writer
	generation uint64
	state      state
	fresh      []anyFrag
	replaced   [][]byte
	gone       []anyFrag // those replaced that are fragments
	manifest   []byte
	buf        []byte
}

func (c *checkpoint) write(s *snapshot, fresh []BatchID, forgetBeforeMillis int64) error {
	if err := c.fields(s.CIDs); err != nil {
		return err
	}
	for i, shard := range s.shards {
		if err := c.shard(i, shard); err != nil {
			return err
		}
	}
	c.state.Loads, c.state.Retention, c.state.Swept = s.loads, s.retention, s.sweptMillis
	c.state.Scores = s.scores
	if err := c.batchIDs(fresh, forgetBeforeMillis); err != nil {
		return err
	}
	data, err := encodeJSON(&c.state)
	if err != nil {
		return err
	}
	if err := c.writer.Put(stateKey(c.generation), data); err != nil {
		return err
	}
	// A crash up to here: nothing refers to what was written.
	if err := c.writer.Flush(); err != nil {
		return err
	}
	c.manifest, err = encodeJSON(manifest{formatVersion, c.generation, s.Position, s.CIDs, sum(data)})
	if err != nil {
		return err
	}
	if err := c.index.store.SetManifest(c.manifest); err != nil {
		return err
	}
	// A crash from here on: the new generation is complete and in force.
	if c.index.saved.generation > 0 {
		c.replaced = append(c.replaced, stateKey(c.index.saved.generation))
	}
	return nil
}

// shard writes what is new in a shard, and its catalog, unless nothing is.
func (c *checkpoint) shard(i int, s *shard) error {
	old := &shard{}
	if v := c.index.saved.version; v != nil && i < len(v.shards) {
		old = v.shards[i]
	}
	if old == s {
		c.state.Shards = append(c.state.Shards, c.index.saved.state.Shards[i])
		return nil
	}
	kept := map[anyFrag]bool{}
	var err error
	s.each(func(f anyFrag) {
		kept[f] = true
		if err != nil || f.stored() != 0 {
			return
		}
		c.fresh = append(c.fresh, f)
		if c.buf, err = f.encode(c.buf[:0]); err == nil {
			err = c.writer.Put(f.id().bytes(c.generation), c.buf)
		}
	})
	if err != nil {
		return err
	}
	old.each(func(f anyFrag) {
		if !kept[f] {
			c.replaced, c.gone = append(c.replaced, f.id().bytes(f.stored())), append(c.gone, f)
		}
	})
	if i < len(c.index.saved.state.Shards) {
		c.replaced = append(c.replaced, catalogKey(c.index.saved.state.Shards[i].Generation, i))
	}
	catalog := s.appendCatalog(nil, c.generation)
	c.state.Shards = append(c.state.Shards, shardState{c.generation, sum(catalog)})
	return c.writer.Put(catalogKey(c.generation, i), catalog)
}

// fields writes the names and the new parts of the dictionaries.
func (c *checkpoint) fields(cids int) error {
	ix, old := c.index, &c.index.saved.state
	c.state.Tags = ix.Schema.Tags()
	for i, name := range ix.Schema.Attributes() {
		kind, since := ix.Schema.FirstSet(name)
		a := attributeState{Name: name, Kind: kind, Since: since}
		if i < len(old.Attributes) {
			a.Values = old.Attributes[i].Values.clone()
		}
		c.state.Attributes = append(c.state.Attributes, a)
	}
	for i, name := range ix.Schema.Events() {
		e := eventState{Name: name}
		for j, property := range ix.Schema.Properties(uint32(i)) {
			p := propertyState{Name: property}
			if i < len(old.Events) && j < len(old.Events[i].Props) {
				p.Values = old.Events[i].Props[j].Values.clone()
			}
			e.Props = append(e.Props, p)
		}
		c.state.Events = append(c.state.Events, e)
	}
	err := c.state.eachDictionary(ix.Schema, func(name dictionary, d *dict.Strings, chunks *[]uint64, count *int) error {
		list := d.All()
		err := c.chunks(chunks, *count, len(list), dict.ChunkStrings, name.key, func(first, n int) []byte {
			return dict.AppendStrings(nil, list[first:first+n])
		})
		*count = len(list)
		return err
	})
	if err != nil {
		return err
	}
	before := 0
	if ix.saved.version != nil {
		before = ix.saved.version.CIDs
	}
	return c.cids(before, cids)
}

// cids writes the CIDs that have come. A chunk that is not full is in pieces, each at least twice as long as the next, so that
// a few CIDs more do not have all of it written again, and each is written a few times at most; a full one is in one piece.
func (c *checkpoint) cids(before, after int) error {
	pieces := slices.Clone(c.index.saved.state.CIDs)
	for before < after {
		first, end := before, min(after, before-before%dict.ChunkCIDs+dict.ChunkCIDs)
		for first%dict.ChunkCIDs != 0 {
			last := pieces[len(pieces)-1]
			if end%dict.ChunkCIDs != 0 && last.Count >= 2*(end-first) {
				break
			}
			first -= last.Count
			c.replaced = append(c.replaced, cidsKey(last.Generation, first))
			pieces = pieces[:len(pieces)-1]
		}
		if err := c.writer.Put(cidsKey(c.generation, first), c.index.CIDs.AppendPiece(nil, first, end-first)); err != nil {
			return err
		}
		pieces = append(pieces, cidsPiece{c.generation, end - first})
		before = end
	}
	c.state.CIDs = pieces
	return nil
}

func (v valuesState) clone() valuesState {
	return valuesState{slices.Clone(v.Strings), slices.Clone(v.Lists), v.Counts}
}

// chunks writes the chunks of a dictionary that has grown from before to after entries.
func (c *checkpoint) chunks(generations *[]uint64, before, after, size int, key func(generation uint64, chunk int) []byte, encode func(first, n int) []byte) error {
	for chunk := before / size; chunk*size < after && before < after; chunk++ {
		if chunk < len(*generations) {
			c.replaced = append(c.replaced, key((*generations)[chunk], chunk))
			(*generations)[chunk] = c.generation
		} else {
			*generations = append(*generations, c.generation)
		}
		first := chunk * size
		if err := c.writer.Put(key(c.generation, chunk), encode(first, min(size, after-first))); err != nil {
			return err
		}
	}
	return nil
}
