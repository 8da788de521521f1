package serve

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/models/sendtime"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/plan"
)

// hoursColumn is the name of a column of best hours in the store.
func hoursColumn(i int) string { return fmt.Sprintf("%shours%d", segments.HiddenScore, i) }

// sendPlan plans one message for CIDs of one version of an app. It is safe for concurrent use until its view is closed.
type sendPlan struct {
	view    *segments.View
	planner *plan.Planner
	policy  *plan.Policy
	zones   *plan.Zones
	app     *plan.Zone
	nowHour int64

	zone, country string // attributes, or ""
	known         bool   // whether there are best hours
	predictor     *sendtime.Model
	model         *whowhenv1.SendModel
	countries     map[string]int // of the predictor
	// nobody is for hours that are not among the best.
	nobody rest

	over     bool   // whether there is no time left until the end of the message's range
	decision uint64 // tells the question from others
}

const secondsPerHour = 3600

// newSendPlan pins a version, which is given free by close.
func (s sendTimeService) newSendPlan(ctx context.Context, appName string, m *whowhenv1.SendMessage, r *whowhenv1.Read) (p *sendPlan, err error) {
	if r.GetAsOf() != nil {
		return nil, invalid("read.as_of", "send times are of now: leave as_of out")
	}
	message, over, err := s.decodeMessage(m)
	if err != nil {
		return nil, err
	}
	name := m.GetPolicy()
	if name == "" {
		name = plan.DefaultPolicy
	}
	library, err := s.server.library()
	if err != nil {
		return nil, err
	}
	policy, err := library.Policy(name)
	if err != nil && m.GetTransactional() { // it obeys none
		policy, err = library.Policy(plan.DefaultPolicy)
	}
	if err != nil {
		return nil, &segments.Error{Reason: reasonPolicyUnknown, Field: "message.policy", Message: err.Error()}
	}
	app, err := s.server.home.ReadyApp(ctx, appName)
	if err != nil {
		return nil, err
	}
	p = &sendPlan{over: over, policy: policy, zones: s.zones, nowHour: s.server.clock().Unix() / secondsPerHour}
	if p.app, err = p.zones.Named(app.Zone().String()); err != nil {
		return nil, err
	}
	if p.planner, err = plan.New(message, policy, p.app); err != nil {
		return nil, aboutMessage(err)
	}
	if p.view, err = app.View(ctx, segments.ReadOptions{AtLeastPosition: r.GetAtLeastPosition()}); err != nil {
		return nil, err
	}
	p.zone, p.country = rhythm.DefaultAttributes(p.view)
	s.load(p, app)
	p.decision = decisionOf(p, message, m.GetSeed())
	return p, nil
}

func (p *sendPlan) close() { p.view.Close() }

// sendWorker plans one CID after the other. It belongs to one goroutine.
type sendWorker struct {
	plan    *sendPlan
	worker  *plan.Worker
	curve   [2][sendtime.Hours]float64 // of the CID at hand
	active  [2]float64
	subject plan.Subject
	answer  plan.Answer
	zones   map[int64]*plan.Zone // by code of the attribute; nil for what is no zone
	places  map[int64]string
	rests   map[livesIn]*rest
}

// livesIn is where a CID lives by its profile.
type livesIn struct {
	zone    *plan.Zone
	country int64 // code of the attribute; -1 when it is not known
}

func (p *sendPlan) newWorker() *sendWorker {
	w := &sendWorker{plan: p, worker: p.planner.Worker(), zones: map[int64]*plan.Zone{}, places: map[int64]string{}, rests: map[livesIn]*rest{}}
	w.subject.Curve.Hour = func(day plan.Day, hour int) float64 {
		class := 0
		if day.Weekend {
			class = 1
		}
		return w.curve[class][hour]
	}
	w.subject.Curve.Any = func(parts []plan.Part) float64 { return anyIn(p.predictor, &w.curve, &w.active, parts) }
	return w
}

// sendFacts are what the store knows of a CID's send time.
type sendFacts struct {
	codes         [hours.Columns]uint16
	hasHours      bool
	zone, country int64 // codes of attributes
	hasZone       bool
	hasCountry    bool
}

