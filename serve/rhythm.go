package serve

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/models/sendtime"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/plan"
	"whowhen.dev/whowhen/serve/registry"
)

// SendTimeModel is the name of the model of send times in the registry.
const SendTimeModel = "send-time"

// gateFigure is the figure of a send-time artifact that is 1 when the model beat its baselines.
const gateFigure = "gate_passed"

// rhythmModel is a version of the send-time model, ready to ask. It is safe for concurrent use.
type rhythmModel struct {
	*sendtime.Model
	artifact  *sendtime.Artifact
	identity  string // a hash of all that is in the artifact
	source    rhythm.Source
	countries map[string]int
	everyone  rest
}

// loadRhythm reads a version of the send-time model, the newest when none is named.
func loadRhythm(dir registry.Registry, version string) (*rhythmModel, error) {
	versions, err := dir.Versions(SendTimeModel)
	if err != nil {
		return nil, err
	}
	if version == "" {
		version = versions[len(versions)-1]
	}
	data, err := dir.Bytes(SendTimeModel, version)
	if err != nil {
		return nil, err
	}
	m, err := decodeRhythm(data)
	if err == nil && m.artifact.Version != version {
		err = fmt.Errorf("it says that it is version %s", m.artifact.Version)
	}
	if err != nil {
		if refused := new(sendtime.ArtifactError); errors.As(err, &refused) {
			err = registry.Cause(refused.Problem, refused.Err)
		}
		return nil, &segments.Error{Reason: registry.ModelDamaged, Err: err,
			Message: fmt.Sprintf("%s is not the artifact that was written; restore it from a copy, take another version, or train again", dir.Path(SendTimeModel, version, registry.ArtifactFile))}
	}
	return m, nil
}

// decodeRhythm reads an artifact of the send-time model.
func decodeRhythm(data []byte) (*rhythmModel, error) {
	a, err := sendtime.Decode(data)
	if err != nil {
		return nil, err
	}
	if a.Name != SendTimeModel {
		return nil, fmt.Errorf("it says that it is of model %s", a.Name)
	}
	sum := sha256.Sum256(data)
	m := &rhythmModel{Model: a.Model, artifact: a, identity: hex.EncodeToString(sum[:16]), countries: map[string]int{}, source: rhythm.Source{
		Engaged: a.Source.Engaged, Received: a.Source.Received, Displayed: a.Source.Displayed, Clicked: a.Source.Clicked,
		ZoneAttribute: a.Source.ZoneAttribute, CountryAttribute: a.Source.CountryAttribute}}
	m.everyone = restOf(a.Model, 0, false, sendtime.NoCountry)
	for i, name := range a.Model.Curves.Countries {
		m.countries[name] = i
	}
	return m, nil
}

