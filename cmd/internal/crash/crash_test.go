package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
)

// eventsEach is the number of events in a batch, by which a reader tells a torn one.
const eventsEach = 7

// writer sends numbered batches, one after the other, and again those whose answer it did not get.
type writer struct {
	id    int
	acked int // batches 1..acked are acknowledged
}

func (w *writer) event() string { return fmt.Sprintf("event %d", w.id) }
func (w *writer) cid() string   { return fmt.Sprintf("writer %d", w.id) }

// batch returns batch n. Its content depends on n alone, so that a retry is the same batch.
func (w *writer) batch(n int) *whowhenv1.WriteRequest {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n%40)
	request := &whowhenv1.WriteRequest{BatchId: fmt.Sprintf("%d/%d", w.id, n)}
	for i := range eventsEach {
		request.Records = append(request.Records, &whowhenv1.Record{Kind: &whowhenv1.Record_Event{Event: &whowhenv1.Event{
			Cid: w.cid(), Name: w.event(), Time: timestamppb.New(day.Add(time.Duration(n*eventsEach+i) * time.Second)),
			Properties: map[string]*whowhenv1.Value{"n": {Kind: &whowhenv1.Value_Number{Number: float64(n)}}},
		}}})
	}
	// Somebody new in each batch, a tag and an attribute, so that all parts of the index grow.
	guest := fmt.Sprintf("guest %d of writer %d", n, w.id)
	request.Records = append(request.Records,
		&whowhenv1.Record{Kind: &whowhenv1.Record_Tag{Tag: &whowhenv1.TagChange{Cid: guest, Tag: fmt.Sprintf("of %d", w.id)}}},
		&whowhenv1.Record{Kind: &whowhenv1.Record_Profile{Profile: &whowhenv1.ProfileChange{Cid: guest, Set: map[string]*whowhenv1.Value{
			"batch": {Kind: &whowhenv1.Value_Number{Number: float64(n)}},
		}}}})
	return request
}

// run writes until the server is gone.
func (w *writer) run(t *testing.T, s *server) {
	for {
		answer, err := s.ingest.Write(context.Background(), connect.NewRequest(w.batch(w.acked+1)))
		if err != nil {
			if code := connect.CodeOf(err); code != connect.CodeUnavailable && code != connect.CodeUnknown && code != connect.CodeCanceled {
				t.Errorf("%s, batch %d: %v", w.cid(), w.acked+1, err)
			}
			return
		}
		if len(answer.Msg.GetRejects()) > 0 || answer.Msg.GetAccepted() != eventsEach+2 {
			t.Errorf("%s, batch %d: %v", w.cid(), w.acked+1, answer.Msg)
			return
		}
		w.acked++
	}
}

// check asks whether exactly the acknowledged batches are there, or one more: the one whose answer was lost.
func (w *writer) check(t *testing.T, s *server) {
	t.Helper()
	holds := func(n int) bool {
		expression := fmt.Sprintf(`count(%q) = %d and sum("%s.n") = %d`, w.event(), n*eventsEach, w.event(), eventsEach*n*(n+1)/2)
		answer, err := s.audience.Contains(context.Background(), connect.NewRequest(&whowhenv1.ContainsRequest{
			Expression: expression, Cids: []string{w.cid()},
		}))
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		guests, err := s.audience.Count(context.Background(), connect.NewRequest(&whowhenv1.CountRequest{
			Expression: fmt.Sprintf(`tag("of %d") and batch >= 1`, w.id),
		}))
		if err != nil {
			t.Fatal(err)
		}
		return answer.Msg.GetContained()[0] && guests.Msg.GetCount() == uint64(n)
	}
	if w.acked > 0 && !holds(w.acked) && !holds(w.acked+1) {
		why, err := s.audience.Explain(context.Background(), connect.NewRequest(&whowhenv1.ExplainRequest{
			Expression: fmt.Sprintf(`sum("%s.n") > 0 and batch exists`, w.event()), Cid: w.cid(),
		}))
		t.Fatalf("%s: %d batches were acknowledged; the server says %v, %v", w.cid(), w.acked, why, err)
	}
}

// watch counts while writers write: each batch is there whole or not at all.
func watch(t *testing.T, s *server, writers []*writer) {
	for i := 0; ; i++ {
		w := writers[i%len(writers)]
		answer, err := s.audience.Explain(context.Background(), connect.NewRequest(&whowhenv1.ExplainRequest{
			Expression: fmt.Sprintf(`count(%q) >= 0`, w.event()), Cid: w.cid(),
		}))
		if err != nil {
			return
		}
		if n := answer.Msg.GetRoot().GetEvidence().GetCount(); n%eventsEach != 0 {
			t.Errorf("%s has %d events: part of a batch is visible", w.cid(), n)
			return
		}
	}
}

// sound checks every invariant of what the killed server has left.
func sound(t *testing.T, dir string) {
	t.Helper()
	v, err := segments.Verify(context.Background(), dir, "", segments.Options{}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Findings {
		t.Errorf("%s: %s", f.Part, f.Problem)
	}
}

func TestKilledServerLosesNothing(t *testing.T) {
	cycles := 6
	if text := os.Getenv("WHOWHEN_CRASH_CYCLES"); text != "" {
		var err error
		if cycles, err = strconv.Atoi(text); err != nil {
			t.Fatalf("WHOWHEN_CRASH_CYCLES: %v", err)
		}
	} else if testing.Short() {
		t.Skip("starts the program several times")
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("WHOWHEN_CRASH_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("WHOWHEN_CRASH_SEED: %v", err)
		}
	}
	t.Logf("WHOWHEN_CRASH_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	program, dir := buildProgram(t), t.TempDir()
	var writers []*writer
	for id := range 4 {
		writers = append(writers, &writer{id: id})
	}
	for cycle := range cycles {
		s := start(t, program, dir, 20_000+random.IntN(200_000), 50_000+random.IntN(500_000))
		for _, w := range writers {
			w.check(t, s)
		}
		var running sync.WaitGroup
		for _, w := range writers {
			running.Go(func() { w.run(t, s) })
		}
		running.Go(func() { watch(t, s, writers) })
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		s.kill(t)
		running.Wait()
		sound(t, dir)
		if t.Failed() {
			t.Fatalf("in cycle %d\n%s", cycle, s.stderr.String())
		}
	}
	s := start(t, program, dir, 64<<20, 1<<30)
	total := 0
	for _, w := range writers {
		w.check(t, s)
		total += w.acked
	}
	s.kill(t)
	t.Logf("%d cycles, %d batches acknowledged, none lost, none twice", cycles, total)
}
