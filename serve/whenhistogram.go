package serve

import (
	"context"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/serve/plan"
)

func (s sendTimeService) Histogram(ctx context.Context, r *connect.Request[whowhenv1.WhenAllRequest]) (*connect.Response[whowhenv1.HistogramResponse], error) {
	p, err := s.openAudience(ctx, r.Msg, &s.rooms.histograms)
	if err != nil {
		return nil, err
	}
	defer p.close()
	response := &whowhenv1.HistogramResponse{AsOf: p.head.AsOf, Position: p.head.Position, Model: p.model, Policy: p.head.Policy, PolicyVersion: p.head.PolicyVersion, Warnings: p.head.Warnings}
	h, cids, err := p.histogram(ctx)
	if err != nil {
		return nil, err
	}
	response.Cids, response.WithoutWindow = cids, h.NoWindow()
	for _, q := range h.Quarters() {
		response.Quarters = append(response.Quarters, &whowhenv1.HistogramQuarter{Start: &timestamppb.Timestamp{Seconds: q.StartUnix}, Cids: q.Count})
	}
	for _, z := range h.Zones() {
		response.Zones = append(response.Zones, &whowhenv1.HistogramZone{Zone: z.Zone.Name(), Cids: z.Count})
	}
	return connect.NewResponse(response), nil
}

// histogram counts everybody as each would be answered for.
func (p *audiencePlan) histogram(ctx context.Context) (h *plan.Histogram, cids uint64, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wait sync.WaitGroup
	var next atomic.Int64
	counters := make([]*blockCounter, audienceWorkers)
	for k := range counters {
		counters[k] = newBlockCounter(p.sendPlan)
		wait.Go(func() {
			if err := counters[k].count(ctx, p, &next); err != nil {
				stop(err)
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return nil, 0, context.Cause(ctx)
	}
	h = &plan.Histogram{}
	for _, c := range counters {
		cids += c.cids
		c.tally.AddTo(h)
	}
	if p.over {
		h = &plan.Histogram{}
		h.AddNone(cids)
	}
	return h, cids, nil
}
