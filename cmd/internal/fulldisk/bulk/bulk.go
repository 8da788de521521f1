// Package bulk is rig's numbered batches, large ones.
package bulk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/cmd/internal/rig"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// Writer sends numbered batches, one after the other, and again those whose answer it did not get. Writers side by
// side need names of their own. It is for one goroutine at a time.
type Writer struct {
	Name   string
	Events int // in a batch; each takes some 200 bytes of log
	Acked  int // batches 1 to Acked are acknowledged
}

// batch returns batch n: all events of somebody new. A retry is the same batch.
func (w *Writer) batch(n int) *whowhenv1.WriteRequest {
	request := &whowhenv1.WriteRequest{BatchId: fmt.Sprintf("%s/%d", w.Name, n)}
	cid, begin := fmt.Sprintf("%s %d", w.Name, n), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range w.Events {
		request.Records = append(request.Records, &whowhenv1.Record{Kind: &whowhenv1.Record_Event{Event: &whowhenv1.Event{
			Cid: cid, Name: w.Name, Time: timestamppb.New(begin.Add(time.Duration(i) * time.Minute)),
			EventId: fmt.Sprintf("%s of %s, %d", strings.Repeat("long ", 18), cid, i),
		}}})
	}
	return request
}

// Write sends the next batch once. After an error it is sent again by the next call.
func (w *Writer) Write(ctx context.Context, s *rig.Server) error {
	answer, err := s.Ingest.Write(ctx, connect.NewRequest(w.batch(w.Acked+1)))
	if err != nil {
		return err
	}
	if rejects := answer.Msg.GetRejects(); len(rejects) > 0 || answer.Msg.GetAccepted() != uint64(w.Events) {
		return fmt.Errorf("%s, batch %d is not taken whole: %d records are, %v", w.Name, w.Acked+1, answer.Msg.GetAccepted(), rejects[:min(1, len(rejects))])
	}
	w.Acked++
	return nil
}

// Check asks whether exactly the acknowledged batches are there, each whole, or one more: the one whose answer was
// lost.
func (w *Writer) Check(ctx context.Context, s *rig.Server) error {
	some, err := count(ctx, s, fmt.Sprintf("did(%q)", w.Name))
	if err != nil {
		return fmt.Errorf("%s: %w", w.Name, err)
	}
	whole, err := count(ctx, s, fmt.Sprintf("count(%q) = %d", w.Name, w.Events))
	if err != nil {
		return fmt.Errorf("%s: %w", w.Name, err)
	}
	if some != whole || whole != w.Acked && whole != w.Acked+1 {
		return fmt.Errorf("%s: %d batches were acknowledged; there are %d, %d of them whole", w.Name, w.Acked, some, whole)
	}
	return nil
}

func count(ctx context.Context, s *rig.Server, expression string) (int, error) {
	answer, err := s.Audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{Expression: expression}))
	if err != nil {
		return 0, err
	}
	return int(answer.Msg.GetCount()), nil
}
