package serve

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
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
	found, err := check(ctx, view, m, question, scoring.Walk{Workers: 2})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(found), nil
}

// check compares what a model sees now with what it was trained on, and what it would have foretold a horizon ago with what came. w says
// with how many goroutines, and how gently.
func check(ctx context.Context, view *segments.View, m *scoring.Model, q *propensity.Question, w scoring.Walk) (*whowhenv1.CheckModelResponse, error) {
	if err := m.Fits(view); err != nil {
		return nil, err
	}
	a := m.Artifact()
	found := &whowhenv1.CheckModelResponse{Version: a.Version, AsOf: timestamppb.New(view.AsOf()), Position: view.Position()}
	w.View = view
	if err := stability(ctx, m, w, found); err != nil {
		return nil, err
	}
	cutoff := propensity.Day(view.Day() + 1 - int32(q.Definition.HorizonDays))
	o, err := outcomesOf(ctx, view, m, q, cutoff, w)
	if err != nil {
		return nil, err
	}
	if o.all() > 0 {
		found.OutcomesCutoff, found.Outcomes = cutoff.String(), o.tenths()
	}
	found.Findings = findingsOf(a, found)
	return found, nil
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
	var err error
	if found.ScoreStability, err = a.ScoreBins.PSI(scoreCounts); err != nil {
		return err
	}
	for i, bins := range a.ColumnBins {
		psi, err := bins.PSI(counts[i])
		if err != nil {
			return err
		}
		found.Columns = append(found.Columns, &whowhenv1.ColumnStability{Column: a.Model.Columns()[i].Name, Stability: psi})
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

// outcomes counts who had which score, and for how many of them the target then held.
type outcomes struct{ cids, positives [1 << 16]uint32 }

// outcomesOf has the model speak as of a cut-off whose horizon has ended by the view's moment.
func outcomesOf(ctx context.Context, view *segments.View, m *scoring.Model, q *propensity.Question, cutoff propensity.Day, w scoring.Walk) (*outcomes, error) {
	o := &outcomes{}
	past, err := view.Before(int32(cutoff))
	if err != nil {
		return nil, err
	}
	target, err := view.Members(ctx, q.Over(cutoff))
	if err != nil {
		return nil, err
	}
	defer target.Close()
	var came segments.Words
	block := -1
	w.View, w.Seen = past, nil
	err = m.Each(ctx, w, func(shard *scoring.Shard) (err error) {
		shard.Each(func(ordinal uint32, code uint16) {
			if at := int(ordinal / segments.BlockCIDs); at != block && err == nil {
				block, err = at, target.At(at, &came)
			}
			o.cids[code]++
			if came.Has(uint16(ordinal % segments.BlockCIDs)) {
				o.positives[code]++
			}
		})
		return err
	})
	return o, err
}

func (o *outcomes) all() (n uint64) {
	for _, c := range o.cids {
		n += uint64(c)
	}
	return n
}

// tenths parts everybody into tenths by score, the highest first. Equal scores stay together, in the tenth that the middle one of
// them is in, so that there may be fewer.
func (o *outcomes) tenths() (list []*whowhenv1.Outcome) {
	all, above, last := float64(o.all()), 0.0, -1
	for code := len(o.cids) - 1; code >= 0; code-- {
		n := float64(o.cids[code])
		if n == 0 {
			continue
		}
		if tenth := int((above + n/2) / all * 10); tenth != last {
			list, last = append(list, &whowhenv1.Outcome{}), tenth
		}
		t := list[len(list)-1]
		t.Cids += uint64(o.cids[code])
		t.Positives += uint64(o.positives[code])
		t.Probability += n * segments.ScoreProbability(uint16(code))
		above += n
	}
	for _, t := range list {
		t.Probability /= float64(t.Cids)
	}
	return list
}

// findingsOf says in sentences what somebody should look at.
func findingsOf(a *models.Artifact, c *whowhenv1.CheckModelResponse) (findings []string) {
	const another = 0.25 // of the population stability index
	if c.Eligible == 0 {
		return []string{"nobody is eligible"}
	}
	if c.ScoreStability > another {
		findings = append(findings, fmt.Sprintf("the scores are not distributed as in training (stability %.2f, above %.2f): train again", c.ScoreStability, another))
	}
	const most = 5 // named
	named := 0
	for _, column := range c.Columns {
		if column.Stability <= another || named == most {
			break
		}
		if parsed, err := features.Parse(column.Column); err == nil && parsed.Grows(coveredDays(a)) {
			continue
		}
		named++
		findings = append(findings, fmt.Sprintf("%s is not distributed as in training (stability %.2f)", column.Column, column.Stability))
	}
	if len(c.Outcomes) == 0 {
		return append(findings, "the app has no past as long as the horizon, so there is nothing to compare with what came")
	}
	var cids, positives, foretold, variance float64
	for _, o := range c.Outcomes {
		n := float64(o.Cids)
		cids, positives, foretold = cids+n, positives+float64(o.Positives), foretold+n*o.Probability
		variance += n * o.Probability * (1 - o.Probability)
	}
	// Both surely and noticeably off.
	if off := math.Abs(positives - foretold); off > 3*math.Sqrt(variance) && off > 0.1*foretold {
		findings = append(findings, fmt.Sprintf("of those eligible on %s it held for %.1f %%, foretold were %.1f %%: train again", c.OutcomesCutoff, 100*positives/cids, 100*foretold/cids))
	}
	if trainedOn(a, c.OutcomesCutoff) {
		findings = append(findings, fmt.Sprintf("the model was trained on a part of what came after %s, so the outcomes flatter it", c.OutcomesCutoff))
	}
	return findings
}

// coveredDays is how many days of history the oldest cut-off trained on had.
func coveredDays(a *models.Artifact) int {
	first, err := propensity.ParseDay(a.Training.FirstDay)
	if err != nil || len(a.Training.Cutoffs) == 0 {
		return 0
	}
	oldest, err := propensity.ParseDay(slices.Min(a.Training.Cutoffs))
	if err != nil {
		return 0
	}
	return int(oldest - first)
}

// trainedOn says whether the horizon of a cut-off that a model was trained on reaches beyond a day.
func trainedOn(a *models.Artifact, day string) bool {
	at, err := propensity.ParseDay(day)
	return err == nil && slices.ContainsFunc(a.Training.Cutoffs, func(cutoff string) bool {
		trained, err := propensity.ParseDay(cutoff)
		return err == nil && int(trained)+a.Training.HorizonDays > int(at)
	})
}
