package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
)

func (s modelService) Activate(ctx context.Context, r *connect.Request[whowhenv1.ActivateModelRequest]) (*connect.Response[whowhenv1.ActivateModelResponse], error) {
	app, err := s.appToChange(ctx, r.Msg)
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
	app, err := s.appToChange(ctx, r.Msg)
	if err != nil {
		return nil, err
	}
	dir, name := modelDir(app), r.Msg.GetName()
	s.server.scores.activating.Lock()
	defer s.server.scores.activating.Unlock()
	version, previous, err := dir.Before(name)
	if err != nil {
		return nil, noneBefore(dir, name, err)
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

// noneBefore says of a model that cannot be rolled back what there is instead. Other errors than that stay.
func noneBefore(dir registry.Registry, name string, err error) error {
	if known := new(segments.Error); !errors.As(err, &known) || known.Reason != registry.NoneBefore {
		return err
	}
	changes, changesErr := dir.Changes(name)
	if changesErr != nil {
		return changesErr
	}
	active, _ := registry.Active(changes)
	message := fmt.Sprintf("no version of model %s was active before version %s, so there is none to go back to; activate another, or deactivate the model", name, active)
	switch {
	case active == "":
		message = fmt.Sprintf("no version of model %s is active, so there is none to go back from; activate one", name)
	case name == SendTimeModel:
		message += ", and send times go by each CID's own days, untrained"
	}
	return &segments.Error{Reason: registry.NoneBefore, Field: "name", Message: message}
}

func (s modelService) Deactivate(ctx context.Context, r *connect.Request[whowhenv1.RollbackModelRequest]) (*connect.Response[whowhenv1.ActivateModelResponse], error) {
	app, err := s.appToChange(ctx, r.Msg)
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
	names := []string{name}
	if name == SendTimeModel {
		if names, err = hoursInStore(ctx, app); err != nil || len(names) == 0 {
			return connect.NewResponse(response), err
		}
	}
	position, err := app.DropScores(ctx, names...)
	if err == nil {
		err = awaitVisible(ctx, app, position)
	}
	if known := new(segments.Error); errors.As(err, &known) && known.Reason == segments.ScoreUnknown {
		switch _, unknown := dir.Versions(name); {
		case response.Previous != "":
			err = nil // there were none yet
		case unknown == nil:
			err = &segments.Error{Reason: segments.ScoreUnknown, Field: "name",
				Message: fmt.Sprintf("no version of model %s is active, and it has no scores in the store, so there is nothing to take away", name)}
		}
	}
	return connect.NewResponse(response), err
}

// appToChange returns the app whose models somebody wants to change.
func (s modelService) appToChange(ctx context.Context, r interface {
	GetApp() string
	GetBy() string
}) (*segments.App, error) {
	if n := len(r.GetBy()); n > maxByBytes {
		return nil, invalid("by", "%d bytes, at most %d are taken", n, maxByBytes)
	}
	return s.server.home.ReadyApp(ctx, r.GetApp())
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
