package serve

import (
	"context"
	"math"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/plan"
)

// audiencePlan plans a message for an audience.
type audiencePlan struct {
	*sendPlan
	node expr.Node
	head *whowhenv1.WhenAllResponse
}

func (s sendTimeService) openAudience(ctx context.Context, r *whowhenv1.WhenAllRequest) (*audiencePlan, error) {
	node, err := expr.Parse(r.GetExpression())
	if err != nil {
		return nil, err
	}
	message := &whowhenv1.SendMessage{}
	proto.Merge(message, r.GetMessage())
	message.Alternatives = 0 // an audience is told the best windows only
	p, err := s.newSendPlan(ctx, r.GetApp(), message, r.GetRead())
	if err != nil {
		return nil, err
	}
	if err := p.view.Check(node); err != nil {
		p.close()
		return nil, err
	}
	return &audiencePlan{p, node, &whowhenv1.WhenAllResponse{AsOf: timestamppb.New(p.view.AsOf()), Position: p.view.Position(), Model: p.model,
		Policy: p.policy.Name(), PolicyVersion: p.policy.Version(), Warnings: encodeWarnings(p.view.Warnings(node))}}, nil
}

// plannedBlock are the answers for the members of a block.
type plannedBlock struct {
	cids     batch.CIDs
	rows     []plannedRow
	decision uint64     // the first half of all decisions
	ready    chan error // told once, when the block is planned or could not be
}

type plannedRow struct {
	window     windowKey // zero for none
	sendAfter  uint32    // seconds
	chance     uint16
	reasons    plan.Reasons
	evidence   plan.Evidence
	subject    uint64 // of the decision
	sendAtUnix int64
	zone       *plan.Zone
}

// windowKey tells windows of an answer apart.
type windowKey struct {
	start, end, notAfter int64
	zone                 *plan.Zone
	from                 plan.ZoneFrom
}

