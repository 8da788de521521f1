package serve

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
)

// audiencePlan plans a message for an audience.
type audiencePlan struct {
	*sendPlan
	node expr.Node
	turn share
	head *whowhenv1.WhenAllResponse
}

func (p *audiencePlan) close() {
	p.sendPlan.close()
	p.turn.give(0)
}

// openAudience waits for a turn in one of two rooms, and then pins a version. Both are given back by close.
func (s sendTimeService) openAudience(ctx context.Context, r *whowhenv1.WhenAllRequest, among *roomPair) (_ *audiencePlan, err error) {
	node, err := expr.Parse(r.GetExpression())
	if err != nil {
		return nil, err
	}
	turn, err := s.rooms.take(ctx, s.server.rooms, among.of(r.GetMessage().GetTransactional()))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			turn.give(0)
		}
	}()
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
	return &audiencePlan{p, node, turn, &whowhenv1.WhenAllResponse{AsOf: timestamppb.New(p.view.AsOf()), Position: p.view.Position(), Model: p.model,
		Policy: p.policy.Name(), PolicyVersion: p.policy.Version(), Warnings: encodeWarnings(p.view.Warnings(node))}}, nil
}

func (s sendTimeService) WhenAll(ctx context.Context, r *connect.Request[whowhenv1.WhenAllRequest], stream *connect.ServerStream[whowhenv1.WhenAllResponse]) error {
	p, err := s.openAudience(ctx, r.Msg, &s.rooms.streams)
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
			message.Engagement = message.Engagement[:0]
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
				message.Engagement = append(message.Engagement, uint32(row.engagement))
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
