package serve

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/serve/registry"
)

// trained returns a model that goes by two columns about opens, or by others, fitted to a made-up table. gain is what it is said to be better
// by than its baseline.
func trained(t testing.TB, version string, gain float64, columns ...string) registry.Content {
	t.Helper()
	if len(columns) == 0 {
		columns = []string{`count("open", within 30d)`, `recency("open")`}
	}
	const rows = 4000
	table := models.Table{Label: make([]bool, rows)}
	for c, name := range columns {
		table.Columns, table.Values = append(table.Columns, models.Column{Name: name}), append(table.Values, make([]float32, rows))
		for i := range rows {
			table.Values[c][i] = float32(i * (7919 + c) % 31)
		}
	}
	for i := range rows {
		table.Label[i] = float32(i*104729%60) < table.Values[0][i]+10
	}
	r, err := models.Fit(t.Context(), table, models.Options{Seed: 1, Penalties: []float64{float64(len(version))}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	definition, err := propensity.Churn("open", 30).TOML()
	if err != nil {
		t.Fatal(err)
	}
	a := &models.Artifact{Name: "churn", Version: version, Created: testNow, Definition: string(definition), Model: r.Model, Effects: r.Effects,
		ColumnBins: r.ColumnBins, ScoreBins: r.ScoreBins,
		Training:  models.Training{FirstDay: "2026-01-01", LastDay: "2026-03-01", Cutoffs: []string{"2026-02-01"}, TestCutoffs: []string{"2026-02-12"}, HorizonDays: 30},
		Baselines: map[string]map[string]models.Figure{"base_rate": {gainFigure: {Value: gain, Low: gain - 0.01, High: gain + 0.01}}}}
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return registry.Content{Artifact: data}
}

// modelServer returns a server with 3,000 CIDs who opened on some of the last 60 days, and two versions of a model, the second of
// which is no better than its baseline.
func modelServer(t testing.TB) (*Server, *segments.App, whowhenv1connect.ModelServiceClient) {
	t.Helper()
	s := newServer(t, Options{})
	app, err := s.home.App("")
	if err != nil {
		t.Fatal(err)
	}
	for day := range 60 {
		_, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 3000 {
				if (i*31+day*17)%(3+i%40) == 0 {
					b.Event(i, batch.Event{CID: fmt.Sprintf("%032x", i), Name: "open", TimeMillis: testNow.AddDate(0, 0, -day).UnixMilli() - 3_600_000, OffsetMinutes: batch.NoOffset})
				}
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	view, err := app.View(t.Context(), segments.ReadOptions{AtLeastPosition: 60})
	if err != nil {
		t.Fatal(err)
	}
	view.Close()
	for _, gain := range []float64{0.05, 0.005, 0.08} {
		addVersion(t, app, func(v string) registry.Content { return trained(t, v, gain) })
	}
	return s, app, whowhenv1connect.NewModelServiceClient(InProcess(s.Handler()), "http://in-process")
}

func addVersion(t testing.TB, app *segments.App, content func(v string) registry.Content) {
	t.Helper()
	if _, err := modelDir(app).Add("churn", func(v string) (registry.Content, error) { return content(v), nil }); err != nil {
		t.Fatal(err)
	}
}

func reasonOf(t testing.TB, err error) string {
	t.Helper()
	told := new(connect.Error)
	if !errors.As(err, &told) {
		t.Fatalf("no connect error: %v", err)
	}
	for _, d := range told.Details() {
		if value, err := d.Value(); err == nil {
			if info, ok := value.(*whowhenv1.ErrorInfo); ok {
				return info.Reason
			}
		}
	}
	return ""
}

func countOf(t testing.TB, app *segments.App, expression string) (uint64, error) {
	t.Helper()
	n, err := expr.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	view, err := app.View(t.Context(), segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	return view.Count(t.Context(), n)
}

// scoreAll returns the answer as a whole.
func scoreAll(t testing.TB, c whowhenv1connect.ModelServiceClient, r *whowhenv1.ScoreAllRequest) (map[string]float64, *whowhenv1.ScoreAllResponse, error) {
	t.Helper()
	stream, err := c.ScoreAll(t.Context(), connect.NewRequest(r))
	if err != nil {
		return nil, nil, err
	}
	defer stream.Close()
	scores := map[string]float64{}
	var last *whowhenv1.ScoreAllResponse
	for stream.Receive() {
		last = stream.Msg()
		for i, cid := range last.Cids {
			scores[cid] = last.Probabilities[i]
		}
	}
	return scores, last, stream.Err()
}

func TestModelsAreMadeActive(t *testing.T) {
	_, app, c := modelServer(t)
	activate := func(r *whowhenv1.ActivateModelRequest) (*whowhenv1.ActivateModelResponse, error) {
		r.Name, r.By = "churn", "ann"
		answer, err := c.Activate(t.Context(), connect.NewRequest(r))
		if err != nil {
			return nil, err
		}
		return answer.Msg, nil
	}
	if _, err := activate(&whowhenv1.ActivateModelRequest{Version: "2"}); reasonOf(t, err) != "MODEL_GATE" || !strings.Contains(err.Error(), "not surely better than base rate") {
		t.Error(err)
	}
	if _, err := activate(&whowhenv1.ActivateModelRequest{Version: "9"}); reasonOf(t, err) != "MODEL_VERSION_UNKNOWN" {
		t.Error(err)
	}
	if r, err := activate(&whowhenv1.ActivateModelRequest{Version: "1", ValidateOnly: true}); err != nil || r.Previous != "" {
		t.Error(r, err)
	}
	if _, err := countOf(t, app, `score("churn") >= 0.5`); err == nil {
		t.Error("a model that is not active has scores")
	}
	for _, want := range []struct{ version, previous string }{{"1", ""}, {"2", "1"}, {"", "2"}} {
		r, err := activate(&whowhenv1.ActivateModelRequest{Version: want.version, Force: want.version == "2"})
		if err != nil || r.Previous != want.previous {
			t.Fatal(r, err)
		}
	}
	back, err := c.Rollback(t.Context(), connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: "churn", By: "bob"}))
	if err != nil || back.Msg.Version != "2" || back.Msg.Previous != "3" {
		t.Fatal(back, err)
	}
	list, err := c.List(t.Context(), connect.NewRequest(&whowhenv1.ListModelsRequest{}))
	if err != nil || len(list.Msg.Models) != 1 {
		t.Fatal(list, err)
	}
	m := list.Msg.Models[0]
	if m.Newest != "3" || m.Active != "2" || len(m.Versions) != 3 || len(m.Changes) != 4 || !m.Changes[1].Forced || m.Changes[3].Action != "ROLLED_BACK" || m.Changes[3].By != "bob" {
		t.Errorf("%v", m)
	}
	got, err := c.Get(t.Context(), connect.NewRequest(&whowhenv1.GetModelRequest{Name: "churn", Version: "1"}))
	if err != nil || len(got.Msg.Columns) != 2 || got.Msg.Version.Gate != "" || len(got.Msg.Artifact) == 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestModelMisfit holds that a model is refused whose columns are made of what the store does not have.
func TestModelMisfit(t *testing.T) {
	_, app, c := modelServer(t)
	addVersion(t, app, func(v string) registry.Content { return trained(t, v, 0.1, `count("purchase", within 7d)`) })
	_, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Force: true}))
	if reasonOf(t, err) != "MODEL_MISFIT" || !strings.Contains(err.Error(), "purchase") {
		t.Error(err)
	}
	addVersion(t, app, func(v string) registry.Content { return trained(t, v, 0.1, `zodiac("sign")`) })
	_, err = c.Score(t.Context(), connect.NewRequest(&whowhenv1.ScoreRequest{Name: "churn", Cids: []string{"x"}}))
	if reasonOf(t, err) != "MODEL_MISFIT" || !strings.Contains(err.Error(), "zodiac") {
		t.Error(err)
	}
}

// TestScoresAgree holds that the stream of everybody, the call for some, and what expressions compare are the same scores.
func TestScoresAgree(t *testing.T) {
	_, app, c := modelServer(t)
	if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: "1"})); err != nil {
		t.Fatal(err)
	}
	if _, _, err := scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Publish: true}); reasonOf(t, err) != "MODEL_NOT_ACTIVE" {
		t.Error(err) // the newest is not the active one
	}
	scores, last, err := scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1", Publish: true})
	if err != nil || last.PublishedPosition == 0 || last.Scored != uint64(len(scores)) || len(scores) == 0 {
		t.Fatalf("%d scores, %v: %v", len(scores), last, err)
	}
	view, err := app.View(t.Context(), segments.ReadOptions{AtLeastPosition: last.PublishedPosition})
	if err != nil {
		t.Fatal(err)
	}
	view.Close()
	eligible, err := countOf(t, app, `did("open", within 30d)`)
	if err != nil {
		t.Fatal(err)
	}
	if n := uint64(len(scores)); n > eligible || n < eligible/2 {
		t.Errorf("%d scored, %d eligible now", n, eligible)
	}
	cids := make([]string, 0, len(scores))
	for cid := range scores {
		cids = append(cids, cid)
	}
	some, err := c.Score(t.Context(), connect.NewRequest(&whowhenv1.ScoreRequest{Name: "churn", Version: "1", Cids: append(cids, "nobody"), Moved: 2}))
	if err != nil {
		t.Fatal(err)
	}
	for i, cid := range cids {
		s := some.Msg.Scores[i]
		if s.Cid != cid || !s.Known || !s.Eligible || s.Probability != scores[cid] {
			t.Fatalf("%s: %v, streamed %v", cid, s, scores[cid])
		}
		if len(s.Moved) == 0 || s.Moved[0].Column == "" {
			t.Fatalf("%s: nothing moved it", cid)
		}
	}
	if s := some.Msg.Scores[len(cids)]; s.Cid != "nobody" || s.Known || s.Eligible || s.Probability != 0 {
		t.Errorf("an unknown CID: %v", s)
	}
	for _, p := range []float64{0.1, 0.3, 0.5, 0.7} {
		want := uint64(0)
		for _, s := range scores {
			if s >= p {
				want++
			}
		}
		if n, err := countOf(t, app, fmt.Sprintf(`score("churn") >= %g`, p)); err != nil || n != want {
			t.Errorf("%d at %g or more, want %d: %v", n, p, want, err)
		}
	}
	// An earlier day has other scores, and they stay out of the store.
	past, _, err := scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1", Read: &whowhenv1.Read{AsOf: encodeTime(testNow.AddDate(0, 0, -20))}})
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for cid, p := range past {
		if q, both := scores[cid]; both && p == q {
			same++
		}
		if p <= 0 || p >= 1 || math.IsNaN(p) {
			t.Fatalf("%s: %v", cid, p)
		}
	}
	if len(past) == 0 || same == len(past) {
		t.Errorf("%d scores of an earlier day, %d of them as today", len(past), same)
	}
	_, _, err = scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1", Publish: true, Read: &whowhenv1.Read{AsOf: encodeTime(testNow.AddDate(0, 0, -20))}})
	if reasonOf(t, err) != "MODEL_NOT_ACTIVE" {
		t.Error(err)
	}
}

