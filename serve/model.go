package serve

import (
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

// warningDataEnded is the reason of a warning that scores speak of a day when nothing is known any more.
const warningDataEnded = "DATA_ENDED"

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
	version, data, err := readModel(models, name, version)
	if err != nil {
		return nil, nil, err
	}
	return modelOf(models, name, version, data)
}

// readModel returns the artifact of a version, the newest when none is named, as it is on disk, and which one that is.
func readModel(models registry.Registry, name, version string) (is string, data []byte, err error) {
	if name == SendTimeModel {
		return "", nil, invalid("name", "model %s tells hours, and no probability of an outcome: ask it by \"whowhen when\", and judge it by \"whowhen backtest send-time --from DAY\"", name)
	}
	versions, err := models.Versions(name)
	if err != nil {
		return "", nil, err
	}
	if version == "" {
		version = versions[len(versions)-1]
	}
	data, err = models.Bytes(name, version)
	return version, data, err
}

// modelOf makes the artifact of a version ready to score.
func modelOf(models registry.Registry, name, version string, data []byte) (*scoring.Model, *propensity.Question, error) {
	artifact, err := models.Decode(name, version, data)
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
		if err != nil { // of this model, which the others are told all the same
			m = &whowhenv1.Model{Name: name, Published: encodePublished(published[name]), Problem: problemOf(err)}
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
			Level: e.Level, Against: e.Against, LogOdds: e.LogOdds, StandardError: e.StandardError, Opposed: e.Opposed})
	}
	return connect.NewResponse(response), nil
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

// describeModel says what there is of a model. A version that cannot be read is told with its problem, and so is the model when its changes cannot.
func describeModel(dir registry.Registry, name string, published *segments.PublishedScores) (*whowhenv1.Model, error) {
	versions, err := dir.Versions(name)
	if err != nil {
		return nil, err
	}
	m := &whowhenv1.Model{Name: name, Newest: versions[len(versions)-1], Published: encodePublished(published)}
	changes, err := dir.Changes(name)
	if err != nil {
		m.Problem = problemOf(err)
	}
	m.Active, _ = registry.Active(changes)
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
	return &whowhenv1.PublishedScores{Version: versionName(p.Version), AsOf: timestamppb.New(p.AsOf), Cids: p.CIDs}
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
