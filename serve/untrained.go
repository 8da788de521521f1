package serve

import (
	"context"
	"errors"
	"fmt"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/models/sendtime"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/registry"
)

// untrainedVersion is the version of what nobody trained. Registries count from 1.
const untrainedVersion registry.Version = "0"

// versionName is what people hear of a version that best hours were made with.
func versionName(v registry.Version) string {
	if v == untrainedVersion {
		return "untrained"
	}
	return v
}

// untrainedSource says what the untrained model reads: the events named, else those that its last rule read or that the newest version was trained on, else what
// every delivery layer reports.
func untrainedSource(view *segments.View, dir registry.Registry, events []string) rhythm.Source {
	source := rhythm.DefaultSource()
	if m := lastSaid(view, dir); m != nil {
		source = m.source
	}
	if len(events) > 0 {
		source.Engaged = events
	}
	zone, country := rhythm.DefaultAttributes(view)
	if view.AttributeType(source.ZoneAttribute) != "string" {
		source.ZoneAttribute = zone
	}
	if view.AttributeType(source.CountryAttribute) != "string" {
		source.CountryAttribute = country
	}
	return source
}

// lastSaid returns the model that somebody last told what is activity, nil when there is none that can be read.
func lastSaid(view *segments.View, dir registry.Registry) *rhythmModel {
	if p := publishedHours(view); p != nil && p.Version == untrainedVersion {
		if m, err := madeWith(dir, p); err == nil {
			return m
		}
	}
	rules, _ := dir.Rules() // what cannot be read says nothing
	for _, identity := range rules {
		if data, err := dir.Rule(identity); err == nil {
			if m, err := decodeRhythm(data); err == nil {
				return m
			}
		}
	}
	m, err := loadRhythm(dir, "")
	if err != nil {
		return nil
	}
	return m
}

// untrainedRhythm returns what is reckoned by while no version of the send-time model is active: each CID's own histogram, shrunk to the curve of its
// country or zone, shrunk to everyone's, all as the view knows them. It goes through everybody's activity once.
func untrainedRhythm(ctx context.Context, view *segments.View, app *segments.App, source rhythm.Source) (*rhythmModel, error) {
	artifact := &sendtime.Artifact{Name: SendTimeModel, Version: untrainedVersion, Created: view.AsOf(), Source: sendtime.Source{
		Engaged: source.Engaged, Received: source.Received, Displayed: source.Displayed, Clicked: source.Clicked, ZoneAttribute: source.ZoneAttribute, CountryAttribute: source.CountryAttribute}}
	if err := (&rhythmModel{artifact: artifact, source: source}).misfit(view); err != nil {
		return nil, err
	}
	countries, err := countriesOf(ctx, view, source.CountryAttribute)
	if err != nil {
		return nil, err
	}
	index := map[int64]int{}
	for i, name := range countries {
		if code, found := view.AttributeCode(source.CountryAttribute, name); found {
			index[code] = i
		}
	}
	const farAhead = 1 << 30 // after every event
	sums := sendtime.NewCurveSums(countries)
	r := rhythm.NewReader(ctx, view, app.Zone(), source)
	defer r.Close()
	for block := range view.Blocks() {
		err := r.Block(block, func(persons []rhythm.Person) error {
			for i := range persons {
				p := &persons[i]
				cursor := p.Cursor()
				state := cursor.Before(farAhead)
				if state.ActiveDays() == 0 {
					continue
				}
				country, found := index[p.Country]
				if !found {
					country = sendtime.NoCountry
				}
				sums.Add((*sendtime.History)(state), sendtime.Question{OffsetMinutes: p.Offset(state, view.AsOf().Unix()), Zoned: p.Zoned(state), Country: country})
			}
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	artifact.Model = sendtime.Untrained(sums.Curves())
	data, err := artifact.Encode()
	if err != nil {
		return nil, err
	}
	m, err := decodeRhythm(data)
	if err != nil {
		return nil, err
	}
	return m, modelDir(app).SaveRule(m.identity, data)
}

// untrainedNow is untrainedRhythm by all that was known at the end of the last whole day.
func untrainedNow(ctx context.Context, app *segments.App, events []string) (*rhythmModel, error) {
	base, view, err := asKnown(ctx, app, nil)
	if err != nil {
		return nil, err
	}
	defer base.Close()
	for i, name := range events {
		if !view.KnowsEvent(name) {
			return nil, &segments.Error{Reason: "MODEL_MISFIT", Field: fmt.Sprintf("events[%d]", i), Message: fmt.Sprintf("the app has no event %q; whowhen status lists those it has", name)}
		}
	}
	return untrainedRhythm(ctx, view, app, untrainedSource(view, modelDir(app), events))
}

// checkEvents says what is wrong with the events that somebody names as activity.
func checkEvents(events []string, active *rhythmModel) error {
	const most = 100
	switch {
	case len(events) == 0:
		return nil
	case active != nil:
		return invalid("events", "version %s of model %s is active, which says itself what is activity; train another to change that", active.artifact.Version, SendTimeModel)
	case len(events) > most:
		return invalid("events", "%d events, at most %d are taken", len(events), most)
	}
	for i, name := range events {
		if wrong := batch.CheckName(name); wrong != "" {
			return invalid(fmt.Sprintf("events[%d]", i), "%s", wrong)
		}
	}
	return nil
}

// stillWanted says that best hours made with a version are of no use any more, if so.
func stillWanted(dir registry.Registry, version registry.Version) error {
	if version != untrainedVersion {
		return stillActive(dir, SendTimeModel, version)
	}
	m, err := activeRhythm(dir)
	if err == nil && m != nil {
		err = &segments.Error{Reason: reasonModelNotActive, Retryable: true, Message: fmt.Sprintf("version %s of model %s has become active meanwhile", m.artifact.Version, SendTimeModel)}
	}
	return err
}

// want notes that somebody asked for send times of an app that has no trained model, and has keep look at it.
func (s *scores) want(app string) {
	if _, noted := s.wants.LoadOrStore(app, true); !noted {
		s.wake()
	}
}

func (s *scores) wanted(app string) bool {
	_, noted := s.wants.Load(app)
	return noted
}

// countriesOf returns the countries that have a curve.
func countriesOf(ctx context.Context, view *segments.View, attribute string) ([]string, error) {
	if attribute == "" {
		return nil, nil
	}
	cids := map[int64]int{}
	r := view.BlockReader(ctx)
	defer r.Close()
	for block := range view.Blocks() {
		if _, err := r.GoTo(block); err != nil {
			return nil, err
		}
		if err := r.AttributeCodes(attribute, nil, func(_ uint16, code int64) { cids[code]++ }); err != nil {
			return nil, err
		}
	}
	return sendtime.CurveCountries(cids, func(code int64) string { return view.AttributeText(attribute, code) }), nil
}

// madeWith returns the model that best hours were made with.
func madeWith(dir registry.Registry, published *segments.PublishedScores) (*rhythmModel, error) {
	if published.Version != untrainedVersion {
		return loadRhythm(dir, published.Version)
	}
	data, err := dir.Rule(published.Definition)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, errors.New("its rule is not there")
	}
	return decodeRhythm(data)
}
