package serve

import (
	"context"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
)

type ingestService struct{ home *segments.Home }

func (i ingestService) Write(ctx context.Context, r *connect.Request[whowhenv1.WriteRequest]) (*connect.Response[whowhenv1.WriteResponse], error) {
	request, err := decodeWrite(r.Msg)
	if err != nil {
		return nil, err
	}
	app, err := i.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	result, err := app.Write(ctx, request)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(encodeWrite(result)), nil
}

func (i ingestService) GetLoad(ctx context.Context, r *connect.Request[whowhenv1.GetLoadRequest]) (*connect.Response[whowhenv1.GetLoadResponse], error) {
	if err := checkID("load_id", r.Msg.GetLoadId()); err != nil {
		return nil, err
	}
	app, err := i.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(encodeLoad(app.Load(r.Msg.GetLoadId()))), nil
}
