package serve

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

type adminService struct {
	home    *segments.Home
	version string
}

func (a adminService) Status(ctx context.Context, r *connect.Request[whowhenv1.StatusRequest]) (*connect.Response[whowhenv1.StatusResponse], error) {
	app, err := a.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	status, err := app.Status()
	if err != nil {
		return nil, err
	}
	response := encodeStatus(status, a.version)
	response.Goroutines, response.MemoryBytes = processUse()
	return connect.NewResponse(response), nil
}

// processUse returns what the process takes: goroutines, and bytes that the Go runtime has from the system and not
// given back.
func processUse() (goroutines, memoryBytes uint64) {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return uint64(runtime.NumGoroutine()), samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

func (a adminService) SetRetention(ctx context.Context, r *connect.Request[whowhenv1.SetRetentionRequest]) (*connect.Response[whowhenv1.SetRetentionResponse], error) {
	rules, err := decodeRetentions(r.Msg.GetRules())
	if err != nil {
		return nil, err
	}
	app, err := a.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	position, err := app.SetRetention(ctx, r.Msg.GetValidateOnly(), rules...)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&whowhenv1.SetRetentionResponse{Position: position, Warnings: encodeWarnings(app.RetentionWarnings(rules))}), nil
}

func decodeRetentions(rules []*whowhenv1.Retention) ([]batch.Retention, error) {
	decoded := make([]batch.Retention, len(rules))
	for i, r := range rules {
		if r.GetOf() == nil {
			return nil, &segments.Error{Reason: segments.RetentionInvalid, Field: fmt.Sprintf("rules[%d]", i), Message: "a rule names an event or a tag"}
		}
		_, tag := r.GetOf().(*whowhenv1.Retention_Tag)
		decoded[i] = batch.Retention{Tag: tag, Name: r.GetEvent() + r.GetTag(), KeepDays: int32(min(r.GetKeepDays(), math.MaxInt32))}
	}
	return decoded, nil
}

func encodeRetentions(rules []batch.Retention) []*whowhenv1.Retention {
	encoded := make([]*whowhenv1.Retention, len(rules))
	for i, r := range rules {
		encoded[i] = &whowhenv1.Retention{KeepDays: uint32(r.KeepDays), Of: &whowhenv1.Retention_Event{Event: r.Name}}
		if r.Tag {
			encoded[i].Of = &whowhenv1.Retention_Tag{Tag: r.Name}
		}
	}
	return encoded
}

func encodeStatus(s segments.Status, version string) *whowhenv1.StatusResponse {
	response := &whowhenv1.StatusResponse{
		App: s.App, Zone: s.Zone, Version: version, StartedAt: timestamppb.New(s.StartedAt),
		Writable: s.Writable, WhyReadOnly: s.WhyReadOnly,
		DurablePosition: s.DurablePosition, VisiblePosition: s.VisiblePosition, CheckpointPosition: s.CheckpointPosition,
		Cids: s.CIDs, Tags: encodeFields(s.Tags), Attributes: encodeFields(s.Attributes),
		LogBytes: s.LogBytes, IndexBytes: s.IndexBytes, CacheBytes: s.CacheBytes, CacheBudgetBytes: s.CacheBudgetBytes, CacheHits: s.CacheHits, CacheMisses: s.CacheMisses,
		DirtyBytes: s.DirtyBytes, Recovery: s.Recovery, Retentions: encodeRetentions(s.Retentions), WhyNoSnapshot: s.WhyNoSnapshot,
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
