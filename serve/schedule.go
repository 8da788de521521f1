package serve

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"whowhen.dev/whowhen/features/propensity"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// wake has keep look at once.
func (s *scores) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// KeepScoring scores everybody whom an active model speaks of, and puts the scores into the store: at once when another version has become
// active, and as soon as a whole day more is known and those in the store are as old as every, if that is above 0. It works gently, beside
// queries, and goes on where it was when it had been interrupted. It returns when ctx is done.
func (s *Server) KeepScoring(ctx context.Context, every time.Duration) {
	const look, again = time.Minute, 10 * time.Minute
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		s.scores.round(ctx, every, again)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.scores.woken:
		}
	}
}

// round scores what is due. What fails is tried again after a while.
func (s *scores) round(ctx context.Context, every, again time.Duration) {
	names, err := s.home.Apps()
	if err != nil {
		s.logger.Error("the apps cannot be listed, so that none is scored", "error", err.Error())
		return
	}
	for _, appName := range names {
		app, err := s.home.ReadyApp(ctx, appName)
		if err != nil {
			continue // it is being opened, and looked at again soon
		}
		dir := modelDir(app)
		modelNames, err := dir.Names()
		if err != nil {
			s.logger.Error("models cannot be listed, so that nobody is scored", "app", appName, "error", err.Error())
			continue
		}
		if !slices.Contains(modelNames, SendTimeModel) {
			modelNames = append(modelNames, SendTimeModel)
		}
		for _, name := range modelNames {
			key := appName + "/" + name
			if ctx.Err() != nil || s.clock().Sub(s.failed[key]) < again {
				continue
			}
			delete(s.failed, key)
			err := s.refresh(ctx, app, dir, name, every)
			if known := new(segments.Error); errors.As(err, &known) && known.Reason == reasonModelNotActive {
				s.wake() // another version became active meanwhile, and is looked at now
				continue
			}
			if err != nil && ctx.Err() == nil {
				s.failed[key] = s.clock()
				s.logger.Error("a model could not be scored; it is tried again later", "app", appName, "model", name, "error", err.Error())
			}
		}
	}
}

// refresh scores a model if that is due.
func (s *scores) refresh(ctx context.Context, app *segments.App, dir registry.Registry, name string, every time.Duration) error {
	if name == SendTimeModel {
		return s.refreshSendTime(ctx, app, dir, every)
	}
	changes, err := dir.Changes(name)
	if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelUnknown {
		return nil
	}
	if err != nil {
		return err
	}
	active, _ := registry.Active(changes)
	if active == "" {
		return nil
	}
	m, question, err := loadModel(dir, name, active)
	if err != nil {
		return err
	}
	due, checked, err := s.due(ctx, app, m, every)
	if err != nil || !due && checked {
		return err
	}
	if err := s.computing.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.computing.Release(1)
	if due {
		begun := s.clock()
		p, err := s.publish(ctx, app, m, publishing{workers: 1, rest: restAsLong(time.Now)})
		if err != nil {
			return err
		}
		s.logger.Info("scored", "app", app.Name(), "model", name, "version", active, "cids", p.scored, "position", p.position, "took", s.clock().Sub(begun).Round(time.Millisecond))
	}
	s.note(ctx, app, m) // for one who was killed between publishing and this
	return s.watch(ctx, app, m, question)
}

// watch compares an active model with what it sees now, and keeps what it found.
func (s *scores) watch(ctx context.Context, app *segments.App, m *scoring.Model, question *propensity.Question) error {
	name, version := m.Artifact().Name, m.Artifact().Version
	base, view, err := asKnown(ctx, app, nil)
	if err != nil {
		return err
	}
	defer base.Close()
	found, err := check(ctx, view, modelDir(app), m, question, mostWatched, scoring.Walk{Workers: 1, Rest: restAsLong(time.Now)}, nil)
	if err != nil {
		return err
	}
	for _, finding := range found.Findings {
		s.logger.Warn("watching a model", "app", app.Name(), "model", name, "version", version, "finding", finding)
	}
	text, err := protojson.Marshal(found)
	if err != nil {
		return err
	}
	return modelDir(app).SaveCheck(name, text)
}

// due says whether the store has not the scores that it should have, and whether the model has been watched since those it has were made.
func (s *scores) due(ctx context.Context, app *segments.App, m *scoring.Model, every time.Duration) (due, watched bool, err error) {
	base, view, err := asKnown(ctx, app, nil)
	if err != nil {
		return false, false, err
	}
	defer base.Close()
	for _, status := range view.Scores() {
		if p := status.Published; status.Name == m.Artifact().Name && p != nil && p.Definition == m.Identity() {
			due := s.aged(p, view, every)
			text, err := modelDir(app).Check(m.Artifact().Name)
			found := &whowhenv1.ModelCheck{}
			watched := err == nil && text != nil && protojson.Unmarshal(text, found) == nil && found.Version == p.Version && !found.AsOf.AsTime().Before(p.AsOf)
			return due, watched, err
		}
	}
	return true, false, nil
}

// aged says whether scores are so old that they should be made again, and can be by a day more.
func (s *scores) aged(p *segments.PublishedScores, view *segments.View, every time.Duration) bool {
	return every > 0 && p.AsOf.Before(view.AsOf()) && s.clock().Sub(p.AsOf) >= every
}

// restAsLong returns a function that sleeps as long as it was since it last returned, so that half of a core is left to others.
func restAsLong(now func() time.Time) func(ctx context.Context) error {
	since := now()
	return func(ctx context.Context) error {
		timer := time.NewTimer(now().Sub(since))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		since = now()
		return nil
	}
}
