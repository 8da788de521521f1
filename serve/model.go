package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// Reasons of errors about making a version active.
const (
	reasonModelGate      segments.Reason = "MODEL_GATE"       // it did not beat its baselines
	reasonModelNotActive segments.Reason = "MODEL_NOT_ACTIVE" // only the active version's scores can be in the store
)

const (
	// maxScored bounds the CIDs of one Score, and maxMoved the columns named for each.
	maxScored, maxMoved = 10_000, 100
	maxByBytes          = 256
)

type modelService struct {
	server *Server
}

// modelDir is where an app's models are.
func modelDir(app *segments.App) registry.Registry {
	return registry.At(filepath.Join(app.Dir(), "models"))
}

// loadModel reads a version, the newest when none is named, and makes it ready to score.
func loadModel(models registry.Registry, name, version string) (*scoring.Model, *propensity.Question, error) {
	versions, err := models.Versions(name)
	if err != nil {
		return nil, nil, err
	}
	if version == "" {
		version = versions[len(versions)-1]
	}
	artifact, err := models.Artifact(name, version)
	if err != nil {
		return nil, nil, err
	}
	question, err := questionOf(artifact)
	if err == nil && (question.Definition.Name != name || question.Definition.HorizonDays != artifact.Training.HorizonDays) {
		err = fmt.Errorf("it is about %s over %d days", question.Definition.Name, question.Definition.HorizonDays)
	}
	if err != nil {
		return nil, nil, &segments.Error{Reason: registry.ModelDamaged, Err: err,
			Message: fmt.Sprintf("version %s of model %s has a definition that this whowhen cannot read; train again", version, name)}
	}
	m, err := scoring.New(artifact, question.Eligible)
	return m, question, err
}

func questionOf(a *models.Artifact) (*propensity.Question, error) {
	d, err := propensity.ReadDefinition([]byte(a.Definition))
	if err != nil {
		return nil, err
	}
	return d.Compile()
}

func (s modelService) List(ctx context.Context, r *connect.Request[whowhenv1.ListModelsRequest]) (*connect.Response[whowhenv1.ListModelsResponse], error) {
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	names, err := modelDir(app).Names()
	if err != nil {
		return nil, err
	}
	published, err := publishedScores(ctx, app)
	if err != nil {
		return nil, err
	}
	response := &whowhenv1.ListModelsResponse{}
	for _, name := range names {
		m, err := describeModel(modelDir(app), name, published[name])
		if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelUnknown {
			continue // a directory without a version
		}
		if err != nil {
			return nil, err
		}
		response.Models = append(response.Models, m)
	}
	return connect.NewResponse(response), nil
}

func (s modelService) Get(ctx context.Context, r *connect.Request[whowhenv1.GetModelRequest]) (*connect.Response[whowhenv1.GetModelResponse], error) {
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	dir, name := modelDir(app), r.Msg.GetName()
	published, err := publishedScores(ctx, app)
	if err != nil {
		return nil, err
	}
	model, err := describeModel(dir, name, published[name])
	if err != nil {
		return nil, err
	}
	version := r.Msg.GetVersion()
	if version == "" {
		version = model.Newest
	}
	data, err := dir.Bytes(name, version)
	if err != nil {
		return nil, err
	}
	described, err := describeVersion(dir, name, version)
	if err != nil {
		return nil, err
	}
	response := &whowhenv1.GetModelResponse{Model: model, Version: described, Artifact: data}
	if name == SendTimeModel {
		return connect.NewResponse(response), nil
	}
	artifact, err := dir.Artifact(name, version)
	if err != nil {
		return nil, err
	}
	for _, c := range artifact.Model.Columns() {
		response.Columns = append(response.Columns, &whowhenv1.ModelColumn{Name: c.Name, Levels: c.Levels, Fixed: c.Fixed})
	}
	for _, e := range artifact.Effects {
		response.Effects = append(response.Effects, &whowhenv1.ModelEffect{Column: e.Column, Kind: string(e.Kind), From: e.From, To: e.To,
			Level: e.Level, Against: e.Against, LogOdds: e.LogOdds, StandardError: e.StandardError})
	}
	return connect.NewResponse(response), nil
}

