package serve

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
)

type adminService struct {
	home    *segments.Home
	version string
}

func (a adminService) Status(_ context.Context, r *connect.Request[whowhenv1.StatusRequest]) (*connect.Response[whowhenv1.StatusResponse], error) {
	app, err := a.home.App(r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	status, err := app.Status()
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(encodeStatus(status, a.version)), nil
}

func encodeStatus(s segments.Status, version string) *whowhenv1.StatusResponse {
	response := &whowhenv1.StatusResponse{
		App: s.App, Zone: s.Zone, Version: version, StartedAt: timestamppb.New(s.StartedAt),
		Writable: s.Writable, WhyReadOnly: s.WhyReadOnly,
		DurablePosition: s.DurablePosition, VisiblePosition: s.VisiblePosition, CheckpointPosition: s.CheckpointPosition,
		Cids: s.CIDs, Tags: encodeFields(s.Tags), Attributes: encodeFields(s.Attributes),
		LogBytes: s.LogBytes, IndexBytes: s.IndexBytes, CacheBytes: s.CacheBytes, CacheBudgetBytes: s.CacheBudgetBytes,
		DirtyBytes: s.DirtyBytes, Recovery: s.Recovery,
	}
	for _, e := range s.Events {
		response.Events = append(response.Events, &whowhenv1.EventStatus{
			Name: e.Name, Count: e.Count, FirstDay: e.FirstDay, LastDay: e.LastDay, Properties: e.Properties,
		})
	}
	return response
}

func encodeFields(fields []segments.FieldStatus) []*whowhenv1.FieldStatus {
	encoded := make([]*whowhenv1.FieldStatus, len(fields))
	for i, f := range fields {
		encoded[i] = &whowhenv1.FieldStatus{Name: f.Name, Cids: f.CIDs, Type: f.Type}
	}
	return encoded
}
