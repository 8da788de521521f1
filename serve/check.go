package serve

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/features/propensity"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

func (s modelService) Check(ctx context.Context, r *connect.Request[whowhenv1.CheckModelRequest]) (*connect.Response[whowhenv1.CheckModelResponse], error) {
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	dir, name, version := modelDir(app), r.Msg.GetName(), r.Msg.GetVersion()
	if version == "" {
		changes, err := dir.Changes(name)
		if err != nil {
			return nil, err
		}
		version, _ = registry.Active(changes)
	}
	m, question, err := loadModel(dir, name, version)
	if err != nil {
		return nil, err
	}
	base, view, err := asKnown(ctx, app, r.Msg.GetRead())
	if err != nil {
		return nil, err
	}
	defer base.Close()
	if err := s.server.scores.computing.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.server.scores.computing.Release(1)
	found, err := check(ctx, view, dir, m, question, mostForetold, scoring.Walk{Workers: 2})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(found), nil
}

// check compares what a model sees now with what it was trained on, and with what came both what it would have foretold a horizon ago and
// what was foretold by the versions that were active, in at most so many scorings. w says with how many goroutines, and how gently.
func check(ctx context.Context, view *segments.View, dir registry.Registry, m *scoring.Model, q *propensity.Question, scorings int, w scoring.Walk) (*whowhenv1.CheckModelResponse, error) {
	if err := m.Fits(view); err != nil {
		return nil, err
	}
	a := m.Artifact()
	found := &whowhenv1.CheckModelResponse{Version: a.Version, AsOf: timestamppb.New(view.AsOf()), Position: view.Position()}
	w.View = view
	if err := stability(ctx, m, w, found); err != nil {
		return nil, err
	}
	known, silent := knownBefore(view)
	h := &hindsight{dir: dir, walk: w, most: scorings, view: view, before: known, model: m, question: q, said: map[propensity.Day][]*whowhenv1.Outcome{}}
	cutoff := known - propensity.Day(q.Definition.HorizonDays)
	lost := forgotten(view, q, cutoff)
	if lost == "" {
		outcomes, err := h.outcomes(ctx, m, q, cutoff)
		if err != nil {
			return nil, err
		}
		if len(outcomes) > 0 {
			found.OutcomesCutoff, found.Outcomes = cutoff.String(), outcomes
		}
	}
	var err error
	if found.Foretold, found.ForetoldProblem, err = h.foretold(ctx); err != nil {
		return nil, err
	}
	found.Findings = findingsOf(a, found, silent, lost)
	if found.ForetoldProblem != "" {
		found.Findings = append(found.Findings, found.ForetoldProblem)
	}
	return found, nil
}

// knownBefore returns the day before which outcomes are known, and what is to be said when that is long ago. Where data end before the view's
// day, whoever has done nothing since may have; and the last day of data may be half a day.
func knownBefore(view *segments.View) (day propensity.Day, silent string) {
	const usual = 2 // days without anything that happen in small apps
	last, ok := view.LastEventDay()
	switch today := view.Day(); {
	case !ok:
		return 0, "the app has no events"
	case last >= today:
		return propensity.Day(today + 1), ""
	case last >= today-usual:
		return propensity.Day(last), ""
	default:
		return propensity.Day(last), fmt.Sprintf("nothing is known after %s, %d days before the day that scores speak of: to the model everybody has fallen silent since; load what is missing, or score as of that day", propensity.Day(last), today-last)
	}
}

// stability compares the columns and scores of everybody eligible with those of the training rows.
func stability(ctx context.Context, m *scoring.Model, w scoring.Walk, found *whowhenv1.CheckModelResponse) error {
	a := m.Artifact()
	var mu sync.Mutex
	counts := make([][]int64, len(a.ColumnBins))
	for i, bins := range a.ColumnBins {
		counts[i] = make([]int64, len(bins.Shares))
	}
	scoreCounts := make([]int64, len(a.ScoreBins.Shares))
	w.Seen = func(b features.Block, logOdds []float32) error {
		mu.Lock()
		defer mu.Unlock()
		for i, bins := range a.ColumnBins {
			if err := bins.Count(b.Columns[i], counts[i]); err != nil {
				return err
			}
		}
		found.Eligible += uint64(len(logOdds))
		return a.ScoreBins.Count(logOdds, scoreCounts)
	}
	if err := m.Each(ctx, w, func(*scoring.Shard) error { return nil }); err != nil {
		return err
	}
	if found.Eligible == 0 {
		return nil
	}
	covered := coveredDays(a)
	var err error
	if found.ScoreStability, err = a.ScoreBins.PSI(scoreCounts); err != nil {
		return err
	}
	for i, bins := range a.ColumnBins {
		psi, err := bins.PSI(counts[i])
		if err != nil {
			return err
		}
		name := a.Model.Columns()[i].Name
		parsed, err := features.Parse(name)
		found.Columns = append(found.Columns, &whowhenv1.ColumnStability{Column: name, Stability: psi, Grows: err == nil && parsed.Grows(covered)})
	}
	slices.SortStableFunc(found.Columns, func(a, b *whowhenv1.ColumnStability) int {
		switch {
		case a.Stability > b.Stability:
			return -1
		case a.Stability < b.Stability:
			return 1
		}
		return 0
	})
	return nil
}
