package segments_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
)

// TestScoresAreNotMixed publishes one generation after the other in which everybody is likely, or nobody is, while others ask: every
// answer is of one generation, and of the same for as long as the view is.
func TestScoresAreNotMixed(t *testing.T) {
	const cids = 2*batch.ChunkAlign + 300
	generations := uint64(12)
	if testing.Short() {
		generations = 4
	}
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{CheckpointBytes: 1, CacheBytes: 1})
	w.fill(cids)
	w.view(time.Time{}).Close()
	codes := []uint16{20_000, 50_000}
	w.publishAll("pay", 1, cids, codes[1])
	w.view(time.Time{}).Close()
	ctx := context.Background()
	likely, top := parsed(t, `score("pay") >= 0.5`), parsed(t, `top(70000, score("pay"), score("pay") < 0.5 or nobody)`)
	var done atomic.Bool
	var reading sync.WaitGroup
	defer reading.Wait()
	defer done.Store(true)
	var seen atomic.Uint64 // generation
	for range 2 {
		reading.Go(func() {
			for last := uint64(0); !done.Load(); {
				v, err := w.app.View(ctx, segments.ReadOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				generation := v.Scores()[0].Published.Generation
				if generation < last {
					t.Errorf("generation %d after %d", generation, last)
				}
				last = generation
				seen.Store(generation)
				want, wantTop := uint64(0), uint64(70_000)
				if generation%2 == 1 {
					want, wantTop = cids, 0
				}
				for range 2 {
					if n, err := v.Count(ctx, likely); err != nil || n != want {
						t.Errorf("generation %d: %d are likely, want %d: %v", generation, n, want, err)
					}
					if n, err := v.Count(ctx, top); err != nil || n != wantTop {
						t.Errorf("generation %d: the best are %d, want %d: %v", generation, n, wantTop, err)
					}
				}
				v.Close()
			}
		})
	}
	for generation := uint64(2); generation <= generations; generation++ {
		w.publishAll("pay", generation, cids, codes[generation%2])
		for deadline := time.Now().Add(20 * time.Second); seen.Load() < generation; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) || t.Failed() {
				t.Fatalf("nobody sees generation %d", generation)
			}
		}
	}
}

// TestChunkIsCopied uses the memory of a chunk again as soon as it is on disk.
func TestChunkIsCopied(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	w.fill(4 * batch.ChunkAlign)
	w.view(time.Time{}).Close()
	ctx := context.Background()
	c := chunkOf("pay", 1, 0, batch.ChunkAlign, 0)
	for block := range 4 {
		c.First = uint32(block) * batch.ChunkAlign
		for i := range c.Codes {
			c.Codes[i] = uint16(40_000 + block)
		}
		if _, err := w.app.StageScores(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	clear(c.Present)
	clear(c.Codes)
	position, err := w.app.PublishScores(ctx, batch.ScorePublish{Name: "pay", Generation: 1, Version: "v"})
	if err != nil {
		t.Fatal(err)
	}
	w.position = position
	if n := w.count(`score("pay") > 0.9`, time.Time{}); n != 4*batch.ChunkAlign {
		t.Errorf("%d of %d have their score", n, 4*batch.ChunkAlign)
	}
	v := w.view(time.Time{})
	defer v.Close()
	all := ordinals(v)
	for block := range 4 {
		want := expr.Top{N: uint64(block+1) * batch.ChunkAlign, Score: "pay", Of: expr.Everyone{}} // the last block is the best
		selection, err := v.Select(ctx, want, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := firstOf(t, selection); len(got) != 1 || got[0] != all[(3-block)*batch.ChunkAlign] {
			t.Errorf("the best %d begin with %q", want.N, got)
		}
	}
}

func firstOf(t *testing.T, s *segments.Selection) (cids []string) {
	t.Helper()
	if err := s.Each(func(some *batch.CIDs) error { cids = append(cids, some.At(0)); return nil }); err != nil {
		t.Fatal(err)
	}
	return cids
}

// TestAbandonedScoreChange has a writer of scores go before its chunk is on disk: the next one waits for that, and goes on behind it.
func TestAbandonedScoreChange(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	w.fill(batch.ChunkAlign + 100)
	w.view(time.Time{}).Close()
	for range 20 {
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			if _, err := w.app.StageScores(ctx, chunkOf("pay", 1, 0, batch.ChunkAlign, 5)); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}()
		if w.rng.IntN(2) == 0 {
			time.Sleep(time.Duration(w.rng.IntN(300)) * time.Microsecond)
		}
		cancel()
		<-gone
	}
	if _, err := w.app.StageScores(context.Background(), chunkOf("pay", 1, 0, batch.ChunkAlign, 6)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.StageScores(context.Background(), chunkOf("pay", 1, batch.ChunkAlign, 100, 6)); err != nil {
		t.Fatal(err)
	}
	position, err := w.app.PublishScores(context.Background(), batch.ScorePublish{Name: "pay", Generation: 1, Version: "v"})
	if err != nil {
		t.Fatal(err)
	}
	w.position = position
	w.restart(false)
	v := w.view(time.Time{})
	defer v.Close()
	n := expr.Score{Comparison: expr.Comparison{Name: "pay", Op: expr.Exists}}
	if count, err := v.Count(context.Background(), n); err != nil || count != batch.ChunkAlign+100 {
		t.Errorf("%d have a score: %v", count, err)
	}
}
