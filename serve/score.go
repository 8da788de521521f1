package serve

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/models"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// asKnown pins a version and returns the view that scores are of: as of the end of the day that is asked for, or of the last day that has
// ended. base must be closed.
func asKnown(ctx context.Context, app *segments.App, r *whowhenv1.Read) (base, view *segments.View, err error) {
	options, err := decodeRead(r)
	if err != nil {
		return nil, nil, err
	}
	today, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return nil, nil, err
	}
	defer today.Close()
	if base, err = app.View(ctx, options); err != nil {
		return nil, nil, err
	}
	if !options.AsOf.IsZero() && base.Day() == today.Day() {
		base.Close()
		return nil, nil, &segments.Error{Reason: segments.AsOfInFuture, Field: "read.as_of", Message: "a score is as of the end of a day, and today has not ended; leave as_of out for the end of yesterday"}
	}
	if base.Day() < today.Day() {
		return base, base, nil
	}
	if view, err = base.Before(base.Day()); err != nil {
		base.Close()
	}
	return base, view, err
}

func (s modelService) Score(ctx context.Context, r *connect.Request[whowhenv1.ScoreRequest]) (*connect.Response[whowhenv1.ScoreResponse], error) {
	if n := len(r.Msg.GetCids()); n > maxScored {
		return nil, &segments.Error{Reason: reasonTooManyCIDs, Field: "cids", Message: fmt.Sprintf(
			"%d CIDs in one request; at most %d are taken, ask for the others in another one", n, maxScored)}
	}
	if n := r.Msg.GetMoved(); n > maxMoved {
		return nil, invalid("moved", "%d columns for each CID; at most %d are named", n, maxMoved)
	}
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	m, _, err := s.server.ready.load(app, r.Msg.GetName(), r.Msg.GetVersion())
	if err != nil {
		return nil, err
	}
	base, view, err := asKnown(ctx, app, r.Msg.GetRead())
	if err != nil {
		return nil, err
	}
	defer base.Close()
	if err := m.Fits(view); err != nil {
		return nil, err
	}
	scored, err := s.server.scores.scoreSome(ctx, m, view, r.Msg.GetCids(), int(r.Msg.GetMoved()))
	if err != nil {
		return nil, err
	}
	response := &whowhenv1.ScoreResponse{Version: m.Artifact().Version, AsOf: timestamppb.New(view.AsOf()), Position: view.Position(),
		Average: models.Probability(m.Artifact().Model.Average()), Warnings: warningsOf(view)}
	for i, c := range scored {
		response.Scores = append(response.Scores, encodeScored(r.Msg.Cids[i], c))
	}
	return connect.NewResponse(response), nil
}

// scoreSome scores some CIDs when it is its turn.
func (s *scores) scoreSome(ctx context.Context, m *scoring.Model, view *segments.View, cids []string, moved int) ([]scoring.Scored, error) {
	if err := s.some.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.some.Release(1)
	return m.Some(ctx, view, cids, moved)
}

// warningsOf warns of scores that speak of a day when nothing is known any more.
func warningsOf(view *segments.View) []*whowhenv1.Warning {
	if _, silent := knownBefore(view); silent != "" {
		return []*whowhenv1.Warning{{Reason: warningDataEnded, Message: silent}}
	}
	return nil
}

func encodeScored(cid string, c scoring.Scored) *whowhenv1.ScoredCID {
	encoded := &whowhenv1.ScoredCID{Cid: cid, Known: c.Known, Eligible: c.Eligible, Probability: c.Probability}
	for _, m := range c.Moved {
		column := &whowhenv1.MovedColumn{Column: m.Column, LogOdds: m.LogOdds}
		switch {
		case m.Text != "":
			column.Value = &whowhenv1.Value{Kind: &whowhenv1.Value_String_{String_: m.Text}}
		case !math.IsNaN(float64(m.Number)):
			column.Value = &whowhenv1.Value{Kind: &whowhenv1.Value_Number{Number: float64(m.Number)}}
		}
		encoded.Moved = append(encoded.Moved, column)
	}
	return encoded
}

func (s modelService) ScoreAll(ctx context.Context, r *connect.Request[whowhenv1.ScoreAllRequest], stream *connect.ServerStream[whowhenv1.ScoreAllResponse]) error {
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return err
	}
	m, _, err := s.server.ready.load(app, r.Msg.GetName(), r.Msg.GetVersion())
	if err != nil {
		return err
	}
	if r.Msg.GetPublish() {
		if err := s.mayPublish(app, m, r.Msg.GetRead()); err != nil {
			return err
		}
	}
	// Computing comes first and sending then, so that a slow reader holds up nobody but the next who wants everybody's scores told.
	if !r.Msg.GetQuiet() {
		if err := s.server.scores.answering.Acquire(ctx, 1); err != nil {
			return err
		}
		defer s.server.scores.answering.Release(1)
	}
	if err := s.server.scores.computing.Acquire(ctx, 1); err != nil {
		return err
	}
	done, err := s.computeAll(ctx, app, m, r.Msg, stream)
	s.server.scores.computing.Release(1)
	if err != nil {
		return err
	}
	if err := done.send(app, stream); err != nil {
		return err
	}
	return stream.Send(done.tell())
}

