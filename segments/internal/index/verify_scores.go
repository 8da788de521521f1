package index

import (
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/score"
	"whowhen.dev/whowhen/segments/value"
)

// score checks what is published and what is staged of a score.
func (c *verifier) score(s *shard, known *Score) {
	what := "score " + value.Quote(known.Name)
	if known.Published != nil {
		c.scoreColumn(s, known.PublishedColumn(), c.cids, what)
	}
	if known.Staged != nil {
		next := int(min(known.Staged.Next, uint64(c.version.CIDs))) - c.shardID*bitmap.ShardOrdinals
		c.scoreColumn(s, known.StagedColumn(), next, "staged "+what)
	}
}

// scoreColumn checks a column of scores, of which ordinals of the shard may have one.
func (c *verifier) scoreColumn(s *shard, of ScoreColumn, ordinals int, what string) {
	for k := range bitmap.ShardBlocks {
		f := s.scoreFrag(of, k)
		if f == nil {
			continue
		}
		if block, ok := readColumn(c, f, what); ok {
			block.Each(func(x uint16, cell column.Cell) {
				if cell.Data < 0 || cell.Data >= score.Codes || cell.Scale != 0 {
					c.problem("%s: ordinal %d has no valid code: %d", what, x, cell.Data)
				}
				if k*bitmap.BlockOrdinals+int(x) >= ordinals {
					c.problem("%s: ordinal %d has one and cannot have", what, k*bitmap.BlockOrdinals+int(x))
				}
			})
		}
	}
}