// TestKeepScoring holds that a server scores with what has become active, once, and again when a day has passed.
func TestKeepScoring(t *testing.T) {
	now := testNow
	s, app, c := modelServer(t)
	s.scores.clock = func() time.Time { return now }
	round := func() *segments.PublishedScores {
		t.Helper()
		s.scores.round(t.Context(), 24*time.Hour, time.Minute)
		if len(s.scores.failed) > 0 {
			t.Fatal("it failed")
		}
		published, err := publishedScores(t.Context(), app)
		if err != nil {
			t.Fatal(err)
		}
		return published["churn"]
	}
	if p := round(); p != nil {
		t.Fatalf("scored with no active version: %v", p)
	}
	if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: "1"})); err != nil {
		t.Fatal(err)
	}
	first := round()
	if first == nil || first.Version != "1" || first.CIDs == 0 {
		t.Fatalf("%v", first)
	}
	if again := round(); *again != *first {
		t.Errorf("scored again within the day: %v", again)
	}
	if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: "3"})); err != nil {
		t.Fatal(err)
	}
	if p := round(); p.Version != "3" || p.Generation <= first.Generation {
		t.Errorf("%v", p)
	}
	admin := whowhenv1connect.NewAdminServiceClient(InProcess(s.Handler()), "http://in-process")
	status, err := admin.Status(t.Context(), connect.NewRequest(&whowhenv1.StatusRequest{}))
	if err != nil || len(status.Msg.Models) != 1 {
		t.Fatal(status, err)
	}
	if m := status.Msg.Models[0]; m.Active != "3" || m.Published.GetVersion() != "3" || m.Check.GetVersion() != "3" || m.Check.Eligible == 0 || m.Problem != "" {
		t.Errorf("%v", m)
	}
	if err := os.WriteFile(filepath.Join(app.Dir(), "models", "churn", "3", registry.ArtifactFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := c.List(t.Context(), connect.NewRequest(&whowhenv1.ListModelsRequest{})); err != nil || got.Msg.Models[0].Versions[2].Problem == "" {
		t.Errorf("a damaged version: %v, %v", got, err)
	}
}

// TestScoringGoesOn holds that who was interrupted goes on with what is staged, and that readers see the old scores until the new ones
// are whole.
func TestScoringGoesOn(t *testing.T) {
	s, app, c := modelServer(t)
	if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: "1"})); err != nil {
		t.Fatal(err)
	}
	m, _, err := loadModel(modelDir(app), "churn", "1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	_, err = s.scores.publish(ctx, app, m, publishing{rest: func(ctx context.Context) error { stop(); return ctx.Err() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := countOf(t, app, `score("churn") >= 0.1`); err == nil {
		t.Error("half of the scores are seen")
	}
	p, err := s.scores.publish(t.Context(), app, m, publishing{})
	if err != nil || p.scored == 0 {
		t.Fatal(p, err)
	}
	view, err := app.View(t.Context(), segments.ReadOptions{AtLeastPosition: p.position})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	if n, err := countOf(t, app, `score("churn") exists`); err != nil || n != p.scored {
		t.Errorf("%d have a score, %d were scored: %v", n, p.scored, err)
	}
	generation, from := generationOf(view, "churn", "1")
	if from != 0 || generation>>32 != 2 {
		t.Errorf("the next generation is %x from %d", generation, from)
	}
}