// mayPublish says why the scores of a version as of a moment cannot be put into the store, or nil.
func (s modelService) mayPublish(app *segments.App, m *scoring.Model, read *whowhenv1.Read) error {
	a := m.Artifact()
	changes, err := modelDir(app).Changes(a.Name)
	if err != nil {
		return err
	}
	if active, _ := registry.Active(changes); active != a.Version {
		said := "no version is"
		if active != "" {
			said = "version " + active + " is"
		}
		return &segments.Error{Reason: reasonModelNotActive, Field: "publish",
			Message: fmt.Sprintf("version %s of model %s is not active (%s), so its scores do not go into the store; activate it, or score without publishing", a.Version, a.Name, said)}
	}
	if read.GetAsOf() != nil {
		return &segments.Error{Reason: reasonModelNotActive, Field: "read.as_of", Message: "scores of a chosen day do not go into the store; leave as_of out, or score without publishing"}
	}
	return nil
}

// allScores are the scores of everybody eligible, on their way to a caller.
type allScores struct {
	all       uint64
	scored    uint64
	published uint64 // position
	shards    []scoring.Shard
}

// tell says how it went.
func (s *allScores) tell() *whowhenv1.ScoreAllResponse {
	return &whowhenv1.ScoreAllResponse{Done: s.all, All: s.all, Scored: s.scored, PublishedPosition: s.published}
}

// tellEvery is how often a caller is told how far something is.
const tellEvery = 200 * time.Millisecond

// computeAll scores everybody, telling the caller how far it is.
func (s modelService) computeAll(ctx context.Context, app *segments.App, m *scoring.Model, request *whowhenv1.ScoreAllRequest, stream *connect.ServerStream[whowhenv1.ScoreAllResponse]) (*allScores, error) {
	base, view, err := asKnown(ctx, app, request.GetRead())
	if err != nil {
		return nil, err
	}
	defer base.Close()
	if err := m.Fits(view); err != nil {
		return nil, err
	}
	done := &allScores{all: uint64(view.CIDs())}
	head := &whowhenv1.ScoreAllResponse{Version: m.Artifact().Version, AsOf: timestamppb.New(view.AsOf()), Position: view.Position(), All: done.all, Warnings: warningsOf(view)}
	if err := stream.Send(head); err != nil {
		return nil, err
	}
	told := time.Now()
	take := func(shard *scoring.Shard) error {
		done.scored += uint64(len(shard.Codes))
		if !request.GetQuiet() {
			done.shards = append(done.shards, scoring.Shard{First: shard.First, Ordinals: shard.Ordinals,
				Present: append([]uint64(nil), shard.Present...), Codes: append([]uint16(nil), shard.Codes...)})
		}
		if time.Since(told) < tellEvery {
			return nil
		}
		told = time.Now()
		return stream.Send(&whowhenv1.ScoreAllResponse{Done: uint64(shard.First) + uint64(shard.Ordinals), All: done.all, Scored: done.scored})
	}
	const workers = 2
	if request.GetPublish() && request.GetQuiet() && request.GetIfDue() {
		for _, status := range view.Scores() {
			if p := status.Published; status.Name == request.GetName() && p != nil && p.Definition == m.Identity() && p.AsOf.Equal(view.AsOf()) {
				done.scored, done.published = p.CIDs, view.Position()
				return done, nil
			}
		}
	}
	if request.GetPublish() {
		result, err := s.server.scores.publish(ctx, app, m, publishing{workers: workers, each: take})
		done.published = result.position
		return done, err
	}
	return done, m.Each(ctx, scoring.Walk{View: view, Workers: workers}, take)
}

// send sends CIDs and probabilities, some thousands in a message.
func (s *allScores) send(app *segments.App, stream *connect.ServerStream[whowhenv1.ScoreAllResponse]) error {
	const most = 8192
	var cids batch.CIDs
	ordinals := make([]uint32, 0, most)
	message := &whowhenv1.ScoreAllResponse{All: s.all, Done: s.all, Scored: s.scored}
	flush := func() error {
		app.ReadCIDs(&cids, ordinals)
		message.Cids = appendTexts(message.Cids[:0], &cids)
		err := stream.Send(message)
		ordinals, message.Probabilities = ordinals[:0], message.Probabilities[:0]
		return err
	}
	var failed error
	for i := range s.shards {
		s.shards[i].Each(func(ordinal uint32, code uint16) {
			if failed != nil {
				return
			}
			ordinals = append(ordinals, ordinal)
			message.Probabilities = append(message.Probabilities, segments.ScoreProbability(code))
			if len(ordinals) == most {
				failed = flush()
			}
		})
		s.shards[i] = scoring.Shard{}
	}
	if failed == nil && len(ordinals) > 0 {
		failed = flush()
	}
	return failed
}

// appendTexts adds CIDs as text.
func appendTexts(to []string, cids *batch.CIDs) []string {
	if len(cids.Strings) > 0 {
		return append(to, cids.Strings...)
	}
	// One string for all, cut into pieces, is one allocation.
	for text := hex.EncodeToString(cids.Packed); text != ""; text = text[2*batch.PackedBytes:] {
		to = append(to, text[:2*batch.PackedBytes])
	}
	return to
}
