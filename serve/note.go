package serve

import (
	"context"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// note keeps on record which scores of a model expressions see, so that it can be judged later what they foretold. What is on record already is
// not kept again, so that whoever finds scores that were published by one who was then killed makes up for it. Scores are good
// without, so what fails is logged only: checks of the model tell of damage.
func (s *scores) note(ctx context.Context, app *segments.App, m *scoring.Model) {
	a := m.Artifact()
	if err := note(ctx, app, m, s.clock()); err != nil && ctx.Err() == nil {
		s.logger.Error("that a model was scored could not be kept on record", "app", app.Name(), "model", a.Name, "version", a.Version, "error", err.Error())
	}
}

func note(ctx context.Context, app *segments.App, m *scoring.Model, at time.Time) error {
	dir, name := modelDir(app), m.Artifact().Name
	scorings, err := dir.Scorings(name)
	if err != nil {
		return err
	}
	view, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return err
	}
	defer view.Close()
	for _, status := range view.Scores() {
		p := status.Published
		if status.Name != name || p == nil || p.Definition != m.Identity() {
			continue
		}
		if n := len(scorings); n > 0 && scorings[n-1].Generation == p.Generation && scorings[n-1].Identity == p.Definition {
			return nil
		}
		last, err := propensity.ParseDay(p.AsOf.In(app.Zone()).Format(time.DateOnly))
		if err != nil {
			return err
		}
		mean, err := meanScore(ctx, view, name)
		if err != nil {
			return err
		}
		return dir.AddScoring(name, registry.Scoring{Version: p.Version, Identity: p.Definition, Generation: p.Generation, Cutoff: (last + 1).String(),
			HorizonDays: m.Artifact().Training.HorizonDays, At: at, CIDs: p.CIDs, Probability: mean})
	}
	return nil // they were taken away meanwhile
}

// meanScore is the mean of the probabilities that expressions see, 0 where nobody has one.
func meanScore(ctx context.Context, view *segments.View, name string) (float64, error) {
	r := view.BlockReader(ctx)
	defer r.Close()
	var who, there segments.Words
	var codes [segments.BlockCIDs]uint16
	sum, n := 0.0, 0
	for block := range view.Blocks() {
		anybody, err := r.GoTo(block)
		if err != nil {
			return 0, err
		}
		if !anybody {
			continue
		}
		r.Everyone(&who)
		if err := segments.ReadScoreCodes(r, name, &who, &codes, &there); err != nil {
			return 0, err
		}
		there.Each(func(x uint16) bool {
			sum += segments.ScoreProbability(codes[x])
			n++
			return true
		})
	}
	return sum / float64(max(n, 1)), nil
}
