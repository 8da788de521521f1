package serve

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"runtime/metrics"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/registry"
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
	response.Models, err = modelStatuses(ctx, app)
	return connect.NewResponse(response), err
}

// modelStatuses says how the models are of which a version is active.
func modelStatuses(ctx context.Context, app *segments.App) ([]*whowhenv1.ModelStatus, error) {
	dir := modelDir(app)
	names, err := dir.Names()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	published, err := publishedScores(ctx, app)
	if err != nil {
		return nil, err
	}
	var statuses []*whowhenv1.ModelStatus
	for _, name := range names {
		status := &whowhenv1.ModelStatus{Name: name, Published: encodePublished(published[name])}
		changes, err := dir.Changes(name)
		if err != nil {
			status.Problem = err.Error()
		}
		if status.Active, _ = registry.Active(changes); status.Active == "" && err == nil {
			continue
		}
		text, err := dir.Check(name)
		found := &whowhenv1.ModelCheck{}
		switch {
		case err != nil:
			status.Problem = err.Error()
		case text == nil:
		case (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, found) != nil:
			status.Problem = "what was last found cannot be read; it is found anew when the scores are refreshed"
		case found.Version == status.Active:
			status.Check = found
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
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

func (a adminService) Snapshot(ctx context.Context, r *connect.Request[whowhenv1.SnapshotRequest]) (*connect.Response[whowhenv1.SnapshotResponse], error) {
	app, err := a.home.ReadyApp(ctx, r.Msg.GetApp())
	if err != nil {
		return nil, err
	}
	path, position, err := app.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return connect.NewResponse(&whowhenv1.SnapshotResponse{Path: path, Position: position}), nil
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
