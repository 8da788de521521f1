package serve

import (
	"context"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// refreshSendTime computes everybody's best hours if that is due: by the active version, or without one by the untrained model if somebody wants to know.
func (s *scores) refreshSendTime(ctx context.Context, app *segments.App, dir registry.Registry, every time.Duration) error {
	m, err := activeRhythm(dir)
	if err != nil || m == nil && (every <= 0 || !s.wanted(app.Name())) {
		return err
	}
	base, view, err := asKnown(ctx, app, nil)
	if err != nil {
		return err
	}
	defer base.Close()
	p := publishedHours(view)
	made := p != nil && m != nil && p.Definition == m.identity
	if p != nil && m == nil && p.Version == untrainedVersion {
		_, err := madeWith(dir, p) // a rule that is gone is made anew
		made = err == nil
	}
	source := untrainedSource(view, dir, nil)
	if made && !s.aged(p, view, every) || m == nil && !source.Tells(view) {
		return nil
	}
	if err := s.computing.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.computing.Release(1)
	begun := s.clock()
	if m == nil {
		if m, err = untrainedRhythm(ctx, view, app, source); err != nil {
			return err
		}
	}
	done, err := s.refreshHours(ctx, app, m, restAsLong(time.Now), func(_, _, _ uint64) error { return nil })
	if err == nil {
		s.logger.Info("best hours computed", "app", app.Name(), "version", versionName(m.artifact.Version), "cids", done.scored, "position", done.position, "took", s.clock().Sub(begun).Round(time.Millisecond))
	}
	return err
}

// refreshHours computes everybody's best hours as of the end of the last whole day, stages them and switches to them in one step. rest may be nil.
func (s *scores) refreshHours(ctx context.Context, app *segments.App, m *rhythmModel, rest func(context.Context) error, told func(done, all, cids uint64) error) (done published, err error) {
	base, view, err := asKnown(ctx, app, nil)
	if err != nil {
		return done, err
	}
	defer base.Close()
	generation, from := hoursGeneration(view, m.identity)
	if err := m.misfit(view); err != nil {
		return done, err
	}
	m = m.in(view)
	version, all := m.artifact.Version, view.CIDs()
	for first := int(from); first == 0 || first < all; first += scoring.ShardCIDs {
		shard, err := m.shard(ctx, view, app.Zone(), uint32(first), min(scoring.ShardCIDs, all-first), rest)
		if err != nil {
			return done, err
		}
		for c := range shard.chunk { // the last column last, by which a later run goes on
			chunk := shard.chunk[c]
			chunk.Name, chunk.Generation = hoursColumn(c), generation
			if _, err := app.StageScores(ctx, chunk); err != nil {
				return done, err
			}
		}
		done.scored += uint64(len(shard.chunk[0].Codes))
		if err := told(uint64(min(first+scoring.ShardCIDs, all)), uint64(all), done.scored); err != nil {
			return done, err
		}
	}
	var publishes []batch.ScorePublish
	for c := range hours.Columns {
		publishes = append(publishes, batch.ScorePublish{Name: hoursColumn(c), Generation: generation, Version: version, AsOfMillis: view.AsOf().UnixMilli(), Definition: m.identity})
	}
	s.activating.Lock()
	defer s.activating.Unlock()
	if err := stillWanted(modelDir(app), version); err != nil {
		return done, err
	}
	if done.position, err = app.PublishScores(ctx, publishes...); err == nil {
		err = awaitVisible(ctx, app, done.position)
	}
	if err == nil {
		err = modelDir(app).DropRules(m.identity)
	}
	return done, err
}

func (s sendTimeService) Refresh(ctx context.Context, r *connect.Request[whowhenv1.RefreshRequest], stream *connect.ServerStream[whowhenv1.RefreshResponse]) error {
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return err
	}
	m, err := activeRhythm(modelDir(app))
	if err != nil {
		return err
	}
	if err := checkEvents(r.Msg.GetEvents(), m); err != nil {
		return err
	}
	if err := s.server.scores.computing.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.server.scores.computing.Release(1)
	last := &whowhenv1.RefreshResponse{}
	if m != nil {
		last.Version = m.artifact.Version
	} else if m, err = untrainedNow(ctx, app, r.Msg.GetEvents()); err != nil {
		return err
	}
	done, err := s.server.scores.refreshHours(ctx, app, m, nil, func(done, all, cids uint64) error {
		last.Done, last.All, last.Cids = done, all, cids
		return stream.Send(last)
	})
	if err != nil {
		return err
	}
	last.PublishedPosition = done.position
	return stream.Send(last)
}
