package serve

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// scores puts the scores of active models into the stores of their apps.
type scores struct {
	home   *segments.Home
	clock  func() time.Time
	logger *slog.Logger
	// computing is held by who scores everybody, which takes cores, and answering by who has everybody's scores in memory for a caller: two
	// bytes and a bit for each CID.
	computing, answering *semaphore.Weighted
	// some is held by who scores some CIDs, as each takes megabytes while it does, and is done the sooner the fewer there are at a time.
	some *semaphore.Weighted
	// activating is held while a version is made active, and while scores are published after a look at which one that is.
	activating sync.Mutex

	woken  chan struct{} // has a place for one
	failed map[string]time.Time
	wants  sync.Map // apps without a trained model whose send times somebody asked for
}

func newScores(h *segments.Home, clock func() time.Time, l *slog.Logger) *scores {
	return &scores{home: h, clock: clock, logger: l, computing: semaphore.NewWeighted(1), answering: semaphore.NewWeighted(1),
		some: semaphore.NewWeighted(int64(2 * runtime.GOMAXPROCS(0))), woken: make(chan struct{}, 1), failed: map[string]time.Time{}}
}

// publishing says how everybody is scored and put into the store.
type publishing struct {
	workers int
	rest    func(ctx context.Context) error
	// each, when not nil, is called with every shard, also with those that an interrupted run had staged.
	each func(shard *scoring.Shard) error
}

// published says what came of it.
type published struct {
	position uint64
	scored   uint64 // in this run
}

// publish scores everybody as of the end of the app's day before, stages that shard by shard, and switches expressions over to it. What was
// staged before an interruption is not computed again, unless each wants to see it.
func (s *scores) publish(ctx context.Context, app *segments.App, m *scoring.Model, p publishing) (published, error) {
	base, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return published{}, err
	}
	defer base.Close()
	view, err := base.Before(base.Day())
	if err != nil {
		return published{}, err
	}
	if err := m.Fits(view); err != nil {
		return published{}, err
	}
	a := m.Artifact()
	generation, from := generationOf(view, a.Name, m.Identity())
	if p.each != nil {
		from = 0
	}
	stage := func(c batch.ScoreChunk) error {
		c.Name, c.Generation = a.Name, generation
		_, err := app.StageScores(ctx, c)
		return err
	}
	if from == 0 { // so that something is staged where there is nobody yet
		if err := stage(batch.ScoreChunk{}); err != nil {
			return published{}, err
		}
	}
	var done published
	err = m.Each(ctx, scoring.Walk{View: view, From: from, Workers: p.workers, Rest: p.rest}, func(shard *scoring.Shard) error {
		done.scored += uint64(len(shard.Codes))
		if err := stage(batch.ScoreChunk{First: shard.First, Ordinals: shard.Ordinals, Present: shard.Present, Codes: shard.Codes}); err != nil {
			return err
		}
		if p.each != nil {
			return p.each(shard)
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	s.activating.Lock()
	defer s.activating.Unlock()
	if err := stillActive(modelDir(app), a.Name, a.Version); err != nil {
		return done, err
	}
	done.position, err = app.PublishScores(ctx, batch.ScorePublish{
		Name: a.Name, Generation: generation, Version: a.Version, AsOfMillis: view.AsOf().UnixMilli(), Definition: m.Identity(),
	})
	if err == nil {
		err = awaitVisible(ctx, app, done.position)
	}
	if err == nil {
		s.note(ctx, app, m)
	}
	return done, err
}

// awaitVisible waits until everybody sees what is at a position, so that who is told that it is done finds it done.
func awaitVisible(ctx context.Context, app *segments.App, position uint64) error {
	view, err := app.View(ctx, segments.ReadOptions{AtLeastPosition: position})
	if err == nil {
		view.Close()
	}
	return err
}

// stillActive says that another version has become active meanwhile, if so.
func stillActive(dir registry.Registry, name, version string) error {
	changes, err := dir.Changes(name)
	if err != nil {
		return err
	}
	if active, _ := registry.Active(changes); active != version {
		return &segments.Error{Reason: reasonModelNotActive, Field: "version", Retryable: true,
			Message: fmt.Sprintf("version %s of model %s is not active any more, so its scores do not go into the store", version, name)}
	}
	return nil
}

// generationOf returns the generation that scores of an artifact as of the view are staged under, and from which ordinal on they are not
// staged yet. The upper half of a generation counts up; the lower half tells what is in it, so that an interrupted
// run finds what is its own.
func generationOf(v *segments.View, name, identity string) (generation uint64, from uint32) {
	mark := uint64(crc32.ChecksumIEEE(fmt.Appendf(nil, "%s %d", identity, v.Day())))
	count := uint64(0)
	for _, status := range v.Scores() {
		if status.Name != name {
			continue
		}
		if p := status.Published; p != nil {
			count = p.Generation >> 32
		}
		if st := status.Staged; st != nil {
			if uint64(uint32(st.Generation)) == mark {
				return st.Generation, uint32(st.NextOrdinal / scoring.ShardCIDs * scoring.ShardCIDs)
			}
			count = max(count, st.Generation>>32)
		}
	}
	return (count+1)<<32 | mark, 0
}