// TestAnotherModelOfTheSameName holds that scores are told by the whole artifact: version 1 of a directory that was removed is another model.
func TestAnotherModelOfTheSameName(t *testing.T) {
	s, app, c := modelServer(t)
	activate := func() map[string]float64 {
		t.Helper()
		if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: "1"})); err != nil {
			t.Fatal(err)
		}
		if _, _, err := scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1", Publish: true, Quiet: true, IfDue: true}); err != nil {
			t.Fatal(err)
		}
		scores, _, err := scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1"})
		if err != nil {
			t.Fatal(err)
		}
		return scores
	}
	first := activate()
	if err := os.RemoveAll(filepath.Join(app.Dir(), "models", "churn")); err != nil {
		t.Fatal(err)
	}
	addVersion(t, app, func(v string) registry.Content { return trained(t, v, 0.2, `recency("open")`) })
	second := activate()
	want, same := uint64(0), 0
	for cid, p := range second {
		if p >= 0.4 {
			want++
		}
		if first[cid] == p {
			same++
		}
	}
	if same == len(second) {
		t.Fatal("the two models say the same")
	}
	if n, err := countOf(t, app, `score("churn") >= 0.4`); err != nil || n != want {
		t.Errorf("%d at 0.4 or more, want %d: %v", n, want, err)
	}
	if s.scores.round(t.Context(), 24*time.Hour, time.Minute); len(s.scores.failed) > 0 {
		t.Error("it failed")
	}
}

