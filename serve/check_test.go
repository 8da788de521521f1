package serve

import (
	"errors"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/serve/scoring"
)

// TestCheckEndsWithItsCaller holds that a check ends when it cannot be told how far it is.
func TestCheckEndsWithItsCaller(t *testing.T) {
	_, app, _ := modelServer(t)
	m, q, err := loadModel(modelDir(app), "churn", "1")
	if err != nil {
		t.Fatal(err)
	}
	base, view, err := asKnown(t.Context(), app, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	gone, calls := errors.New("gone"), 0
	_, err = check(t.Context(), view, modelDir(app), m, q, mostForetold, scoring.Walk{}, func(done, all uint64) error {
		if calls++; done != uint64(view.CIDs()) || all != 2*done {
			t.Errorf("%d of %d", done, all)
		}
		return gone
	})
	if !errors.Is(err, gone) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// TestCheckNotRead holds that who does not read what was found keeps nobody from scoring.
func TestCheckNotRead(t *testing.T) {
	s, _, client := modelServer(t)
	stream, err := client.Check(t.Context(), connect.NewRequest(&whowhenv1.CheckModelRequest{Name: "churn", Version: "1"}))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if !stream.Receive() || stream.Msg().All == 0 || stream.Msg().Found != nil {
		t.Fatalf("it begins with %v, %v", stream.Msg(), stream.Err())
	}
	for range 100 { // a check takes a small part of that
		time.Sleep(50 * time.Millisecond)
		if s.scores.computing.TryAcquire(1) {
			s.scores.computing.Release(1)
			return
		}
	}
	t.Error("nobody can score everybody until the answer is read")
}

// TestCheckAsOneMessage holds that a caller who expects one message alone is told that there are more, and never finds an empty answer.
func TestCheckAsOneMessage(t *testing.T) {
	s, _, _ := modelServer(t)
	url := listen(t, s)
	for name, o := range map[string]connect.ClientOption{"gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(), "Connect": connect.WithSendGzip()} {
		c := connect.NewClient[whowhenv1.CheckModelRequest, whowhenv1.ModelCheck](newHTTPClient(t, true), url+whowhenv1connect.ModelServiceCheckProcedure, o)
		if r, err := c.CallUnary(t.Context(), connect.NewRequest(&whowhenv1.CheckModelRequest{Name: "churn", Version: "1"})); err == nil {
			t.Errorf("%s: %v", name, r.Msg)
		}
	}
}
