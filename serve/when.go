package serve

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/plan"
)

// maxWhen bounds the CIDs of one When.
const maxWhen = 10_000

type sendTimeService struct {
	server  *Server
	zones   *plan.Zones
	hours   *hours.Decoder
	rhythms *sync.Map // *keptRhythm by the app's name: the one used last
	rooms   *sendRooms
}

func newSendTimeService(s *Server) sendTimeService {
	return sendTimeService{server: s, zones: plan.NewZones(), hours: hours.NewDecoder(plan.HabitCertain), rhythms: &sync.Map{}, rooms: newSendRooms()}
}

func (s sendTimeService) When(ctx context.Context, r *connect.Request[whowhenv1.WhenRequest]) (*connect.Response[whowhenv1.WhenResponse], error) {
	cids := r.Msg.GetCids()
	if n := len(cids); n > maxWhen {
		return nil, &segments.Error{Reason: reasonTooManyCIDs, Field: "cids", Message: fmt.Sprintf(
			"%d CIDs in one request; at most %d are taken, ask for the others in another one, or for an audience with WhenAll", n, maxWhen)}
	}
	if err := checkCIDs(cids); err != nil {
		return nil, err
	}
	p, err := s.newSendPlan(ctx, r.Msg.GetApp(), r.Msg.GetMessage(), r.Msg.GetRead())
	if err != nil {
		return nil, err
	}
	defer p.close()
	ordinals := p.view.Ordinals(cids)
	all, err := p.factsOf(ordinals)
	if err != nil {
		return nil, err
	}
	response := &whowhenv1.WhenResponse{Windows: make([]*whowhenv1.SendWindow, len(cids)), AsOf: timestamppb.New(p.view.AsOf()), Position: p.view.Position(),
		Model: p.model, Policy: p.policy.Name(), PolicyVersion: p.policy.Version()}
	w := p.newWorker()
	for i, cid := range cids {
		response.Windows[i] = encodeWindow(cid, w.answerFor(cid, ordinals[i], &all[i]))
	}
	return connect.NewResponse(response), ctx.Err()
}

// checkCIDs refuses what the store would refuse on writing: nobody can have such a CID, so that it was asked about is a mistake.
func checkCIDs(cids []string) error {
	for i, cid := range cids {
		message := batch.CheckName(cid) // which takes longer ones
		if len(cid) > batch.MaxCIDBytes {
			message = fmt.Sprintf("the name has %d bytes, at most %d are taken", len(cid), batch.MaxCIDBytes)
		}
		if message != "" {
			return invalid(fmt.Sprintf("cids[%d]", i), "%s", strings.Replace(message, "the name", "the CID", 1))
		}
	}
	return nil
}

// factsOf looks up what is known of some CIDs; of an unknown one, nothing.
func (p *sendPlan) factsOf(every []uint32) ([]sendFacts, error) {
	all := make([]sendFacts, len(every))
	rows := make([]int, 0, len(every))
	for row, ordinal := range every {
		all[row].zone, all[row].country = segments.NoCode, segments.NoCode
		if ordinal != segments.NoOrdinal {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b int) int { return cmp.Compare(every[a], every[b]) })
	ordinals := make([]uint32, len(rows))
	for i, row := range rows {
		ordinals[i] = every[row]
	}
	there := make([]bool, len(rows))
	if p.known {
		codes := make([]uint16, len(rows))
		for c := range hours.Columns {
			if err := p.view.ScoreCodes(hoursColumn(c), ordinals, codes, there); err != nil {
				return nil, err
			}
			for i, row := range rows {
				all[row].codes[c], all[row].hasHours = codes[i], there[i]
			}
		}
	}
	texts := make([]int64, len(rows))
	for _, attribute := range []struct {
		name string
		code func(*sendFacts) *uint32
	}{{p.zone, func(f *sendFacts) *uint32 { return &f.zone }}, {p.country, func(f *sendFacts) *uint32 { return &f.country }}} {
		if attribute.name == "" {
			continue
		}
		if err := p.view.TextCodes(attribute.name, ordinals, texts, there); err != nil {
			return nil, err
		}
		for i, row := range rows {
			if there[i] {
				*attribute.code(&all[row]) = uint32(texts[i])
			}
		}
	}
	return all, nil
}

func encodeWindow(cid string, a *plan.Answer) *whowhenv1.SendWindow {
	w := &whowhenv1.SendWindow{
		Cid: cid, Found: a.Found(), Zone: a.Zone.Name(), ZoneFrom: zoneFromName(a.ZoneFrom), Evidence: evidenceName(a.Evidence), ActiveDays: a.ActiveDays,
		Decision: a.Decision.String(), Reasons: reasonNames(a.Reasons),
	}
	if w.Found {
		w.Choice = encodeChoice(a.Choice, a.Zone)
	}
	for _, c := range a.Alternatives {
		w.Alternatives = append(w.Alternatives, encodeChoice(c, a.Zone))
	}
	return w
}

func encodeChoice(c plan.Choice, zone *plan.Zone) *whowhenv1.SendChoice {
	at := func(unix int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: unix} }
	return &whowhenv1.SendChoice{Start: at(c.StartUnix), End: at(c.EndUnix), SendAt: at(c.SendAtUnix), NotAfter: at(c.NotAfterUnix),
		LocalStart: zone.Local(c.StartUnix).Format(time.RFC3339), LocalEnd: zone.Local(c.EndUnix).Format(time.RFC3339), Probability: c.Probability, Engagement: c.Engagement}
}

func zoneFromName(f plan.ZoneFrom) string {
	switch f {
	case plan.FromProfile:
		return "PROFILE"
	case plan.FromOffsets:
		return "OFFSETS"
	}
	return "APP"
}

func evidenceName(e plan.Evidence) string {
	switch e {
	case plan.EvidenceEveryone:
		return "EVERYONE"
	case plan.EvidenceZone:
		return "ZONE"
	case plan.EvidenceUser:
		return "USER"
	}
	return "PRIOR"
}

func reasonNames(r plan.Reasons) []string {
	names := r.Names()
	for i, name := range names {
		names[i] = strings.ToUpper(name)
	}
	return names
}
