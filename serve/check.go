package serve

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/features/propensity"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

func (s modelService) Check(ctx context.Context, r *connect.Request[whowhenv1.CheckModelRequest], stream *connect.ServerStream[whowhenv1.CheckModelResponse]) error {
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return err
	}
	dir, name, version := modelDir(app), r.Msg.GetName(), r.Msg.GetVersion()
	if version == "" {
		changes, err := dir.Changes(name)
		if err != nil {
			return err
		}
		version, _ = registry.Active(changes)
	}
	m, question, err := s.server.ready.load(app, name, version)
	if err != nil {
		return err
	}
	base, view, err := asKnown(ctx, app, r.Msg.GetRead())
	if err != nil {
		return err
	}
	defer base.Close()
	// Before who scores everybody is waited for, since a stream that begins tells more than one which does not. A caller who expects one message alone is
	// told by it that there are several.
	if err := stream.Send(&whowhenv1.CheckModelResponse{All: uint64(view.CIDs())}); err != nil {
		return err
	}
	if err := s.server.scores.computing.Acquire(ctx, 1); err != nil {
		return err
	}
	last := &whowhenv1.CheckModelResponse{}
	told := time.Now()
	last.Found, err = check(ctx, view, dir, m, question, mostForetold, scoring.Walk{Workers: 2}, func(done, all uint64) error {
		if last.Done, last.All = done, all; time.Since(told) < tellEvery {
			return nil
		}
		told = time.Now()
		return stream.Send(&whowhenv1.CheckModelResponse{Done: done, All: all})
	})
	s.server.scores.computing.Release(1)
	if err != nil {
		return err
	}
	return stream.Send(last)
}

// check compares what a model sees now with what it was trained on, and with what came both what it would have foretold a horizon ago and
// what was foretold by the versions that were active, in at most so many scorings. w says with how many goroutines, and how gently. tell, when not nil, is
// called as CIDs are looked at; its error ends the check.
func check(ctx context.Context, view *segments.View, dir registry.Registry, m *scoring.Model, q *propensity.Question, scorings int, w scoring.Walk, tell func(done, all uint64) error) (*whowhenv1.ModelCheck, error) {
	if err := m.Fits(view); err != nil {
		return nil, err
	}
	a := m.Artifact()
	found := &whowhenv1.ModelCheck{Version: a.Version, AsOf: timestamppb.New(view.AsOf()), Position: view.Position()}
	known, silent := knownBefore(view)
	cutoff := known - propensity.Day(q.Definition.HorizonDays)
	lost := forgotten(view, q, cutoff)
	h := &hindsight{dir: dir, most: scorings, view: view, before: known, model: m, question: q, told: map[asked][]*whowhenv1.Outcome{}}
	judgements, damage, err := h.judgements()
	if err != nil {
		return nil, err
	}
	if tell != nil {
		done, all := uint64(0), uint64(1+h.walks(judgements, cutoff, lost == ""))*uint64(view.CIDs())
		w.Done = func(cids int) error {
			done += uint64(cids)
			return tell(done, all)
		}
	}
	h.walk = w
	w.View = view
	if err := stability(ctx, m, w, found); err != nil {
		return nil, err
	}
	if lost == "" {
		outcomes, err := h.outcomes(ctx, m, q, cutoff)
		if err != nil {
			return nil, err
		}
		if len(outcomes) > 0 {
			found.OutcomesCutoff, found.Outcomes = cutoff.String(), outcomes
		}
	}
	for _, j := range judgements {
		if err := h.judge(ctx, j); err != nil {
			return nil, err
		}
		found.Foretold = append(found.Foretold, j.foretold)
	}
	found.ForetoldProblem = damage
	found.Findings = findingsOf(a, found, silent, lost)
	if damage != "" {
		found.Findings = append(found.Findings, damage)
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
func stability(ctx context.Context, m *scoring.Model, w scoring.Walk, found *whowhenv1.ModelCheck) error {
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