func (s modelService) Activate(ctx context.Context, r *connect.Request[whowhenv1.ActivateModelRequest]) (*connect.Response[whowhenv1.ActivateModelResponse], error) {
	if err := checkBy(r.Msg.GetBy()); err != nil {
		return nil, err
	}
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	dir, name := modelDir(app), r.Msg.GetName()
	version, why, misfit, err := activatable(ctx, app, name, r.Msg.GetVersion())
	if err != nil {
		return nil, err
	}
	if why != "" && !r.Msg.GetForce() {
		return nil, &segments.Error{Reason: reasonModelGate, Field: "version",
			Message: fmt.Sprintf("version %s of model %s is held back by its gate: %s; see its report, and force it if you know better", version, name, why)}
	}
	if misfit != nil {
		return nil, misfit
	}
	s.server.scores.activating.Lock()
	defer s.server.scores.activating.Unlock()
	var previous string
	if r.Msg.GetValidateOnly() {
		changes, err := dir.Changes(name)
		if err != nil {
			return nil, err
		}
		previous, _ = registry.Active(changes)
	} else if previous, err = dir.Activate(name, version, s.server.clock(), r.Msg.GetBy(), why != ""); err != nil {
		return nil, err
	}
	s.server.scores.wake()
	return connect.NewResponse(&whowhenv1.ActivateModelResponse{Name: name, Version: version, Previous: previous}), nil
}

func (s modelService) Rollback(ctx context.Context, r *connect.Request[whowhenv1.RollbackModelRequest]) (*connect.Response[whowhenv1.ActivateModelResponse], error) {
	if err := checkBy(r.Msg.GetBy()); err != nil {
		return nil, err
	}
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	dir, name := modelDir(app), r.Msg.GetName()
	s.server.scores.activating.Lock()
	defer s.server.scores.activating.Unlock()
	version, previous, err := dir.Before(name)
	if err != nil {
		return nil, err
	}
	if _, _, misfit, err := activatable(ctx, app, name, version); err != nil || misfit != nil {
		return nil, cmp.Or(err, misfit)
	}
	if !r.Msg.GetValidateOnly() {
		if version, previous, err = dir.Rollback(name, s.server.clock(), r.Msg.GetBy()); err != nil {
			return nil, err
		}
		s.server.scores.wake()
	}
	return connect.NewResponse(&whowhenv1.ActivateModelResponse{Name: name, Version: version, Previous: previous}), nil
}

func (s modelService) Deactivate(ctx context.Context, r *connect.Request[whowhenv1.RollbackModelRequest]) (*connect.Response[whowhenv1.ActivateModelResponse], error) {
	if err := checkBy(r.Msg.GetBy()); err != nil {
		return nil, err
	}
	app, err := s.server.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	dir, name := modelDir(app), r.Msg.GetName()
	s.server.scores.activating.Lock()
	defer s.server.scores.activating.Unlock()
	response := &whowhenv1.ActivateModelResponse{Name: name}
	changes, err := dir.Changes(name)
	if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelUnknown {
		err = nil // its scores may be there all the same, when its files were removed
	}
	if err != nil {
		return nil, err
	}
	response.Previous, _ = registry.Active(changes)
	if r.Msg.GetValidateOnly() {
		return connect.NewResponse(response), nil
	}
	if response.Previous != "" {
		if _, err := dir.Deactivate(name, s.server.clock(), r.Msg.GetBy()); err != nil {
			return nil, err
		}
	}
	position, err := app.DropScores(ctx, name)
	if err == nil {
		err = awaitVisible(ctx, app, position)
	}
	if known := new(segments.Error); errors.As(err, &known) && known.Reason == segments.ScoreUnknown && response.Previous != "" {
		err = nil // there were none yet
	}
	return connect.NewResponse(response), err
}

func checkBy(by string) error {
	if len(by) > maxByBytes {
		return invalid("by", "%d bytes, at most %d are taken", len(by), maxByBytes)
	}
	return nil
}

