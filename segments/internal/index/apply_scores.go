package index

import (
	"fmt"
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

// scoreChanges makes a batch's changes of scores. Who wrote them has checked that they fit; what does not is left out, so
// that any log can be applied.
func (d *Draft) scoreChanges(b *batch.Batch) error {
	for _, name := range b.ScoreDrops {
		d.dropScore(name)
	}
	for i := range b.ScoreChunks {
		if err := d.stageScores(&b.ScoreChunks[i]); err != nil {
			return fmt.Errorf("score %.60q: %w", b.ScoreChunks[i].Name, err)
		}
	}
	for i := range b.ScorePublishes {
		d.publishScore(&b.ScorePublishes[i])
	}
	return nil
}

// setScore puts a score in the place of the one of its name, or adds it.
func (d *Draft) setScore(s Score) {
	d.scores = slices.Clone(d.scores) // the base's is shared
	if i := findScore(d.scores, s.Name); i >= 0 {
		d.scores[i] = &s
		return
	}
	d.scores = append(d.scores, &s)
}

// score returns the score of a name, a new one if there is none and room is left.
func (d *Draft) score(name string) (s Score, ok bool) {
	if i := findScore(d.scores, name); i >= 0 {
		return *d.scores[i], true
	}
	s.Name = name
	for slices.ContainsFunc(d.scores, func(other *Score) bool { return other.ID == s.ID }) {
		s.ID++
	}
	return s, s.ID < MaxScores
}

func (d *Draft) dropScore(name string) {
	i := findScore(d.scores, name)
	if i < 0 {
		return
	}
	for side := range uint8(sides) {
		d.dropSide(ScoreColumn{d.scores[i].ID, side})
	}
	d.scores = slices.Delete(slices.Clone(d.scores), i, i+1)
}

// dropSide empties a column.
func (d *Draft) dropSide(c ScoreColumn) {
	for id, s := range d.shards {
		pair := at(s.scores, c.id)
		if pair[c.side] == nil {
			continue
		}
		for _, f := range pair[c.side] {
			replaced(d, f, nil)
		}
		pair[c.side] = nil
		own := d.shard(uint32(id))
		own.scores = put(own.scores, c.id, pair)
	}
}

// publishScore changes over to the side that is staged.
func (d *Draft) publishScore(p *batch.ScorePublish) {
	s, ok := d.score(p.Name)
	if !ok || s.Staged == nil || s.Staged.Generation != p.Generation {
		return
	}
	if s.Published != nil {
		d.dropSide(s.PublishedColumn())
	}
	s.Published = &PublishedScore{p.Generation, p.Version, p.AsOfMillis, p.Definition, s.Staged.Side}
	s.Staged = nil
	d.setScore(s)
}

// stageScores adds a chunk to what is staged of its generation. With a later generation than that an earlier one
// ends that was not published.
func (d *Draft) stageScores(c *batch.ScoreChunk) error {
	s, ok := d.score(c.Name)
	if !ok || s.Published != nil && c.Generation <= s.Published.Generation {
		return nil
	}
	staged := StagedScore{Generation: c.Generation}
	if s.Published != nil {
		staged.Side = sides - 1 - s.Published.Side
	}
	if s.Staged != nil {
		switch {
		case c.Generation < s.Staged.Generation:
			return nil
		case c.Generation == s.Staged.Generation:
			staged.Next = s.Staged.Next
		case c.First == 0:
			d.dropSide(s.StagedColumn())
		}
	}
	if uint64(c.First) > staged.Next {
		return nil
	}
	end := min(c.End(), uint64(d.known+len(d.heardNew)))
	staged.Next = max(staged.Next, end)
	s.Staged = &staged
	d.setScore(s)
	codes := c.Codes
	for first := uint64(c.First); first < end; first += bitmap.BlockOrdinals {
		words := c.Present[(first-uint64(c.First))/64:]
		words = words[:min(len(words), bitmap.BlockOrdinals/64)]
		n, err := d.stageBlock(s.StagedColumn(), uint32(first), int(min(end-first, bitmap.BlockOrdinals)), words, codes)
		if err != nil {
			return err
		}
		codes = codes[n:]
	}
	return nil
}

// stageBlock says anew of the first ordinals of a block who of them has which score, and leaves the others. It returns
// how many codes the words take.
func (d *Draft) stageBlock(c ScoreColumn, first uint32, ordinals int, words []uint64, codes []uint16) (taken int, err error) {
	s := d.shard(first / bitmap.ShardOrdinals)
	part := first % bitmap.ShardOrdinals / bitmap.BlockOrdinals
	present, values := new(bitmap.Words), d.scratch.codes()
	if old := s.scoreFrag(c, int(part)); old != nil {
		block, err := old.get(d.base.cache, column.DecodeBlock)
		if err != nil {
			return 0, err
		}
		block.Each(func(x uint16, cell column.Cell) {
			if int(x) >= ordinals {
				present.Set(x)
				values[x] = cell.Data
			}
		})
	}
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			if x := w*64 + bits.TrailingZeros64(word); x < ordinals {
				present.Set(uint16(x))
				values[x] = int64(codes[taken])
			}
			taken++
		}
	}
	pair, all := at(s.scores, c.id), new(blocks)
	if pair[c.side] != nil {
		*all = *pair[c.side]
	}
	var next *columnFrag
	if !present.Empty() {
		key := fragKey{shard: first / bitmap.ShardOrdinals, kind: kindScore, field: c.id, day: int32(c.side), part: part}
		next = newColumn(key, column.Build(formOf(kindScore), 0, present, values))
	}
	all[part] = replaced(d, all[part], next)
	pair[c.side] = all
	s.scores = put(s.scores, c.id, pair)
	return taken, nil
}

// codes returns room for the codes of a block, with arbitrary content.
func (s *scratch) codes() []int64 {
	if s.values == nil {
		s.values = make([]int64, bitmap.BlockOrdinals)
	}
	return s.values
}
