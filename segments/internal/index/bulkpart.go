package index

import (
	"time"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/store"
)

// bulkWorker is one goroutine's part of the work.
type bulkWorker struct {
	*bulkBuild
	writer *store.Writer
	draft  *Draft // of the part being made
	buf    []byte
}

// make makes a part of a shard and stores its fragments, which leave memory by that.
func (w *bulkWorker) make(part bulkPart, shardID uint32) (*shard, error) {
	w.draft = NewDraft(&Version{cache: w.index.cache}, w.index.Schema, w.index.CIDs, civil.NewZone(time.UTC))
	if err := part(w, shardID); err != nil {
		return nil, err
	}
	s := w.draft.shard(shardID)
	var err error
	s.each(func(f anyFrag) {
		if err != nil {
			return
		}
		if w.buf, err = f.encode(w.buf[:0]); err != nil {
			return
		}
		if err = w.writer.Put(f.id().bytes(w.generation), w.buf); err == nil {
			f.settle(w.generation, w.index.cache)
		}
	})
	return s, err
}

// eachBlock calls f with each block of a shard that has CIDs: its number in the shard and in the app, and
// how many it has.
func (w *bulkWorker) eachBlock(shardID uint32, f func(part, block, cids int) error) error {
	for part := range bitmap.ShardBlocks {
		block := int(shardID)*bitmap.ShardBlocks + part
		if n := min(bitmap.BlockOrdinals, w.CIDs-block*bitmap.BlockOrdinals); n > 0 {
			if err := f(part, block, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *bulkWorker) heard(shardID uint32) error {
	return w.eachBlock(shardID, func(_, block, n int) error {
		changes := make([]ordinalChange, n)
		for i := range changes {
			changes[i] = ordinalChange{uint32(block*bitmap.BlockOrdinals + i), true, column.Cell{Data: w.HeardSecond}}
		}
		return w.draft.applyColumn(changes, func(s *shard) *blocks { return (*blocks)(&s.heard) }, fragKey{kind: kindHeard})
	})
}

func (w *bulkWorker) tag(shardID uint32, tag int) error {
	var members []uint32
	var words bitmap.Words
	w.eachBlock(shardID, func(part, block, _ int) error {
		w.TagWords(tag, block, &words)
		words.Each(func(x uint16) bool { members = append(members, uint32(part)<<16|uint32(x)); return true })
		return nil
	})
	if len(members) == 0 {
		return nil
	}
	return w.draft.tagShard(uint32(tag), shardID, members, nil, nil)
}

func (w *bulkWorker) number(shardID uint32, number int) error {
	all := new(blocks)
	values := make([]int64, bitmap.BlockOrdinals)
	var present bitmap.Words
	var changes []ordinalChange
	return w.eachBlock(shardID, func(_, block, _ int) error {
		w.Values(number, block, values, &present)
		changes = changes[:0]
		present.Each(func(x uint16) bool {
			changes = append(changes, ordinalChange{uint32(block*bitmap.BlockOrdinals + int(x)), true, column.Cell{Data: values[x]}})
			return true
		})
		return w.draft.applyColumn(changes, func(s *shard) *blocks {
			s.attributes = put(s.attributes, uint32(number), all)
			return all
		}, fragKey{kind: kindAttribute, field: uint32(number)})
	})
}

func (w *bulkWorker) eventDay(shardID uint32, event int, day int32) error {
	rows := w.Rows(event, day, int(shardID))
	if len(rows.Ordinals) == 0 {
		return nil
	}
	return w.draft.eventDay(uint32(event), day, shardID, 0, rows)
}
