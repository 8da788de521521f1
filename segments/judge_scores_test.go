package segments_test

import (
	"context"
	"fmt"
	"maps"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr/exprtest"
	"whowhen.dev/whowhen/segments/value"
)

// scoring is what a test knows of the scores of a name.
type scoring struct {
	generation uint64 // staged, or published when nothing is
	published  uint64 // 0 when none is
	staged     bool
	next       int
	codes      map[string]uint16 // staged, by CID
	shown      int               // CIDs that have a published score
}

// vocabulary says to the generator of expressions what to speak of, scores included.
func (w *world) vocabulary() exprtest.Vocabulary {
	v := w.words.vocabulary(w.zone, w.clock.now())
	for _, name := range scoreNames {
		s := w.scores[name]
		if s == nil || s.published == 0 {
			continue
		}
		samples := numbers("0", "0.5", "0.7", "1")
		for range 3 {
			p, err := value.FromFloat(segments.ScoreProbability(w.someCode()))
			if err != nil {
				w.t.Fatal(err)
			}
			samples = append(samples, value.Num(p))
		}
		v.Scores = append(v.Scores, exprtest.Score{Name: name, Samples: samples})
	}
	return v
}

var scoreNames = []string{"churn", "pay \"soon\""}

// someCode draws a score, mostly one of a few so that some are equal.
func (w *world) someCode() uint16 {
	if w.rng.IntN(3) == 0 {
		return uint16(w.rng.Uint32())
	}
	return pick(w.rng, []uint16{0, 1, 20_000, 32_767, 32_768, 32_769, 34_000, 40_000, 65_534, 65_535})
}

// score changes the scores of a name in some way, once it has seen that they are as they should be.
func (w *world) score() {
	w.t.Helper()
	name, ctx := pick(w.rng, scoreNames), context.Background()
	s := w.scores[name]
	w.sameScores()
	var err error
	switch {
	case s != nil && w.rng.IntN(10) == 0:
		w.position, err = w.app.DropScores(ctx, name)
		delete(w.scores, name)
		w.judge.Unpublish(name)
	case s == nil || !s.staged || w.rng.IntN(6) == 0:
		if s == nil {
			s = &scoring{}
			w.scores[name] = s
		}
		s.generation += 1 + w.rng.Uint64N(3)
		s.staged, s.next, s.codes = true, 0, map[string]uint16{}
		w.stage(name, s)
	case w.rng.IntN(2) == 0:
		w.stage(name, s)
	default:
		v := w.view(time.Time{})
		ranks := map[string]uint32{}
		for ordinal, cid := range ordinals(v) {
			ranks[cid] = uint32(ordinal)
		}
		v.Close()
		p := batch.ScorePublish{Name: name, Generation: s.generation, Version: fmt.Sprint("v", s.generation), AsOfMillis: w.clock.now().UnixMilli()}
		if w.position, err = w.app.PublishScores(ctx, p); err == nil && w.rng.IntN(3) == 0 {
			_, err = w.app.PublishScores(ctx, p) // once more
		}
		w.judge.Publish(name, s.codes, ranks)
		s.published, s.staged, s.shown = s.generation, false, len(s.codes)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.sameScores()
}

// stage stages the next chunk of a generation, or one that has been staged once more.
func (w *world) stage(name string, s *scoring) {
	w.t.Helper()
	v := w.view(time.Time{})
	cids := ordinals(v)
	v.Close()
	c := batch.ScoreChunk{Name: name, Generation: s.generation, First: uint32(w.rng.IntN(s.next/batch.ChunkAlign+1)) * batch.ChunkAlign}
	if w.rng.IntN(3) > 0 {
		c.First = uint32(s.next) / batch.ChunkAlign * batch.ChunkAlign
	}
	c.Ordinals = len(cids) - int(c.First)
	if w.rng.IntN(3) == 0 {
		c.Ordinals = w.rng.IntN(c.Ordinals + 1)
	}
	c.Present = make([]uint64, (c.Ordinals+63)/64)
	share := w.rng.IntN(5)
	for i := range c.Ordinals {
		cid := cids[int(c.First)+i]
		delete(s.codes, cid)
		if w.rng.IntN(4) < share {
			code := w.someCode()
			s.codes[cid] = code
			c.Present[i/64] |= 1 << (i % 64)
			c.Codes = append(c.Codes, code)
		}
	}
	s.next = max(s.next, int(c.End()))
	position, err := w.app.StageScores(context.Background(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.position = position
}

// ordinals returns all CIDs by ordinal.
func ordinals(v *segments.View) []string {
	all := make([]uint32, v.CIDs())
	for i := range all {
		all[i] = uint32(i)
	}
	var cids batch.CIDs
	v.ReadCIDs(&cids, all)
	list := make([]string, len(all))
	for i := range list {
		list[i] = cids.At(i)
	}
	return list
}

// sameScores holds what the app says of its scores against what was done.
func (w *world) sameScores() {
	w.t.Helper()
	v := w.view(time.Time{})
	defer v.Close()
	got := map[string]scoring{}
	for _, s := range v.Scores() {
		var is scoring
		if s.Published != nil {
			is.generation, is.published, is.shown = s.Published.Generation, s.Published.Generation, int(s.Published.CIDs)
		}
		if s.Staged != nil {
			is.generation, is.staged, is.next = s.Staged.Generation, true, int(s.Staged.NextOrdinal)
			if want := w.scores[s.Name]; want != nil && len(want.codes) != int(s.Staged.CIDs) {
				w.t.Fatalf("%d CIDs have a staged score %q, want %d", s.Staged.CIDs, s.Name, len(want.codes))
			}
		}
		got[s.Name] = is
	}
	want := map[string]scoring{}
	for name, s := range w.scores {
		is := *s
		if is.codes = nil; !is.staged {
			is.next = 0
		}
		want[name] = is
	}
	if !maps.EqualFunc(got, want, func(a, b scoring) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		w.t.Fatalf("scores are %+v, want %+v", got, want)
	}
}
