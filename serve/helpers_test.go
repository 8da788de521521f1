package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.uber.org/goleak"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testNow = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

func testClock() time.Time { return testNow }

// newServer returns a Server for an empty directory, at a fixed moment.
func newServer(t testing.TB, o Options) *Server {
	t.Helper()
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: testClock, CacheBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Errorf("closing the home: %v", err)
		}
	})
	o.Clock = testClock
	return New(home, o)
}

// listen runs the server until the test ends and returns its URL.
func listen(t testing.TB, s *Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + ln.Addr().String()
}

// newHTTPClient returns a client of its own connections, over HTTP/2 without TLS or HTTP/1.1.
func newHTTPClient(t testing.TB, http2 bool) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(http2)
	transport.Protocols.SetHTTP1(!http2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post sends a body as curl would and returns the status and the answer.
func post(t testing.TB, url, body string, header ...string) (int, string) {
	t.Helper()
	return postFrom(t, url, bytes.NewReader([]byte(body)), header...)
}

func postFrom(t testing.TB, url string, body io.Reader, header ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := newHTTPClient(t, false).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// infoOf returns the code and the detail of an error of the API.
func infoOf(t testing.TB, err error) (connect.Code, *whowhenv1.ErrorInfo) {
	t.Helper()
	var e *connect.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v (%T) is not a connect error", err, err)
	}
	for _, d := range e.Details() {
		if m, err := d.Value(); err == nil {
			if info, ok := m.(*whowhenv1.ErrorInfo); ok {
				return e.Code(), info
			}
		}
	}
	t.Fatalf("%v has no ErrorInfo", err)
	return 0, nil
}

type clients struct {
	ingest   whowhenv1connect.IngestServiceClient
	audience whowhenv1connect.AudienceServiceClient
	admin    whowhenv1connect.AdminServiceClient
}

func newClients(c *http.Client, url string, o ...connect.ClientOption) clients {
	return clients{
		whowhenv1connect.NewIngestServiceClient(c, url, o...),
		whowhenv1connect.NewAudienceServiceClient(c, url, o...),
		whowhenv1connect.NewAdminServiceClient(c, url, o...),
	}
}

// write sends a request that must succeed.
func (c clients) write(t testing.TB, m *whowhenv1.WriteRequest) *whowhenv1.WriteResponse {
	t.Helper()
	r, err := c.ingest.Write(t.Context(), connect.NewRequest(m))
	if err != nil {
		t.Fatal(err)
	}
	return r.Msg
}

func (c clients) count(t testing.TB, expression string, position uint64) uint64 {
	t.Helper()
	r, err := c.audience.Count(t.Context(), connect.NewRequest(&whowhenv1.CountRequest{
		Expression: expression, Read: &whowhenv1.Read{AtLeastPosition: position},
	}))
	if err != nil {
		t.Fatalf("count %s: %v", expression, err)
	}
	return r.Msg.Count
}

// selectAll reads a whole stream.
func (c clients) selectAll(t testing.TB, m *whowhenv1.SelectRequest) (cids []string, packed []byte, first *whowhenv1.SelectResponse, err error) {
	t.Helper()
	stream, err := c.audience.Select(t.Context(), connect.NewRequest(m))
	if err != nil {
		return nil, nil, nil, err
	}
	defer stream.Close()
	for stream.Receive() {
		if first == nil {
			first = stream.Msg()
		}
		cids = append(cids, stream.Msg().Cids...)
		packed = append(packed, stream.Msg().PackedCids...)
	}
	return cids, packed, first, stream.Err()
}