// answerFor plans for a CID. The answer is good until the next call.
func (w *sendWorker) answerFor(cid string, f *sendFacts) *plan.Answer {
	p := w.plan
	s := &w.subject
	s.CID, s.Place, s.ActiveDays = cid, "", 0
	var seen *plan.Seen
	if f.hasHours {
		h := hours.Decode(f.codes, p.nowHour)
		s.Evidence, s.ActiveDays = plan.Evidence(h.Level), uint32(h.ActiveDays)
		w.bend(0, &h.Weekday)
		w.bend(1, &h.Weekend)
		w.active = h.Active
		const recentHours = 30 * 24 // a traveller may have come home since
		if h.Seen && p.nowHour-h.SeenHour <= recentHours {
			seen = &plan.Seen{Unix: h.SeenHour*secondsPerHour + secondsPerHour/2, OffsetMinutes: h.OffsetMinutes}
		}
	}
	var profile *plan.Zone
	if f.hasZone {
		profile = w.zoneOf(f.zone)
	}
	if !f.hasHours {
		r := w.restOf(profile, f)
		s.Evidence, w.curve, w.active = r.level, r.curve, r.active
	}
	if f.hasCountry {
		s.Place = w.placeOf(f.country)
	}
	s.Zone, s.ZoneFrom = p.zones.Resolve(profile, seen, p.app)
	if s.ZoneFrom == plan.FromApp {
		s.Zone = nil // nothing is known, and the answer says so
	}
	w.worker.Plan(s, &w.answer)
	w.answer.Decision.Message = p.decision
	if p.over {
		w.answer.Choice, w.answer.Alternatives = plan.Choice{}, w.answer.Alternatives[:0]
		w.answer.Reasons |= plan.NoWindow
	}
	return &w.answer
}

// bend makes the curve of a class of day: the best hours as they are, and the others like everyone's, below the least of the best.
func (w *sendWorker) bend(class int, best *[hours.Best]hours.Hour) {
	least, most := best[hours.Best-1].Probability, 0.0
	curve, rest := &w.curve[class], &w.plan.nobody.curve[class]
	for _, p := range rest {
		most = max(most, p)
	}
	for h := range curve {
		curve[h] = least * 0.9 * rest[h] / max(most, math.SmallestNonzeroFloat64)
	}
	for _, b := range best {
		curve[b.Hour] = b.Probability
	}
}

// restOf is what the model says of one of whom nothing is known but its profile.
func (w *sendWorker) restOf(zone *plan.Zone, f *sendFacts) *rest {
	p, at := w.plan, livesIn{zone, -1}
	if f.hasCountry {
		at.country = f.country
	}
	r, known := w.rests[at]
	if known {
		return r
	}
	country, offset := sendtime.NoCountry, int16(0)
	if f.hasCountry {
		if i, ok := p.countries[p.view.AttributeText(p.country, f.country)]; ok {
			country = i
		}
	}
	if zone != nil {
		offset = int16(zone.OffsetSeconds(p.nowHour*secondsPerHour) / 60)
	}
	fresh := restOf(p.predictor, offset, zone != nil, country)
	w.rests[at] = &fresh
	return &fresh
}

func (w *sendWorker) zoneOf(code int64) *plan.Zone {
	zone, told := w.zones[code]
	if !told {
		// What is no zone is as if there were none.
		zone, _ = w.plan.zones.Named(w.plan.view.AttributeText(w.plan.zone, code))
		w.zones[code] = zone
	}
	return zone
}

func (w *sendWorker) placeOf(code int64) string {
	place, told := w.places[code]
	if !told {
		place = strings.ToUpper(w.plan.view.AttributeText(w.plan.country, code))
		w.places[code] = place
	}
	return place
}

// decisionOf tells a question from others: what is to be sent, in which time, by which policy and model.
func decisionOf(p *sendPlan, m plan.Message, seed string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %d %d %d %d %q %q %s", seed, m.From.Unix(), m.Until.Unix(), m.WidthMinutes, m.Class, p.policy.Version(), p.model.GetVersion(), p.model.GetAsOf())
	return h.Sum64()
}

// decodeMessage fills in what a message leaves out. over says that its range ended before now.
func (s sendTimeService) decodeMessage(m *whowhenv1.SendMessage) (message plan.Message, over bool, err error) {
	message = plan.Message{Seed: m.GetSeed(), WidthMinutes: int(min(m.GetWidthMinutes(), math.MaxInt32)), Alternatives: int(min(m.GetAlternatives(), math.MaxInt32))}
	if m.GetTransactional() {
		message.Class = plan.Transactional
	}
	const defaultUntil = 24 * time.Hour
	now := s.server.clock()
	for field, t := range map[string]*timestamppb.Timestamp{"message.from": m.GetFrom(), "message.until": m.GetUntil()} {
		if t != nil && t.CheckValid() != nil {
			return message, false, invalid(field, "it is not between the years 1 and 9999, or has parts out of range")
		}
	}
	if message.From = now; m.GetFrom() != nil {
		message.From = m.GetFrom().AsTime()
	}
	if message.Until = message.From.Add(defaultUntil); m.GetUntil() != nil {
		message.Until = m.GetUntil().AsTime()
	}
	if message.Class == plan.Transactional {
		message.From, message.Until = now, now.Add(defaultUntil)
		return message, false, nil
	}
	if message.From.Before(now) && message.Until.After(message.From) {
		message.From = now // nothing is sent in the past
		if over = !message.Until.After(now); over {
			message.Until = now.Add(defaultUntil)
		}
	}
	return message, over, nil
}

// aboutMessage tells a fault of a message as one of the request.
func aboutMessage(err error) error {
	if fault, ok := err.(*plan.FieldError); ok {
		return invalid("message."+fault.Field, "%s", fault.Message)
	}
	return err
}
