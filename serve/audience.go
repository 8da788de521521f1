package serve

import (
	"context"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

type audienceService struct{ home *segments.Home }

// question is what every request to AudienceService has.
type question interface {
	GetApp() string
	GetExpression() string
	GetRead() *whowhenv1.Read
}

// open parses the expression and pins a version to answer it from, which must be closed.
func (a audienceService) open(ctx context.Context, q question) (*segments.View, expr.Node, error) {
	node, err := expr.Parse(q.GetExpression())
	if err != nil {
		return nil, nil, err
	}
	options, err := decodeRead(q.GetRead())
	if err != nil {
		return nil, nil, err
	}
	app, err := a.home.ReadyApp(ctx, q.GetApp())
	if err != nil {
		return nil, nil, err
	}
	view, err := app.View(ctx, options)
	return view, node, err
}

func decodeRead(r *whowhenv1.Read) (segments.ReadOptions, error) {
	options := segments.ReadOptions{AtLeastPosition: r.GetAtLeastPosition()}
	if r.GetAsOf() == nil {
		return options, nil
	}
	if err := r.GetAsOf().CheckValid(); err != nil {
		return options, &segments.Error{Reason: segments.AsOfOutOfRange, Field: "read.as_of", Message: "as_of is not between the years 1 and 9999, or has parts out of range"}
	}
	options.AsOf = r.GetAsOf().AsTime()
	if options.AsOf.IsZero() { // the start of the year 1, which would mean now
		return options, &segments.Error{Reason: segments.AsOfOutOfRange, Field: "read.as_of", Message: "as_of lies before 1970"}
	}
	return options, nil
}

func (a audienceService) Count(ctx context.Context, r *connect.Request[whowhenv1.CountRequest]) (*connect.Response[whowhenv1.CountResponse], error) {
	view, node, err := a.open(ctx, r.Msg)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	count, err := view.Count(ctx, node)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&whowhenv1.CountResponse{
		Count: count, AsOf: timestamppb.New(view.AsOf()), Position: view.Position(),
		Warnings: encodeWarnings(view.Warnings(node)), Expression: node.String(),
	}), nil
}

func (a audienceService) Select(ctx context.Context, r *connect.Request[whowhenv1.SelectRequest], stream *connect.ServerStream[whowhenv1.SelectResponse]) error {
	view, node, err := a.open(ctx, r.Msg)
	if err != nil {
		return err
	}
	head := &whowhenv1.SelectResponse{
		AsOf: timestamppb.New(view.AsOf()), Position: view.Position(), Warnings: encodeWarnings(view.Warnings(node)),
	}
	selection, err := view.Select(ctx, node, r.Msg.GetLimit())
	view.Close() // callers may read slowly, and a version is much to hold on to
	if err != nil {
		return err
	}
	if err := stream.Send(head); err != nil {
		return err
	}
	out := cidSender{packed: r.Msg.GetPacked(), send: func(m *whowhenv1.SelectResponse) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return stream.Send(m)
	}}
	if err := selection.Each(out.add); err != nil {
		return err
	}
	return out.flush()
}

func (a audienceService) Contains(ctx context.Context, r *connect.Request[whowhenv1.ContainsRequest]) (*connect.Response[whowhenv1.ContainsResponse], error) {
	if n := len(r.Msg.GetCids()); n > MaxContains {
		return nil, &segments.Error{Reason: reasonTooManyCIDs, Field: "cids", Message: fmt.Sprintf(
			"%d CIDs in one request; at most %d are taken, ask for the others in another one", n, MaxContains)}
	}
	view, node, err := a.open(ctx, r.Msg)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	contained, err := view.Contains(ctx, node, r.Msg.GetCids())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&whowhenv1.ContainsResponse{
		Contained: contained, AsOf: timestamppb.New(view.AsOf()), Position: view.Position(),
		Warnings: encodeWarnings(view.Warnings(node)),
	}), nil
}

func (a audienceService) Explain(ctx context.Context, r *connect.Request[whowhenv1.ExplainRequest]) (*connect.Response[whowhenv1.ExplainResponse], error) {
	view, node, err := a.open(ctx, r.Msg)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	response := &whowhenv1.ExplainResponse{
		AsOf: timestamppb.New(view.AsOf()), Position: view.Position(), Warnings: encodeWarnings(view.Warnings(node)),
	}
	if cid := r.Msg.GetCid(); cid != "" {
		why, err := view.ExplainCID(ctx, node, cid)
		if err != nil {
			return nil, err
		}
		response.Root, response.CidKnown, response.Contained = encodeClause(why.Root), why.Known, why.Contained
		response.FirstHeard = encodeTime(why.FirstHeard)
		return connect.NewResponse(response), nil
	}
	root, err := view.Explain(ctx, node)
	response.Root = encodeClause(root)
	return connect.NewResponse(response), err
}