// activatable reads a version of a model, the newest when none is named. It returns which one that is, why its gate holds it back, or "", and
// why it does not fit the store, or nil.
func activatable(ctx context.Context, app *segments.App, name, version string) (is, why string, misfit, err error) {
	view, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return "", "", nil, err
	}
	defer view.Close()
	if name == SendTimeModel {
		m, err := loadRhythm(modelDir(app), version)
		if err != nil {
			return "", "", nil, err
		}
		return m.artifact.Version, m.whyNotActivate(), m.misfit(view), nil
	}
	m, _, err := loadModel(modelDir(app), name, version)
	if err != nil {
		return "", "", nil, err
	}
	return m.Artifact().Version, whyNotActivate(m.Artifact()), m.Fits(view), nil
}

// publishedScores returns what expressions see, by the name of the score.
func publishedScores(ctx context.Context, app *segments.App) (map[string]*segments.PublishedScores, error) {
	view, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return nil, err
	}
	defer view.Close()
	published := map[string]*segments.PublishedScores{}
	for _, s := range view.Scores() {
		switch {
		case s.Published == nil:
		case s.Name == hoursColumn(0):
			published[SendTimeModel] = s.Published
		default:
			published[s.Name] = s.Published
		}
	}
	return published, nil
}

// describeModel says what there is of a model. A version that cannot be read is told with its problem.
func describeModel(dir registry.Registry, name string, published *segments.PublishedScores) (*whowhenv1.Model, error) {
	versions, err := dir.Versions(name)
	if err != nil {
		return nil, err
	}
	changes, err := dir.Changes(name)
	if err != nil {
		return nil, err
	}
	m := &whowhenv1.Model{Name: name, Newest: versions[len(versions)-1]}
	m.Active, _ = registry.Active(changes)
	m.Published = encodePublished(published)
	for _, v := range versions {
		described, err := describeVersion(dir, name, v)
		if err != nil {
			described = &whowhenv1.ModelVersion{Version: v, Problem: err.Error()}
		}
		m.Versions = append(m.Versions, described)
	}
	for _, c := range changes {
		m.Changes = append(m.Changes, &whowhenv1.ModelChange{Action: string(c.Action), Version: c.Version, At: timestamppb.New(c.At), By: c.By, Forced: c.Forced})
	}
	return m, nil
}

func describeVersion(dir registry.Registry, name, version string) (*whowhenv1.ModelVersion, error) {
	if name == SendTimeModel {
		m, err := loadRhythm(dir, version)
		if err != nil {
			return nil, err
		}
		return m.describe(), nil
	}
	artifact, err := dir.Artifact(name, version)
	if err != nil {
		return nil, err
	}
	return encodeVersion(artifact), nil
}

func encodePublished(p *segments.PublishedScores) *whowhenv1.PublishedScores {
	if p == nil {
		return nil
	}
	return &whowhenv1.PublishedScores{Version: p.Version, AsOf: timestamppb.New(p.AsOf), Cids: p.CIDs}
}

func encodeVersion(a *models.Artifact) *whowhenv1.ModelVersion {
	v := &whowhenv1.ModelVersion{
		Version: a.Version, Created: timestamppb.New(a.Created), Definition: a.Definition, Metrics: encodeFigures(a.Metrics),
		Baselines: map[string]*whowhenv1.Figures{}, TrainCutoffs: a.Training.Cutoffs, TestCutoffs: a.Training.TestCutoffs, Gate: whyNotActivate(a),
	}
	for name, figures := range a.Baselines {
		v.Baselines[name] = &whowhenv1.Figures{Figures: encodeFigures(figures)}
	}
	return v
}

func encodeFigures(figures map[string]models.Figure) map[string]*whowhenv1.Figure {
	encoded := make(map[string]*whowhenv1.Figure, len(figures))
	for name, f := range figures {
		encoded[name] = &whowhenv1.Figure{Value: f.Value, Low: f.Low, High: f.High}
	}
	return encoded
}
