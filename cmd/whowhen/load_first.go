package main

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve"
)

// firstLoad writes to an app that is not there, and makes it with the first batch of which something is taken. Of the batches before it keeps how many
// rows they stood for, so that the app knows afterwards how far each load is. Calls come one at a time.
type firstLoad struct {
	to       *target
	withheld []*whowhenv1.LoadRows
	made     bool
}

func (f *firstLoad) GetLoad(ctx context.Context, r *connect.Request[whowhenv1.GetLoadRequest]) (*connect.Response[whowhenv1.GetLoadResponse], error) {
	if f.made {
		return f.to.api.ingest.GetLoad(ctx, r)
	}
	state := &whowhenv1.GetLoadResponse{}
	for _, l := range f.withheld {
		if l.LoadId == r.Msg.LoadId {
			state.NextRow, state.Finished = l.FirstRow+l.Rows, l.Last
			state.RejectedRows += l.RejectedRows
			state.SkippedRows += l.SkippedRows
		}
	}
	return connect.NewResponse(state), nil
}

func (f *firstLoad) Write(ctx context.Context, r *connect.Request[whowhenv1.WriteRequest]) (*connect.Response[whowhenv1.WriteResponse], error) {
	if f.made {
		return f.to.api.ingest.Write(ctx, r)
	}
	answer, err := f.rehearse(ctx, r.Msg)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// Where there is no room to rehearse, it is for the app itself to say what is wrong.
	if err == nil && answer.Accepted == 0 {
		l := r.Msg.Load
		f.withheld = append(f.withheld, &whowhenv1.LoadRows{
			LoadId: l.LoadId, FirstRow: l.FirstRow, Rows: l.Rows, RejectedRows: l.RejectedRows + uint64(len(answer.Rejects)), SkippedRows: l.SkippedRows, Last: l.Last,
		})
		return connect.NewResponse(&whowhenv1.WriteResponse{Rejects: answer.Rejects}), nil
	}
	if err := f.to.make(ctx); err != nil {
		return nil, err
	}
	for len(f.withheld) > 0 {
		if err := f.hand(ctx, f.withheld[0]); err != nil {
			return nil, err
		}
		f.withheld = f.withheld[1:]
	}
	f.made = true
	return f.to.api.ingest.Write(ctx, r)
}

// hand tells the app of rows that were withheld. Where an answer gets lost and the call is made again, the app has them.
func (f *firstLoad) hand(ctx context.Context, rows *whowhenv1.LoadRows) error {
	_, err := f.to.api.ingest.Write(ctx, connect.NewRequest(&whowhenv1.WriteRequest{App: f.to.m.flags.App, Load: rows}))
	if rpc := (*connect.Error)(nil); errors.As(err, &rpc) {
		if info := errorInfo(rpc); info != nil && info.Reason == string(segments.LoadOutOfOrder) {
			return nil
		}
	}
	return err
}

// rehearse asks an empty app what it would take of a batch. An app that takes nothing is not asked.
func (f *firstLoad) rehearse(ctx context.Context, w *whowhenv1.WriteRequest) (*whowhenv1.WriteResponse, error) {
	if len(w.EventColumns)+len(w.TagColumns)+len(w.ProfileColumns) == 0 {
		return &whowhenv1.WriteResponse{}, nil
	}
	m := f.to.m
	home, done, err := m.scratchHome()
	if err != nil {
		return nil, err
	}
	defer done()
	server := serve.New(home, serve.Options{Logger: m.quietLogger(), Version: m.Version, Clock: m.Clock.Now, Policies: m.policies()})
	answer, err := m.newAPI(serve.InProcess(server.Handler()), inProcessAddress).ingest.Write(ctx, connect.NewRequest(&whowhenv1.WriteRequest{
		ValidateOnly: true, EventColumns: w.EventColumns, TagColumns: w.TagColumns, ProfileColumns: w.ProfileColumns,
	}))
	if err != nil {
		return nil, err
	}
	return answer.Msg, nil
}