// TestActivatedMeanwhile holds that scores of a version that is not active any more when they are ready do not go into the store.
func TestActivatedMeanwhile(t *testing.T) {
	s, app, c := modelServer(t)
	activate := func(version string) {
		t.Helper()
		if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: version})); err != nil {
			t.Fatal(err)
		}
	}
	activate("1")
	m, _, err := loadModel(modelDir(app), "churn", "1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.scores.publish(t.Context(), app, m, publishing{rest: func(context.Context) error { activate("3"); return nil }})
	if known := new(segments.Error); !errors.As(err, &known) || known.Reason != reasonModelNotActive {
		t.Fatal(err)
	}
	published, err := publishedScores(t.Context(), app)
	if err != nil || published["churn"] != nil {
		t.Errorf("%v, %v", published["churn"], err)
	}
	// The scorer then turns to the version that is active, at once.
	s.scores.round(t.Context(), 24*time.Hour, time.Hour)
	if published, err = publishedScores(t.Context(), app); err != nil || published["churn"] == nil || published["churn"].Version != "3" {
		t.Errorf("%v, %v", published["churn"], err)
	}
}

// TestDeactivate holds that a model can be taken away, also one whose files are gone.
func TestDeactivate(t *testing.T) {
	_, app, c := modelServer(t)
	for _, gone := range []bool{false, true} {
		if !gone {
			if _, err := c.Deactivate(t.Context(), connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: "churn"})); reasonOf(t, err) != "SCORE_UNKNOWN" || !strings.Contains(err.Error(), "no version of model churn is active, and it has no scores in the store") {
				t.Error(err)
			}
			if _, err := c.Deactivate(t.Context(), connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: "chrun"})); reasonOf(t, err) != "SCORE_UNKNOWN" || !strings.Contains(err.Error(), `no score "chrun"`) {
				t.Error(err)
			}
		}
		if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: "1"})); err != nil {
			t.Fatal(err)
		}
		if _, _, err := scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1", Publish: true, Quiet: true}); err != nil {
			t.Fatal(err)
		}
		if gone {
			if err := os.RemoveAll(filepath.Join(app.Dir(), "models", "churn")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Deactivate(t.Context(), connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: "churn", By: "ann"})); err != nil {
			t.Fatal(err)
		}
		if _, err := countOf(t, app, `score("churn") exists`); err == nil {
			t.Error("its scores are still there")
		}
	}
}

