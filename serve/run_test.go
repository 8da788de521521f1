package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/reflect/protoreflect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

func TestPages(t *testing.T) {
	s := newServer(t, Options{Version: "1.2.3"})
	url := listen(t, s)
	page := func(path string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := newHTTPClient(t, false).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	for _, c := range []struct {
		path   string
		status int
		words  string
	}{
		{"/", 200, "whowhen 1.2.3"}, {"/", 200, "whowhen.v1.AudienceService/Count"}, {"/healthz", 200, "ok\n"},
		{"/favicon.ico", 404, "GET / says"}, {"/whowhen.v1.AudienceService/Nope", 404, ""},
	} {
		if status, text := page(c.path); status != c.status || !strings.Contains(text, c.words) {
			t.Errorf("%s: %d %s", c.path, status, text)
		}
	}
	if status, text := post(t, url+"/whowhen.v1.AudienceService/Count", "{}", "Content-Type", "application/x-www-form-urlencoded"); status != 415 || !strings.Contains(text, "Content-Type: application/json") {
		t.Errorf("curl without a content type: %d %s", status, text)
	}
	s.draining.Store(true)
	if status, text := page("/healthz"); status != 503 || !strings.Contains(text, "shutting down") {
		t.Errorf("/healthz while draining: %d %s", status, text)
	}
}

func TestHealth(t *testing.T) {
	s := newServer(t, Options{})
	url := listen(t, s) + "/grpc.health.v1.Health/Check"
	for _, in := range []string{`{}`, `{"service":"whowhen.v1.IngestService"}`} {
		if status, got := post(t, url, in); status != 200 || got != `{"status":"SERVING_STATUS_SERVING"}` {
			t.Errorf("%s: %d %s", in, status, got)
		}
	}
	if status, got := post(t, url, `{"service":"x"}`); status != 404 || !strings.Contains(got, `"field":"service"`) {
		t.Errorf("unknown service: %d %s", status, got)
	}
	s.draining.Store(true)
	if _, got := post(t, url, `{}`); got != `{"status":"SERVING_STATUS_NOT_SERVING"}` {
		t.Errorf("draining: %s", got)
	}
}

func TestReflection(t *testing.T) {
	url := listen(t, newServer(t, Options{}))
	stream := grpcreflect.NewClient(newHTTPClient(t, true), url, connect.WithGRPC()).NewStream(t.Context())
	defer stream.Close()
	names, err := stream.ListServices()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range append(serviceNames(), "grpc.health.v1.Health") {
		if !slices.Contains(names, protoreflect.FullName(want)) {
			t.Errorf("%s is not among %v", want, names)
		}
	}
	files, err := stream.FileContainingSymbol("whowhen.v1.AudienceService.Count")
	if err != nil || len(files) == 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// TestStopTellsStreams stops a server in the middle of a stream.
func TestStopTellsStreams(t *testing.T) {
	s := newServer(t, Options{Limits: Limits{DrainTimeout: 100 * time.Millisecond}})
	crowd(t, newClients(InProcess(s.Handler()), "http://any"), 300_000)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	c := newClients(newHTTPClient(t, true), "http://"+ln.Addr().String(), connect.WithGRPC())
	stream, err := c.audience.Select(t.Context(), connect.NewRequest(&whowhenv1.SelectRequest{Expression: "everyone"}))
	if err != nil || !stream.Receive() {
		t.Fatal(err, stream.Err())
	}
	stop()
	time.Sleep(200 * time.Millisecond) // let DrainTimeout pass with the stream unread
	for stream.Receive() {
	}
	if code, info := infoOf(t, stream.Err()); code != connect.CodeUnavailable || info.Reason != "SHUTTING_DOWN" || !info.Retryable {
		t.Errorf("%v %v", code, info)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestStopCutsOffDeafCallers(t *testing.T) {
	s := newServer(t, Options{Limits: Limits{DrainTimeout: 10 * time.Millisecond}})
	crowd(t, newClients(InProcess(s.Handler()), "http://any"), 600_000)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	c := newClients(newHTTPClient(t, true), "http://"+ln.Addr().String())
	stream, err := c.audience.Select(t.Context(), connect.NewRequest(&whowhenv1.SelectRequest{Expression: "everyone"}))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	start := time.Now()
	stop()
	if err := <-ended; err != nil || time.Since(start) > 2*afterDrain {
		t.Errorf("Serve: %v after %v", err, time.Since(start))
	}
}

// TestCallerLeaves ends the handler of a stream that nobody wants any more.
func TestCallerLeaves(t *testing.T) {
	s := newServer(t, Options{})
	url := listen(t, s)
	local := newClients(InProcess(s.Handler()), "http://any")
	crowd(t, local, 300_000)
	for name, c := range map[string]clients{
		"HTTP/1": newClients(newHTTPClient(t, false), url), "HTTP/2": newClients(newHTTPClient(t, true), url), "in-process": local,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			stream, err := c.audience.Select(ctx, connect.NewRequest(&whowhenv1.SelectRequest{Expression: "everyone"}))
			if err != nil || !stream.Receive() {
				t.Fatal(err, stream.Err())
			}
			cancel()
			for stream.Receive() {
			}
			if connect.CodeOf(stream.Err()) != connect.CodeCanceled {
				t.Errorf("%v", stream.Err())
			}
			stream.Close()
		})
	}
	// That the handlers ended shows when the server stops without cutting them off, and
	// when no goroutine is left.
}

func TestServeSaysWhyItCannot(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := newServer(t, Options{}).Serve(t.Context(), ln); err == nil || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("Serve on a closed listener: %v", err)
	}
}