// activeRhythm returns the active version; nil when there is none.
func activeRhythm(dir registry.Registry) (*rhythmModel, error) {
	changes, err := dir.Changes(SendTimeModel)
	if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelUnknown {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	version, _ := registry.Active(changes)
	if version == "" {
		return nil, nil
	}
	return loadRhythm(dir, version)
}

// in returns the model with the attributes of zone and country that an app has now, where it had none when the model was trained.
func (m *rhythmModel) in(v *segments.View) *rhythmModel {
	here := *m
	zone, country := rhythm.DefaultAttributes(v)
	here.source.ZoneAttribute, here.source.CountryAttribute = cmp.Or(m.source.ZoneAttribute, zone), cmp.Or(m.source.CountryAttribute, country)
	return &here
}

// country returns the index of a country in the model.
func (m *rhythmModel) country(v *segments.View, code int64) int {
	if code < 0 || m.source.CountryAttribute == "" {
		return sendtime.NoCountry
	}
	i, known := m.countries[v.AttributeText(m.source.CountryAttribute, code)]
	if !known {
		return sendtime.NoCountry
	}
	return i
}

// whyNotActivate returns why the version should not be made active, or "".
func (m *rhythmModel) whyNotActivate() string {
	if m.artifact.Metrics[gateFigure] == 1 {
		return ""
	}
	return "it is not surely better than everyone's curve and the zone's, or is worse than each CID's own histogram"
}

// misfit returns an error when a store has none of the events that the model goes by.
func (m *rhythmModel) misfit(v *segments.View) error {
	if m.source.Tells(v) {
		return nil
	}
	if m.artifact.Version == untrainedVersion {
		return &segments.Error{Reason: "MODEL_MISFIT", Field: "events",
			Message: fmt.Sprintf("activity is taken to be the events %q, of which this store has none: name what is activity (whowhen when --refresh --event NAME), or load what is missing", m.source.Engaged)}
	}
	return &segments.Error{Reason: "MODEL_MISFIT", Field: "version",
		Message: fmt.Sprintf("version %s of model %s goes by the events %q, of which this store has none; load what is missing, or train again", m.artifact.Version, SendTimeModel, m.source.Engaged)}
}

// describe says what there is of a version.
func (m *rhythmModel) describe() *whowhenv1.ModelVersion {
	a := m.artifact
	v := &whowhenv1.ModelVersion{Version: a.Version, Created: timestamppb.New(a.Created), Metrics: map[string]*whowhenv1.Figure{}, Gate: m.whyNotActivate()}
	for name, value := range a.Metrics {
		v.Metrics[name] = &whowhenv1.Figure{Value: value, Low: value, High: value}
	}
	return v
}

// rest is what a model says of one of whom nothing is known but where it lives, by class of day: any activity on the day at all, and that and
// activity in the hour, and engagement with a message sent in the hour.
type rest struct {
	activity   sendtime.Curve
	active     [2]float64
	engagement plan.Curve
	level      plan.Evidence
}

// restOf asks a model about one of whom nothing is known. zoned says that the offset of its clock is.
func restOf(m *sendtime.Model, offsetMinutes int16, zoned bool, country int) (r rest) {
	const monday, saturday = 4, 9 // of 1970, after the first Thursday
	var answer sendtime.Answer
	var engagement [sendtime.Hours]float64
	history := &sendtime.History{}
	for class, day := range []int32{monday, saturday} {
		q := &sendtime.Question{Day: day, Weekend: class == 1, Ahead: true, OffsetMinutes: offsetMinutes, Zoned: zoned, Country: country}
		m.Predict(history, q, &answer)
		m.Engagement(history, q, &answer, &engagement)
		r.active[class], r.level = answer.Active, plan.Evidence(answer.Level)
		for h, p := range answer.Hour {
			r.activity[class][h], r.engagement[class][h] = answer.Active*p, plan.ChanceOf(engagement[h])
		}
	}
	return r
}

// others returns how hours compare that are not among somebody's best: like everyone's, below the last of the best.
func (r *rest) others() *plan.Others {
	const below = 0.9
	others := new(plan.Others)
	for class := range others {
		most := max(slices.Max(r.engagement[class][:]), 1)
		for h, chance := range r.engagement[class] {
			others[class][h] = uint16(math.Round(below * plan.MaxOther * float64(chance) / float64(most)))
		}
	}
	return others
}

// daily is how active a CID is: of its best hours it is known, and in the others it is like everyone, so many times.
type daily struct {
	hours  [2][hours.Best]hours.Hour // none when there are no best hours
	rest   *rest
	others [2]float64
	active [2]float64
}

// ofHours makes d how active one is with best hours.
func (d *daily) ofHours(h *hours.Hours, nobody *rest) {
	d.rest = nobody
	for class := range h.Day {
		d.hours[class], d.others[class], d.active[class] = h.Day[class].Best, h.Day[class].Others, h.Day[class].Active
	}
}

// ofRest makes d how active one is of whom nothing is known.
func (d *daily) ofRest(r *rest) {
	const none = -1
	*d = daily{rest: r, others: [2]float64{1, 1}, active: r.active}
	for class := range d.hours {
		for i := range d.hours[class] {
			d.hours[class][i].Hour = none
		}
	}
}

func (d *daily) in(class, hour int) float64 {
	for i := range d.hours[class] {
		if d.hours[class][i].Hour == hour {
			return d.hours[class][i].Activity
		}
	}
	return d.rest.activity[class][hour] * d.others[class]
}

// anyIn is the chance of any activity in a window: of activity on the day at all, times that of any in the window on such a day, which is models/sendtime's,
//
//	active (1 - exp(g(W) sum over hours of (share of the hour) log(1 - p(hour) / active)))
//
// So no window is likelier than the day. The day is that on which the window begins.
func anyIn(m *sendtime.Model, d *daily, parts []plan.Part) float64 {
	if len(parts) == 0 {
		return 0
	}
	classOf := func(p plan.Part) int {
		if p.Day.Weekend {
			return 1
		}
		return 0
	}
	onDay := d.active[classOf(parts[0])]
	hazard, width := 0.0, 0.0
	for _, p := range parts {
		class := classOf(p)
		chance := min(d.in(class, int(p.Like))*float64(p.Factor)/max(d.active[class], 1e-9), 1-1e-9)
		hazard -= math.Log1p(-chance) * float64(p.Share)
		width += float64(p.Share)
	}
	at := max(0, width-1)
	low := min(int(at), sendtime.Hours-2)
	part := min(at-float64(low), 1)
	return onDay * (1 - math.Exp(-hazard*(m.Window[low]*(1-part)+m.Window[low+1]*part)))
}
