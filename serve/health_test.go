package serve

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
)

// startingServer returns the URL of a server whose default app is being opened until release is called.
func startingServer(t *testing.T) (s *Server, url string, release func()) {
	t.Helper()
	dir := t.TempDir()
	home, err := segments.OpenHome(dir, segments.Options{Clock: testClock})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := home.App(""); err != nil {
		t.Fatal(err)
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "apps/default/clean-shutdown")); err != nil {
		t.Fatal(err)
	}
	released := make(chan struct{})
	home, err = segments.OpenHome(dir, segments.Options{Clock: testClock, OpenWait: 10 * time.Millisecond, TryIndex: func(ctx context.Context, _ string) error {
		select {
		case <-released:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	wait, err := home.OpenApps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(strings.Join(home.Openings(), ""), "trying") {
		time.Sleep(time.Millisecond)
	}
	s = New(home, Options{Clock: testClock})
	return s, listen(t, s), func() {
		close(released)
		if err := wait(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHealthWhileStarting(t *testing.T) {
	s, url, release := startingServer(t)
	const line = "app default: trying the index in a process of its own, since the last shutdown was not clean"
	healthz := func() (status int, retryAfter, text string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := newHTTPClient(t, false).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Retry-After"), string(body)
	}
	grpc := func() grpchealth.Status {
		r, err := healthChecker{s}.Check(t.Context(), &grpchealth.CheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Status
	}
	if status, retryAfter, text := healthz(); status != http.StatusServiceUnavailable || retryAfter != "1" || text != line+"\n" {
		t.Errorf("%d, %q, %q", status, retryAfter, text)
	}
	if got := grpc(); got != grpchealth.StatusNotServing {
		t.Errorf("grpc.health: %v", got)
	}
	c := newClients(newHTTPClient(t, true), url, connect.WithGRPC())
	count := connect.NewRequest(&whowhenv1.CountRequest{Expression: "everyone"})
	calls := map[string]func() error{
		"Count": func() error { _, err := c.audience.Count(t.Context(), count); return err },
		"Select": func() error {
			_, _, _, err := c.selectAll(t, &whowhenv1.SelectRequest{Expression: "everyone"})
			return err
		},
		"Status": func() error {
			_, err := c.admin.Status(t.Context(), connect.NewRequest(&whowhenv1.StatusRequest{}))
			return err
		},
		"GetLoad": func() error {
			_, err := c.ingest.GetLoad(t.Context(), connect.NewRequest(&whowhenv1.GetLoadRequest{LoadId: "x"}))
			return err
		},
		"Write": func() error {
			_, err := c.ingest.Write(t.Context(), connect.NewRequest(&whowhenv1.WriteRequest{Records: []*whowhenv1.Record{
				{Kind: &whowhenv1.Record_Tag{Tag: &whowhenv1.TagChange{Cid: "a", Tag: "t"}}},
			}}))
			return err
		},
	}
	for name, call := range calls {
		code, info := infoOf(t, call())
		if code != connect.CodeUnavailable || info.Reason != "STARTING" || !info.Retryable || info.Field != "app" {
			t.Errorf("%s: %v, %v", name, code, info)
		}
	}
	if err := calls["Count"](); err == nil || !strings.HasSuffix(err.Error(), line) {
		t.Errorf("%v", err)
	}
	if status, answer := post(t, url+"/whowhen.v1.AudienceService/Count", `{"expression":"everyone and"}`); status != http.StatusBadRequest {
		t.Errorf("a wrong expression need not wait: %d, %s", status, answer)
	}
	status, answer := post(t, url+"/whowhen.v1.AudienceService/Count", `{"expression":"everyone"}`)
	var told struct{ Code, Message string }
	if err := json.Unmarshal([]byte(answer), &told); err != nil || status != http.StatusServiceUnavailable || told.Code != "unavailable" || told.Message != line {
		t.Errorf("JSON: %d, %s", status, answer)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.audience.Count(gone, connect.NewRequest(&whowhenv1.CountRequest{Expression: "everyone"})); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}

	release()
	if status, retryAfter, text := healthz(); status != http.StatusOK || retryAfter != "" || text != "ok\n" {
		t.Errorf("%d, %q, %q", status, retryAfter, text)
	}
	if got := grpc(); got != grpchealth.StatusServing {
		t.Errorf("grpc.health: %v", got)
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