// each calls yield with the blocks of the audience, in their order, while others are planned by two goroutines. A block is good until yield returns.
func (p *audiencePlan) each(ctx context.Context, yield func(*plannedBlock) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	const workers = 2
	blocks := p.view.Blocks()
	buffers := make([]*plannedBlock, 2*workers)
	for i := range buffers {
		buffers[i] = &plannedBlock{ready: make(chan error, 1)}
	}
	free := make([]chan struct{}, len(buffers)) // a buffer's turn to be filled
	for i := range free {
		free[i] = make(chan struct{}, 1)
		free[i] <- struct{}{}
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop()
	for k := range workers {
		wait.Go(func() {
			w := &blockPlanner{worker: p.newWorker(), plan: p}
			for number := k; number < blocks; number += workers {
				b := number % len(buffers)
				select {
				case <-free[b]:
				case <-ctx.Done():
					return
				}
				buffers[b].ready <- w.plan1(ctx, number, buffers[b])
			}
		})
	}
	for number := range blocks {
		b := number % len(buffers)
		select {
		case err := <-buffers[b].ready:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(buffers[b].rows) > 0 {
			if err := yield(buffers[b]); err != nil {
				return err
			}
		}
		free[b] <- struct{}{}
	}
	return nil
}

// blockPlanner plans block after block. It belongs to one goroutine.
type blockPlanner struct {
	plan   *audiencePlan
	worker *sendWorker

	members  segments.Words
	ordinals []uint32
	facts    [segments.BlockCIDs]sendFacts
}

// plan1 plans a block. What it reads of the store it has let go of when it returns.
func (b *blockPlanner) plan1(ctx context.Context, number int, to *plannedBlock) error {
	if err := b.read(ctx, number); err != nil {
		return err
	}
	to.rows = to.rows[:0]
	b.plan.view.ReadCIDs(&to.cids, b.ordinals)
	for i, ordinal := range b.ordinals {
		a := b.worker.answerFor(to.cids.At(i), &b.facts[ordinal%segments.BlockCIDs])
		to.decision = a.Decision.Message
		row := plannedRow{reasons: a.Reasons, evidence: a.Evidence, subject: a.Decision.Subject, zone: a.Zone}
		if a.Found() {
			row.window = windowKey{a.StartUnix, a.EndUnix, a.NotAfterUnix, a.Zone, a.ZoneFrom}
			row.sendAfter, row.sendAtUnix = uint32(a.SendAtUnix-a.StartUnix), a.SendAtUnix
			row.chance = uint16(math.Round(a.Probability * math.MaxUint16))
		}
		to.rows = append(to.rows, row)
	}
	return ctx.Err()
}

// read looks up who is in the audience, and what is known of them.
func (b *blockPlanner) read(ctx context.Context, number int) error {
	p := b.plan
	b.ordinals = b.ordinals[:0]
	members, err := p.view.Members(ctx, p.node)
	if err != nil {
		return err
	}
	defer members.Close()
	if err := members.At(number, &b.members); err != nil {
		return err
	}
	base := uint32(number) * segments.BlockCIDs
	b.members.Each(func(x uint16) bool {
		b.ordinals = append(b.ordinals, base+uint32(x))
		b.facts[x] = sendFacts{}
		return true
	})
	if len(b.ordinals) == 0 {
		return nil
	}
	r := p.view.BlockReader(ctx)
	defer r.Close()
	if _, err := r.GoTo(number); err != nil {
		return err
	}
	if p.known {
		for c := range hours.Columns {
			if err := r.ScoreCodes(hoursColumn(c), func(x, code uint16) { b.facts[x].codes[c], b.facts[x].hasHours = code, true }); err != nil {
				return err
			}
		}
	}
	if p.zone != "" {
		if err := r.AttributeCodes(p.zone, func(x uint16, code int64) { b.facts[x].zone, b.facts[x].hasZone = code, true }); err != nil {
			return err
		}
	}
	if p.country != "" {
		return r.AttributeCodes(p.country, func(x uint16, code int64) { b.facts[x].country, b.facts[x].hasCountry = code, true })
	}
	return nil
}

func (s sendTimeService) WhenAll(ctx context.Context, r *connect.Request[whowhenv1.WhenAllRequest], stream *connect.ServerStream[whowhenv1.WhenAllResponse]) error {
	p, err := s.openAudience(ctx, r.Msg)
	if err != nil {
		return err
	}
	defer p.close()
	if err := stream.Send(p.head); err != nil {
		return err
	}
	const most = 8192 // rows of a message
	numbers := map[windowKey]uint32{{}: 0}
	message := &whowhenv1.WhenAllResponse{}
	return p.each(ctx, func(b *plannedBlock) error {
		for from := 0; from < len(b.rows); from += most {
			to := min(from+most, len(b.rows))
			message.NewWindows, message.Window, message.SendAfterSeconds = message.NewWindows[:0], message.Window[:0], message.SendAfterSeconds[:0]
			message.Probability, message.Reasons, message.Evidence, message.DecisionCid = message.Probability[:0], message.Reasons[:0], message.Evidence[:0], message.DecisionCid[:0]
			for i := range b.rows[from:to] {
				row := &b.rows[from+i]
				number, known := numbers[row.window]
				if !known {
					number = uint32(len(numbers))
					numbers[row.window] = number
					message.NewWindows = append(message.NewWindows, encodeEntry(row.window))
				}
				message.Window = append(message.Window, number)
				message.SendAfterSeconds = append(message.SendAfterSeconds, row.sendAfter)
				message.Probability = append(message.Probability, uint32(row.chance))
				message.Reasons = append(message.Reasons, uint32(row.reasons))
				message.Evidence = append(message.Evidence, uint32(row.evidence))
				message.DecisionCid = append(message.DecisionCid, row.subject)
			}
			message.DecisionMessage = b.decision
			if err := putCIDs(message, &b.cids, from, to, r.Msg.GetPacked()); err != nil {
				return err
			}
			if err := stream.Send(message); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// putCIDs puts some of the CIDs into a message, as text or packed.
func putCIDs(message *whowhenv1.WhenAllResponse, cids *batch.CIDs, from, to int, packed bool) error {
	message.Cids, message.PackedCids = message.Cids[:0], message.PackedCids[:0]
	if len(cids.Strings) == 0 {
		part := batch.CIDs{Packed: cids.Packed[from*batch.PackedBytes : to*batch.PackedBytes]}
		if packed {
			message.PackedCids = append(message.PackedCids, part.Packed...)
		} else {
			message.Cids = appendTexts(message.Cids, &part)
		}
		return nil
	}
	for _, cid := range cids.Strings[from:to] {
		if !packed {
			message.Cids = append(message.Cids, cid)
			continue
		}
		var p [batch.PackedBytes]byte
		if !batch.Pack(&p, cid) {
			return errNotPackable(cid)
		}
		message.PackedCids = append(message.PackedCids, p[:]...)
	}
	return nil
}

func encodeEntry(k windowKey) *whowhenv1.SendWindowEntry {
	at := func(unix int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: unix} }
	return &whowhenv1.SendWindowEntry{Start: at(k.start), End: at(k.end), NotAfter: at(k.notAfter), Zone: k.zone.Name(), ZoneFrom: zoneFromName(k.from)}
}

func (s sendTimeService) Histogram(ctx context.Context, r *connect.Request[whowhenv1.WhenAllRequest]) (*connect.Response[whowhenv1.HistogramResponse], error) {
	p, err := s.openAudience(ctx, r.Msg)
	if err != nil {
		return nil, err
	}
	defer p.close()
	response := &whowhenv1.HistogramResponse{AsOf: p.head.AsOf, Position: p.head.Position, Model: p.model, Policy: p.head.Policy, PolicyVersion: p.head.PolicyVersion, Warnings: p.head.Warnings}
	var h plan.Histogram
	err = p.each(ctx, func(b *plannedBlock) error {
		response.Cids += uint64(len(b.rows))
		for i := range b.rows {
			if b.rows[i].window == (windowKey{}) {
				response.WithoutWindow++
				continue
			}
			h.AddAt(b.rows[i].zone, b.rows[i].sendAtUnix, 1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, q := range h.Quarters() {
		response.Quarters = append(response.Quarters, &whowhenv1.HistogramQuarter{Start: &timestamppb.Timestamp{Seconds: q.StartUnix}, Cids: q.Count})
	}
	for _, z := range h.Zones() {
		response.Zones = append(response.Zones, &whowhenv1.HistogramZone{Zone: z.Zone.Name(), Cids: z.Count})
	}
	return connect.NewResponse(response), nil
}