// TestSendTimeModelIsTakenAway holds what is told of the send-time model while no version of it is active: there is none to go back from, and the best hours in
// the store are untrained rather than of a version that nobody can name.
func TestSendTimeModelIsTakenAway(t *testing.T) {
	app, sendTime, s := sendServer(t)
	liveThreeDays(t, app)
	c := whowhenv1connect.NewModelServiceClient(InProcess(s.Handler()), "http://in-process")
	for range 2 {
		if _, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifact(t, v), nil }); err != nil {
			t.Fatal(err)
		}
	}
	change := connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: SendTimeModel})
	wrong := func(want string) {
		t.Helper()
		if _, err := c.Rollback(t.Context(), change); reasonOf(t, err) != string(registry.NoneBefore) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	wrong("no version of model send-time is active, so there is none to go back from")
	if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: SendTimeModel, Version: "2"})); err != nil {
		t.Fatal(err)
	}
	wrong("before version 2, so there is none to go back to; activate another, or deactivate the model, and send times go by each CID's own days")
	if _, err := c.Deactivate(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	wrong("is active")
	stream, err := sendTime.Refresh(t.Context(), connect.NewRequest(&whowhenv1.RefreshRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	for stream.Receive() {
	}
	if err := errors.Join(stream.Err(), stream.Close()); err != nil {
		t.Fatal(err)
	}
	list, err := c.List(t.Context(), connect.NewRequest(&whowhenv1.ListModelsRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if m := list.Msg.Models[0]; m.Active != "" || m.Published.GetVersion() != "untrained" || m.Published.GetCids() == 0 {
		t.Errorf("%v", m)
	}
}
