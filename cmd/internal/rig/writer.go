package rig

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// eventsEach is the number of events in a batch, by which a reader tells a torn one.
const eventsEach = 7

// Writer sends numbered batches, one after the other, and again those whose answer it did not get. It writes under
// names of its own, so that several may write side by side. It is for one goroutine at a time.
type Writer struct {
	ID    int
	Acked int // batches 1 to Acked are acknowledged

	position uint64 // of the last of them
}

// Writers returns n writers.
func Writers(n int) []*Writer {
	writers := make([]*Writer, n)
	for id := range writers {
		writers[id] = &Writer{ID: id}
	}
	return writers
}

func (w *Writer) event() string { return fmt.Sprintf("event %d", w.ID) }
func (w *Writer) cid() string   { return fmt.Sprintf("writer %d", w.ID) }

// batch returns batch n. Its content depends on n alone, so that a retry is the same batch.
func (w *Writer) batch(n int) *whowhenv1.WriteRequest {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n%40)
	request := &whowhenv1.WriteRequest{BatchId: fmt.Sprintf("%d/%d", w.ID, n)}
	for i := range eventsEach {
		request.Records = append(request.Records, &whowhenv1.Record{Kind: &whowhenv1.Record_Event{Event: &whowhenv1.Event{
			Cid: w.cid(), Name: w.event(), Time: timestamppb.New(day.Add(time.Duration(n*eventsEach+i) * time.Second)),
			Properties: map[string]*whowhenv1.Value{"n": {Kind: &whowhenv1.Value_Number{Number: float64(n)}}},
		}}})
	}
	// Somebody new in each batch, a tag and an attribute, so that all parts of the index grow.
	guest := fmt.Sprintf("guest %d of writer %d", n, w.ID)
	request.Records = append(request.Records,
		&whowhenv1.Record{Kind: &whowhenv1.Record_Tag{Tag: &whowhenv1.TagChange{Cid: guest, Tag: fmt.Sprintf("of %d", w.ID)}}},
		&whowhenv1.Record{Kind: &whowhenv1.Record_Profile{Profile: &whowhenv1.ProfileChange{Cid: guest, Set: map[string]*whowhenv1.Value{
			"batch": {Kind: &whowhenv1.Value_Number{Number: float64(n)}},
		}}}})
	return request
}

// Write sends the next batch once. After an error it is sent again by the next call.
func (w *Writer) Write(ctx context.Context, s *Server) error {
	answer, err := s.Ingest.Write(ctx, connect.NewRequest(w.batch(w.Acked+1)))
	if err != nil {
		return err
	}
	if len(answer.Msg.GetRejects()) > 0 || answer.Msg.GetAccepted() != eventsEach+2 {
		return fmt.Errorf("%s, batch %d is not taken whole: %v", w.cid(), w.Acked+1, answer.Msg)
	}
	w.Acked++
	w.position = answer.Msg.GetPosition()
	return nil
}

// Run writes until something fails, which it returns.
func (w *Writer) Run(ctx context.Context, s *Server) error {
	for {
		if err := w.Write(ctx, s); err != nil {
			return fmt.Errorf("%s, batch %d: %w", w.cid(), w.Acked+1, err)
		}
	}
}

// Gone says whether an error of a call means that the server is not there any more.
func Gone(err error) bool {
	switch connect.CodeOf(err) {
	case connect.CodeUnavailable, connect.CodeUnknown, connect.CodeCanceled:
		return true
	}
	return false
}

// Check asks whether exactly the acknowledged batches are there, or one more: the one whose answer was lost.
func (w *Writer) Check(ctx context.Context, s *Server) error {
	for _, n := range []int{w.Acked, w.Acked + 1} {
		holds, err := w.holds(ctx, s, n)
		if err != nil {
			return fmt.Errorf("%s: %w", w.cid(), err)
		}
		if holds {
			return nil
		}
	}
	why, err := s.Audience.Explain(ctx, connect.NewRequest(&whowhenv1.ExplainRequest{
		Expression: fmt.Sprintf(`sum("%s.n") > 0 and batch exists`, w.event()), Cid: w.cid(),
	}))
	if err != nil {
		return fmt.Errorf("%s: %d batches were acknowledged and are not there: %w", w.cid(), w.Acked, err)
	}
	return fmt.Errorf("%s: %d batches were acknowledged; the server says %v", w.cid(), w.Acked, why.Msg)
}

// holds says whether exactly n batches are there.
func (w *Writer) holds(ctx context.Context, s *Server, n int) (bool, error) {
	read := &whowhenv1.Read{AtLeastPosition: w.position}
	guests, err := s.Audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{
		Expression: fmt.Sprintf(`tag("of %d") and batch >= 1`, w.ID), Read: read,
	}))
	if err != nil || guests.Msg.GetCount() != uint64(n) || n == 0 {
		return err == nil && guests.Msg.GetCount() == uint64(n), err
	}
	expression := fmt.Sprintf(`count(%q) = %d and sum("%s.n") = %d`, w.event(), n*eventsEach, w.event(), eventsEach*n*(n+1)/2)
	answer, err := s.Audience.Contains(ctx, connect.NewRequest(&whowhenv1.ContainsRequest{Expression: expression, Cids: []string{w.cid()}, Read: read}))
	return err == nil && answer.Msg.GetContained()[0], err
}

// Watch counts the events of one writer after the other until a call fails. It returns an error when it saw part of a
// batch: each is there whole or not at all.
func Watch(ctx context.Context, s *Server, writers []*Writer) error {
	for i := 0; ; i++ {
		w := writers[i%len(writers)]
		answer, err := s.Audience.Explain(ctx, connect.NewRequest(&whowhenv1.ExplainRequest{
			Expression: fmt.Sprintf(`count(%q) >= 0`, w.event()), Cid: w.cid(),
		}))
		if err != nil {
			return nil
		}
		if n := answer.Msg.GetRoot().GetEvidence().GetCount(); n%eventsEach != 0 {
			return fmt.Errorf("%s has %d events: part of a batch is visible", w.cid(), n)
		}
	}
}
