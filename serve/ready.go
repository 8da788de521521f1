package serve

import (
	"bytes"
	"slices"
	"sync"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/scoring"
)

// mostReady bounds the models that are kept ready to score. One takes some megabytes, and what it remembers is bounded by features.
const mostReady = 16

// readyModels keeps models ready to score, those that were last asked for, since to make one ready takes longer than to score somebody. It is safe for
// concurrent use.
type readyModels struct {
	mu   sync.Mutex
	list []readyModel // the one last asked for at the end
}

type readyModel struct {
	appDir, name, version string
	data                  []byte
	model                 *scoring.Model
	question              *propensity.Question
}

// load is loadModel for an app. The artifact is read each time and compared with what was made ready, so that damage is found whenever it is done.
func (r *readyModels) load(app *segments.App, name, version string) (*scoring.Model, *propensity.Question, error) {
	dir := modelDir(app)
	version, data, err := readModel(dir, name, version)
	if err != nil {
		return nil, nil, err
	}
	if known, ok := r.find(app.Dir(), name, version, data); ok {
		return known.model, known.question, nil
	}
	model, question, err := modelOf(dir, name, version, data)
	if err == nil {
		kept := r.keep(readyModel{app.Dir(), name, version, data, model, question})
		return kept.model, kept.question, nil
	}
	return nil, nil, err
}

func (r *readyModels) find(appDir, name, version string, data []byte) (readyModel, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.index(appDir, name, version)
	if i < 0 || !bytes.Equal(r.list[i].data, data) {
		return readyModel{}, false
	}
	known := r.list[i]
	r.list = append(slices.Delete(r.list, i, i+1), known)
	return known, true
}

// keep keeps a model and returns it, or the equal one that somebody else has made ready meanwhile, since that may remember something.
func (r *readyModels) keep(m readyModel) readyModel {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.index(m.appDir, m.name, m.version); i >= 0 {
		if bytes.Equal(r.list[i].data, m.data) {
			return r.list[i]
		}
		r.list = slices.Delete(r.list, i, i+1)
	}
	if len(r.list) == mostReady {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, m)
	return m
}

func (r *readyModels) index(appDir, name, version string) int {
	return slices.IndexFunc(r.list, func(m readyModel) bool { return m.appDir == appDir && m.name == name && m.version == version })
}
