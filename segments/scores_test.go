package segments_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// chunkOf returns a chunk in which everybody has the same score.
func chunkOf(name string, generation uint64, first, ordinals int, code uint16) batch.ScoreChunk {
	c := batch.ScoreChunk{Name: name, Generation: generation, First: uint32(first), Ordinals: ordinals, Present: make([]uint64, (ordinals+63)/64), Codes: make([]uint16, ordinals)}
	for i := range ordinals {
		c.Present[i/64] |= 1 << (i % 64)
		c.Codes[i] = code
	}
	return c
}

// publishAll stages and publishes a score that everybody has.
func (w *world) publishAll(name string, generation uint64, cids int, code uint16) {
	w.t.Helper()
	ctx := context.Background()
	for first := 0; first < cids; first += batch.ChunkAlign {
		if _, err := w.app.StageScores(ctx, chunkOf(name, generation, first, min(batch.ChunkAlign, cids-first), code)); err != nil {
			w.t.Fatal(err)
		}
	}
	position, err := w.app.PublishScores(ctx, batch.ScorePublish{Name: name, Generation: generation, Version: fmt.Sprint("v", generation)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.position = position
}

// TestScoreChangesRefused asks for changes that do not fit what is there, and for such as cannot be.
func TestScoreChangesRefused(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	w.mustWrite(events("open", "cid ", 100))
	w.view(time.Time{}).Close()
	ctx := context.Background()
	stage := func(c batch.ScoreChunk) func() error {
		return func() error { _, err := w.app.StageScores(ctx, c); return err }
	}
	publish := func(p batch.ScorePublish) func() error {
		return func() error { _, err := w.app.PublishScores(ctx, p); return err }
	}
	drop := func(name string) func() error {
		return func() error { _, err := w.app.DropScores(ctx, name); return err }
	}
	v2 := batch.ScorePublish{Name: "pay", Generation: 2, Version: "v2", AsOfMillis: 7, Definition: "abc"}
	other := v2
	other.Version = "v3"
	for i, c := range []struct {
		do     func() error
		reason segments.Reason
		says   string
	}{
		{stage(chunkOf("", 1, 0, 1, 5)), segments.ScoresMalformed, "empty"},
		{stage(chunkOf("pay", 0, 0, 1, 5)), segments.ScoresMalformed, "counted from 1"},
		{stage(chunkOf("pay", 1, 0, 101, 5)), segments.ScoresMalformed, "knows 100 CIDs"},
		{stage(batch.ScoreChunk{Name: "pay", Generation: 1, Ordinals: 3}), segments.ScoresMalformed, "words"},
		{publish(v2), segments.ScoresOutOfOrder, "not staged"},
		{drop("pay"), segments.ScoreUnknown, "there are none: no version of a model is active"},
		{stage(chunkOf("pay", 2, 0, 60, 5)), "", ""},
		{stage(chunkOf("pay", 2, 0, 60, 5)), "", ""}, // the same once more
		{stage(chunkOf("pay", 1, 0, 60, 5)), segments.ScoresOutOfOrder, "generation 2 is being staged"},
		{publish(batch.ScorePublish{Name: "pay", Generation: 1, Version: "v1"}), segments.ScoresOutOfOrder, "not staged"},
		{publish(batch.ScorePublish{Name: "pay", Generation: 2}), segments.ScoresMalformed, "version"},
		{stage(chunkOf("pay", 3, 0, 60, 5)), "", ""}, // which ends 2
		{publish(v2), segments.ScoresOutOfOrder, "not staged"},
		{drop("pay"), "", ""},
		{stage(chunkOf("pay", 2, 0, 100, 5)), "", ""},
		{publish(v2), "", ""},
		{publish(v2), "", ""},
		{publish(other), segments.ScoresOutOfOrder, "published already, of version \"v2\""},
		{stage(chunkOf("pay", 2, 0, 100, 5)), segments.ScoresOutOfOrder, "generation 2 is published already"},
		{drop("pya"), segments.ScoreUnknown, `did you mean "pay"?`},
	} {
		err := c.do()
		var told *segments.Error
		if c.reason == "" {
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		} else if !errors.As(err, &told) || told.Reason != c.reason || !strings.Contains(told.Message, c.says) {
			t.Errorf("%d: %v, want %s: %s", i, err, c.reason, c.says)
		}
	}
	status, err := w.app.Status()
	if err != nil || len(status.Scores) != 1 {
		t.Fatalf("status %+v: %v", status.Scores, err)
	}
	want := segments.PublishedScores{Generation: 2, Version: "v2", AsOf: time.UnixMilli(7).UTC(), Definition: "abc", CIDs: 100}
	if s := status.Scores[0]; s.Name != "pay" || s.Staged != nil || s.Published == nil || *s.Published != want {
		t.Errorf("status %+v", s)
	}
}

// TestGapInScores leaves out a block.
func TestGapInScores(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	w.fill(2*batch.ChunkAlign + 10)
	w.view(time.Time{}).Close()
	ctx := context.Background()
	if _, err := w.app.StageScores(ctx, chunkOf("pay", 1, 0, 65_000, 5)); err != nil {
		t.Fatal(err)
	}
	var told *segments.Error
	if _, err := w.app.StageScores(ctx, chunkOf("pay", 1, batch.ChunkAlign, 5, 5)); !errors.As(err, &told) || told.Reason != segments.ScoresOutOfOrder || !strings.Contains(told.Message, "next is 65000") {
		t.Errorf("a gap: %v", err)
	}
	position, err := w.app.StageScores(ctx, chunkOf("pay", 1, 0, 2*batch.ChunkAlign+10, 6))
	if err != nil {
		t.Fatal(err)
	}
	w.position = position
	v := w.view(time.Time{})
	defer v.Close()
	if s := v.Scores()[0].Staged; s.NextOrdinal != 2*batch.ChunkAlign+10 || s.CIDs != 2*batch.ChunkAlign+10 {
		t.Errorf("staged %+v", s)
	}
}

// TestUnknownScoreIsAnError asks for scores that are not published in every way there is.
func TestUnknownScoreIsAnError(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	w.mustWrite(events("open", "cid ", 3))
	w.view(time.Time{}).Close()
	w.publishAll("churn", 1, 3, 40_000)
	ctx := context.Background()
	position, err := w.app.StageScores(ctx, chunkOf("soon", 1, 0, 3, 5))
	if err != nil {
		t.Fatal(err)
	}
	w.position = position
	v := w.view(time.Time{})
	defer v.Close()
	for text, says := range map[string]string{
		`score("chrun") > 0.5`: `did you mean "churn"?`, `not top(1, score("x"), everyone)`: `known are "churn"`, `top(1, score("churn"), score("y") exists)`: `no score "y"`,
		`score("soon") > 0.5`: "being made",
	} {
		n := parsed(t, text)
		for what, ask := range map[string]func() error{
			"Check":      func() error { return v.Check(n) },
			"Count":      func() error { _, err := v.Count(ctx, n); return err },
			"Select":     func() error { _, err := v.Select(ctx, n, 0); return err },
			"Contains":   func() error { _, err := v.Contains(ctx, n, []string{"cid 1"}); return err },
			"Explain":    func() error { _, err := v.Explain(ctx, n); return err },
			"ExplainCID": func() error { _, err := v.ExplainCID(ctx, n, "nobody"); return err },
		} {
			var told *segments.Error
			if err := ask(); !errors.As(err, &told) || told.Reason != segments.ScoreUnknown || told.Field != "expression" || !strings.Contains(told.Message, says) {
				t.Errorf("%s of %s: %v, want %q", what, text, err, says)
			}
		}
	}
	if err := v.Check(parsed(t, `top(3, score("churn"), score("churn") > 0.5) and tag("never used")`)); err != nil {
		t.Error(err)
	}
}

// TestExplainScore says why a CID is in by its score.
func TestExplainScore(t *testing.T) {
	w := plainWorld(t, "Europe/London", "2024-07-05T10:00:00Z", segments.Options{})
	w.mustWrite(events("open", "cid ", 3))
	w.view(time.Time{}).Close()
	ctx := context.Background()
	c := batch.ScoreChunk{Name: "pay", Generation: 1, Ordinals: 3, Present: []uint64{3}, Codes: []uint16{32_768, 40_000}}
	if _, err := w.app.StageScores(ctx, c); err != nil {
		t.Fatal(err)
	}
	position, err := w.app.PublishScores(ctx, batch.ScorePublish{Name: "pay", Generation: 1, Version: "2024-07-04 a", AsOfMillis: w.clock.now().UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	w.position = position
	v := w.view(time.Time{})
	defer v.Close()
	x, err := v.ExplainCID(ctx, parsed(t, `top(2, score("pay"), score("pay") <= 0.5)`), "cid 0")
	if err != nil {
		t.Fatal(err)
	}
	for _, clause := range []*segments.Clause{x.Root, x.Root.Clauses[0]} {
		const want = `is 0.5, by version "2024-07-04 a" as of 2024-07-05 11:00:00 BST`
		if e := clause.Evidence; !clause.Holds || e.Summary != want || e.Score.Probability != 0.5 || e.Score.Version != "2024-07-04 a" || !e.Score.AsOf.Equal(w.clock.now()) {
			t.Errorf("%s: %+v", clause.Expression, e)
		}
	}
	if x, err = v.ExplainCID(ctx, parsed(t, `score("pay") > 0.5`), "cid 2"); err != nil || x.Contained || x.Root.Evidence.Summary != "has no such score" || x.Root.Evidence.Score != nil {
		t.Errorf("%+v: %v", x.Root.Evidence, err)
	}
	root, err := v.Explain(ctx, parsed(t, `top(1, score("pay"), score("pay") exists)`))
	if err != nil || root.Count != 1 || len(root.Clauses) != 1 || root.Clauses[0].Count != 2 {
		t.Errorf("%+v: %v", root, err)
	}
}

func TestScoreCodes(t *testing.T) {
	code, ok := segments.ScoreCode(0)
	if at, found := segments.ScoreAtLeast(0.5); !ok || !found || code != at || segments.ScoreProbability(code) != 0.5 {
		t.Errorf("even odds are code %d, from 0.5 on it is %d", code, at)
	}
	if _, found := segments.ScoreAtLeast(1); found {
		t.Error("a code stands for certainty")
	}
}
