package index

import (
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/score"
)

// MaxScores is how many scores an app may have: each takes some two bytes a CID, and as much again while the next
// generation is staged.
const MaxScores = 64

// Score is what is known of the scores of a name: the generation that is published, the one that is staged, or
// both. It is immutable.
//
// The two are columns on two sides of one number, and publishing changes over from one side to the other.
type Score struct {
	Name      string          `json:"name"`
	ID        uint32          `json:"id"` // among those there are; another may have had it before
	Published *PublishedScore `json:"published,omitempty"`
	Staged    *StagedScore    `json:"staged,omitempty"`
}

// PublishedScore is a generation of scores that can be asked for.
type PublishedScore struct {
	Generation uint64 `json:"generation"`
	Version    string `json:"version"`
	AsOfMillis int64  `json:"as_of_millis"`
	Definition string `json:"definition,omitempty"`
	Side       uint8  `json:"side"`
}

// StagedScore is a generation of scores that nobody sees yet. What was said of its ordinals up to Next is there.
type StagedScore struct {
	Generation uint64 `json:"generation"`
	Next       uint64 `json:"next"`
	Side       uint8  `json:"side"`
}

const sides = 2

// scoreSides are the columns of a score.
type scoreSides [sides]*blocks

// ScoreColumn names a column of scores of the version that it is from.
type ScoreColumn struct {
	id   uint32
	side uint8
}

// Scores returns all scores, in no order. They must not be changed.
func (v *Version) Scores() []*Score { return v.scores }

// Score returns what is known of the scores of a name, nil when there are none.
func (v *Version) Score(name string) *Score {
	if i := findScore(v.scores, name); i >= 0 {
		return v.scores[i]
	}
	return nil
}

func findScore(scores []*Score, name string) int {
	return slices.IndexFunc(scores, func(s *Score) bool { return s.Name == name })
}

// PublishedScore returns the column of the scores of a name that are published, if any are.
func (v *Version) PublishedScore(name string) (ScoreColumn, bool) {
	s := v.Score(name)
	if s == nil || s.Published == nil {
		return ScoreColumn{}, false
	}
	return s.PublishedColumn(), true
}

// PublishedColumn returns the column of what is published, which must be something.
func (s *Score) PublishedColumn() ScoreColumn { return ScoreColumn{s.ID, s.Published.Side} }

// StagedColumn returns the column of what is staged, which must be something.
func (s *Score) StagedColumn() ScoreColumn { return ScoreColumn{s.ID, s.Staged.Side} }

// ScoreBlock returns a block of a column of scores, whose cells are codes of package score; nil when it is empty.
func (v *Version) ScoreBlock(shard int, c ScoreColumn, block int) (*column.Block, error) {
	f := v.shards[shard].scoreFrag(c, block)
	if f == nil {
		return nil, nil
	}
	return f.get(v.cache, column.DecodeBlock)
}

// ScoreInMemory says whether a block of a column of scores need not be read from the store.
func (v *Version) ScoreInMemory(shard int, c ScoreColumn, block int) bool {
	f := v.shards[shard].scoreFrag(c, block)
	return f == nil || f.loaded.Load() != nil
}

// ScoreCount returns how many CIDs have a score in a column.
func (v *Version) ScoreCount(c ScoreColumn) (n uint64) {
	for _, s := range v.shards {
		for block := range bitmap.ShardBlocks {
			if f := s.scoreFrag(c, block); f != nil {
				n += uint64(f.count)
			}
		}
	}
	return n
}

func (s *shard) scoreFrag(c ScoreColumn, block int) *columnFrag {
	if b := at(s.scores, c.id)[c.side]; b != nil {
		return b[block]
	}
	return nil
}

// restoreScore puts a fragment that a catalog lists in its place. The day of its key says the side.
func (s *shard) restoreScore(e *entry) error {
	k := e.key
	if k.field >= MaxScores || uint32(k.day) >= sides || e.low < 0 || e.high >= score.Codes {
		return errCatalog
	}
	pair := at(s.scores, k.field)
	if pair[k.day] == nil {
		pair[k.day] = new(blocks)
	}
	pair[k.day][k.part] = e.column()
	s.scores = put(s.scores, k.field, pair)
	return nil
}

// checkScores holds the scores that a state lists against each other and against the columns there are.
func (v *Version) checkScores() error {
	var used [MaxScores]struct {
		taken bool
		sides [sides]bool
	}
	for i, s := range v.scores {
		switch {
		case s == nil || s.ID >= MaxScores || used[s.ID].taken || findScore(v.scores, s.Name) != i:
			return fmt.Errorf("index: score %d of the state cannot be", i)
		case s.Published != nil && s.Published.Side >= sides || s.Staged != nil && s.Staged.Side >= sides,
			s.Published != nil && s.Staged != nil && s.Published.Side == s.Staged.Side:
			return fmt.Errorf("index: score %.60q has sides that cannot be", s.Name)
		case s.Staged != nil && s.Staged.Next > uint64(v.CIDs):
			return fmt.Errorf("index: score %.60q is staged for more CIDs than there are", s.Name)
		}
		used[s.ID].taken = true
		if s.Published != nil {
			used[s.ID].sides[s.Published.Side] = true
		}
		if s.Staged != nil {
			used[s.ID].sides[s.Staged.Side] = true
		}
	}
	for i, shard := range v.shards {
		for id, pair := range shard.scores {
			for side, b := range pair {
				if b != nil && (id >= MaxScores || !used[id].sides[side]) {
					return fmt.Errorf("index: shard %d has scores that the state does not name", i)
				}
			}
		}
	}
	return nil
}
