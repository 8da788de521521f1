package index

import (
	"maps"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

// plainScores is what a twin knows of the scores of a name. Generations are 0 when there are none.
type plainScores struct {
	published, staged uint64
	next              int
	version           string
	shown, hidden     map[uint32]uint16
}

// plainIndex is the slow twin of the scores of an index.
type plainIndex map[string]*plainScores

func (p plainIndex) apply(b *batch.Batch, cids int) {
	for _, name := range b.ScoreDrops {
		delete(p, name)
	}
	for _, c := range b.ScoreChunks {
		s := p[c.Name]
		if s == nil {
			s = &plainScores{}
		}
		if c.Generation <= s.published || c.Generation < s.staged {
			continue
		}
		if c.Generation > s.staged {
			if c.First != 0 {
				continue
			}
			s.staged, s.next, s.hidden = c.Generation, 0, map[uint32]uint16{}
		}
		if int(c.First) > s.next {
			continue
		}
		p[c.Name] = s
		codes := c.Codes
		for i := range c.Ordinals {
			o := c.First + uint32(i)
			if int(o) < cids {
				delete(s.hidden, o)
				s.next = max(s.next, int(o)+1)
			}
			if c.Present[i/64]>>(i%64)&1 == 1 {
				if int(o) < cids {
					s.hidden[o] = codes[0]
				}
				codes = codes[1:]
			}
		}
	}
	for _, c := range b.ScorePublishes {
		if s := p[c.Name]; s != nil && s.staged != 0 && s.staged == c.Generation {
			s.published, s.version, s.shown = s.staged, c.Version, s.hidden
			s.staged, s.next, s.hidden = 0, 0, nil
		}
	}
}

// scoresOf reads all scores of a version.
func scoresOf(t testing.TB, v *Version) plainIndex {
	t.Helper()
	read := func(c ScoreColumn) map[uint32]uint16 {
		codes := map[uint32]uint16{}
		for shard := range v.Shards() {
			for block := range bitmap.ShardBlocks {
				b, err := v.ScoreBlock(shard, c, block)
				if err != nil {
					t.Fatal(err)
				}
				if b != nil {
					b.Each(func(x uint16, cell column.Cell) {
						codes[uint32(shard*bitmap.ShardOrdinals+block*bitmap.BlockOrdinals+int(x))] = uint16(cell.Data)
					})
				}
			}
		}
		if n := v.ScoreCount(c); n != uint64(len(codes)) {
			t.Errorf("%d scores are counted, there are %d", n, len(codes))
		}
		return codes
	}
	p := plainIndex{}
	for _, s := range v.Scores() {
		is := &plainScores{}
		if s.Published != nil {
			is.published, is.version, is.shown = s.Published.Generation, s.Published.Version, read(s.PublishedColumn())
		}
		if s.Staged != nil {
			is.staged, is.next, is.hidden = s.Staged.Generation, int(s.Staged.Next), read(s.StagedColumn())
		}
		p[s.Name] = is
	}
	return p
}

func samePlain(a, b *plainScores) bool {
	return a.published == b.published && a.staged == b.staged && a.next == b.next && a.version == b.version && maps.Equal(a.shown, b.shown) && maps.Equal(a.hidden, b.hidden)
}
