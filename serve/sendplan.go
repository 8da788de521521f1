package serve

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/models/sendtime"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/plan"
)

// hoursPrefix begins the names of the columns of best hours in the store.
const hoursPrefix = segments.HiddenScore + "hours"

func hoursColumn(i int) string { return hoursPrefix + strconv.Itoa(i) }

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
	// nobody is for hours that are not among the best, and others is how these compare.
	nobody rest
	others *plan.Others
	hours  *hours.Decoder

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
	p = &sendPlan{hours: s.hours, over: over, policy: policy, zones: s.zones, nowHour: s.server.clock().Unix() / secondsPerHour}
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
