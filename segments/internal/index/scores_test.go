package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/score"
	"whowhen.dev/whowhen/segments/internal/store"
)

// scoreTrial is an index under random changes of scores.
type scoreTrial struct {
	t    *testing.T
	rng  *rand.Rand
	st   *store.Store
	ix   *Index
	cids int
}

func (s *scoreTrial) open() {
	s.t.Helper()
	var err error
	if s.ix, err = New(s.st, time.UTC, NewHot(1<<20), func(err error) error { return err }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scoreTrial) apply(batches ...*batch.Batch) {
	s.t.Helper()
	if err := s.ix.Apply(batches, s.ix.Position()+uint64(len(batches))); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scoreTrial) checkpoint() {
	s.t.Helper()
	if _, err := s.ix.Checkpoint(func(uint64) []BatchID { return nil }, 0); err != nil {
		s.t.Fatal(err)
	}
}

// newcomers returns a batch that brings CIDs.
func (s *scoreTrial) newcomers(n int) *batch.Batch {
	packed := make([]byte, 16*n)
	for i := range n {
		binary.LittleEndian.PutUint64(packed[16*i:], uint64(s.cids+i+1)*0x9e3779b97f4a7c15)
	}
	s.cids += n
	return &batch.Batch{Tags: []batch.Tags{{Name: "known", CIDs: batch.CIDs{Packed: packed}, Remove: make([]bool, n)}}}
}

// change draws changes of scores, of which some do not fit what is there.
func (s *scoreTrial) change(names []string) *batch.Batch {
	name, generation := names[s.rng.IntN(len(names))], 1+s.rng.Uint64N(6)
	b := &batch.Batch{}
	switch s.rng.IntN(12) {
	case 0:
		b.ScoreDrops = []string{name}
	case 1, 2, 3:
		b.ScorePublishes = []batch.ScorePublish{{Name: name, Generation: generation, Version: fmt.Sprint("v", generation)}}
	default:
		c := batch.ScoreChunk{Name: name, Generation: generation, First: batch.ChunkAlign * uint32(max(0, s.rng.IntN(5)-2))}
		c.Ordinals = []int{0, 1, 64, 1000, batch.ChunkAlign, batch.ChunkAlign + 1, 2 * batch.ChunkAlign, max(0, s.cids-int(c.First))}[s.rng.IntN(8)]
		c.Present = make([]uint64, (c.Ordinals+63)/64)
		few := 1 + s.rng.IntN(100)
		for i := range c.Ordinals {
			if s.rng.IntN(few) == 0 {
				c.Present[i/64] |= 1 << (i % 64)
				c.Codes = append(c.Codes, uint16(s.rng.Uint32()))
			}
		}
		if err := c.Check(); err != nil {
			s.t.Fatal(err)
		}
		b.ScoreChunks = []batch.ScoreChunk{c}
	}
	return b
}

// TestScoresTwin makes random changes, saves and opens now and then, and compares with a twin that keeps maps. What does not fit is
// left out by both; old versions stay what they were.
func TestScoresTwin(t *testing.T) {
	for seed := range uint64(4) {
		st, err := store.Open(t.TempDir(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		s := &scoreTrial{t: t, rng: rand.New(rand.NewPCG(seed, 9)), st: st}
		s.open()
		s.apply(s.newcomers(batch.MaxRecords), s.newcomers(3000))
		twin := plainIndex{}
		pinned, release := s.ix.Pin()
		before := scoresOf(t, pinned)
		for step := range 45 {
			var group []*batch.Batch
			for range 1 + s.rng.IntN(3) {
				if s.rng.IntN(8) == 0 {
					group = append(group, s.newcomers(1+s.rng.IntN(3000))) // known to what follows in the group
				}
				b := s.change([]string{"pay", "churn", "x"}[:1+seed%3])
				twin.apply(b, s.cids)
				group = append(group, b)
			}
			s.apply(group...)
			v, unpin := s.ix.Pin()
			if got := scoresOf(t, v); !maps.EqualFunc(got, twin, samePlain) {
				t.Fatalf("seed %d, step %d: scores %v, want %v", seed, step, slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(twin)))
			}
			unpin()
			switch s.rng.IntN(6) {
			case 0:
				s.checkpoint()
			case 1:
				if after := scoresOf(t, pinned); !maps.EqualFunc(after, before, samePlain) {
					t.Fatalf("seed %d, step %d: a pinned version has changed", seed, step)
				}
				release()
				pinned, release = s.ix.Pin()
				before = scoresOf(t, pinned)
			case 2:
				release()
				s.checkpoint()
				var copied bytes.Buffer
				if _, err := s.ix.Snapshot(&copied); err != nil {
					t.Fatal(err)
				}
				s.ix.Close()
				if s.rng.IntN(2) == 0 { // goes on from the snapshot
					if s.st, err = store.Open(t.TempDir(), store.Options{}); err != nil {
						t.Fatal(err)
					}
					defer s.st.Close()
					if err := RestoreSnapshot(s.st, &copied); err != nil {
						t.Fatal(err)
					}
				}
				s.open()
				pinned, release = s.ix.Pin()
				before = scoresOf(t, pinned)
			}
			if all := problems(t, s.ix); len(all) > 0 {
				t.Fatalf("seed %d, step %d: %q", seed, step, all)
			}
		}
		release()
	}
}

// TestOldScoresLeaveTheStore publishes many generations: the store keeps one.
func TestOldScoresLeaveTheStore(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := &scoreTrial{t: t, rng: rand.New(rand.NewPCG(1, 1)), st: st}
	s.open()
	s.apply(s.newcomers(1000))
	stored := func() (n int) {
		err := st.Keys([]byte{'f'}, func(key []byte, _ int) error {
			if kind(key[5]) == kindScore {
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for generation := range uint64(6) {
		c := batch.ScoreChunk{Name: "pay", Generation: 1 + generation, Ordinals: 1000, Present: make([]uint64, 16), Codes: []uint16{5}}
		c.Present[0] = 1
		s.apply(&batch.Batch{ScoreChunks: []batch.ScoreChunk{c}})
		if generation%2 == 0 {
			s.checkpoint()
		}
		if generation != 3 { // which is abandoned
			s.apply(&batch.Batch{ScorePublishes: []batch.ScorePublish{{Name: "pay", Generation: 1 + generation, Version: "v"}}})
		}
		s.checkpoint()
		want := 1
		if generation == 3 {
			want = 2
		}
		if n := stored(); n != want {
			t.Errorf("after generation %d: %d fragments, want %d", generation+1, n, want)
		}
	}
	s.apply(&batch.Batch{ScoreDrops: []string{"pay"}})
	s.checkpoint()
	if n := stored(); n != 0 {
		t.Errorf("%d fragments of scores that were dropped", n)
	}
	if data, err := st.Get(stateKey(s.ix.saved.generation)); err != nil || strings.Contains(string(data), "scores") {
		t.Errorf("a state without scores speaks of them, which older programs need not know: %v", err)
	}
}

// TestMostScores stages one score more than there may be.
func TestMostScores(t *testing.T) {
	ix := sample(t)
	for i := range MaxScores + 1 {
		c := batch.ScoreChunk{Name: fmt.Sprint("score ", i), Generation: 1, Ordinals: 1, Present: []uint64{1}, Codes: []uint16{uint16(i)}}
		if err := ix.Apply([]*batch.Batch{{ScoreChunks: []batch.ScoreChunk{c}}}, ix.Position()+1); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(ix.current.Scores()); n != MaxScores {
		t.Errorf("%d scores", n)
	}
	if all := problems(t, ix); len(all) > 0 {
		t.Error(all)
	}
}

// TestCheckScores refuses states that no index has saved.
func TestCheckScores(t *testing.T) {
	good := func() []*Score {
		return []*Score{
			{Name: "a", ID: 0, Published: &PublishedScore{Generation: 1, Side: 1}, Staged: &StagedScore{Generation: 2, Next: 3}},
			{Name: "b", ID: 5, Staged: &StagedScore{Generation: 1}},
		}
	}
	for _, c := range []struct {
		name   string
		change func(s []*Score, sh *shard)
		says   string
	}{
		{"good", func([]*Score, *shard) {}, ""},
		{"none", func(s []*Score, _ *shard) { s[1] = nil }, "cannot be"},
		{"one number twice", func(s []*Score, _ *shard) { s[1].ID = 0 }, "cannot be"},
		{"one name twice", func(s []*Score, _ *shard) { s[1].Name = "a" }, "cannot be"},
		{"too large a number", func(s []*Score, _ *shard) { s[1].ID = MaxScores }, "cannot be"},
		{"one side for both", func(s []*Score, _ *shard) { s[0].Staged.Side = 1 }, "sides"},
		{"a third side", func(s []*Score, _ *shard) { s[1].Staged.Side = 2 }, "sides"},
		{"published on a third side", func(s []*Score, _ *shard) { s[0].Published.Side = 200 }, "sides"},
		{"staged too far", func(s []*Score, _ *shard) { s[0].Staged.Next = 4 }, "more CIDs"},
		{"a column of nobody", func(_ []*Score, sh *shard) { sh.scores = put(sh.scores, 7, scoreSides{new(blocks)}) }, "does not name"},
		{"a column of the other side", func(_ []*Score, sh *shard) { sh.scores = put(sh.scores, 5, scoreSides{nil, new(blocks)}) }, "does not name"},
		{"a column beyond all", func(_ []*Score, sh *shard) { sh.scores = put(sh.scores, MaxScores, scoreSides{new(blocks)}) }, "does not name"},
	} {
		scores, sh := good(), &shard{}
		sh.scores = put(sh.scores, 5, scoreSides{new(blocks)})
		c.change(scores, sh)
		err := (&Version{CIDs: 3, shards: []*shard{sh}, scores: scores}).checkScores()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

// TestVerifyScores finds what cannot be in a column of scores.
func TestVerifyScores(t *testing.T) {
	of := func(codes ...int64) *column.Block {
		var changes []column.Change
		for i, code := range codes {
			changes = append(changes, column.Change{At: uint16(i), Set: true, Cell: column.Cell{Data: code}})
		}
		return column.New(column.Planes).Apply(changes)
	}
	for _, c := range []struct {
		side int
		put  *column.Block
		says string
	}{
		{0, of(1, 2, 3), ""},
		{0, of(score.Codes), "no valid code: 65536"},
		{0, of(-1), "no valid code: -1"},
		{0, of(1, 2, 3, 4), "ordinal 3 is nobody"},
		{1, of(1), ""},
		{1, of(1, 2), "staged score \"pay\": ordinal 1 has one and cannot have"},
	} {
		ix := sample(t)
		chunk := func(generation uint64, ordinals int) batch.ScoreChunk {
			return batch.ScoreChunk{Name: "pay", Generation: generation, Ordinals: ordinals, Present: []uint64{1}, Codes: []uint16{9}}
		}
		for _, b := range []*batch.Batch{
			{ScoreChunks: []batch.ScoreChunk{chunk(1, 3)}, ScorePublishes: []batch.ScorePublish{{Name: "pay", Generation: 1, Version: "v"}}},
			{ScoreChunks: []batch.ScoreChunk{chunk(2, 1)}},
		} {
			if err := ix.Apply([]*batch.Batch{b}, ix.Position()+1); err != nil {
				t.Fatal(err)
			}
		}
		at := &ix.current.shards[0].scores[0][c.side][0]
		*at = newColumn((*at).key, c.put)
		all := problems(t, ix)
		if c.says == "" && len(all) > 0 || c.says != "" && !strings.Contains(strings.Join(all, "\n"), c.says) {
			t.Errorf("found %q, want %q", all, c.says)
		}
	}
}
