package serve

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

const writePath = "/whowhen.v1.IngestService/Write"

// begin sends a part of a request's body and leaves the rest out.
func begin(t *testing.T, url string, promised, sent int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", writePath, promised, strings.Repeat(" ", sent))
	return conn
}

// answerOn returns the answer that a connection has got, if there is one.
func answerOn(t *testing.T, conn net.Conn) (status int, text string) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(got)
}

// waitForReaders waits until so many calls have been waiting for more of their bodies for a moment.
func waitForReaders(t *testing.T, s *Server, n int) {
	t.Helper()
	const moment = 20 * time.Millisecond
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		waiting := 0
		s.rooms.mu.Lock()
		for c := range s.rooms.calls {
			if since := c.reading.Load(); since > 0 && c.sinceBegun()-since > int64(moment) {
				waiting++
			}
		}
		s.rooms.mu.Unlock()
		if waiting == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d calls wait for their bodies, want %d", waiting, n)
		}
	}
}

// TestSlowBodiesMakeRoom holds that callers who keep the room for bodies without sending lose it to others, that small
// requests go on meanwhile, and that all are told.
func TestSlowBodiesMakeRoom(t *testing.T) {
	s := newServer(t, Options{Limits: Limits{WriteBytes: 1 << 20, TextBytes: 1, StallTimeout: 300 * time.Millisecond}})
	url := listen(t, s)
	var slow []net.Conn
	for n := range 2 { // one after the other, as one that grows beside another that does may find no room
		slow = append(slow, begin(t, url, 1<<20, 300<<10))
		waitForReaders(t, s, n+1)
	}
	most := s.limits.TextBytes - 500<<10
	for deadline := time.Now().Add(10 * time.Second); s.rooms.largeText.TryAcquire(most); time.Sleep(time.Millisecond) {
		s.rooms.largeText.Release(most)
		if time.Now().After(deadline) {
			t.Fatal("what has come of the slow bodies takes no room")
		}
	}
	large := `{"records":[]` + strings.Repeat(" ", 700<<10) + `}`
	for begun := time.Now(); ; {
		status, got := post(t, url+writePath, large)
		if status == http.StatusOK {
			break
		}
		if status != http.StatusTooManyRequests || !strings.Contains(got, `"reason":"SERVER_BUSY"`) || !strings.Contains(got, `"retryable":true`) {
			t.Fatalf("%d %s", status, got)
		}
		if status, got := post(t, url+writePath, `{}`); status != http.StatusOK {
			t.Fatalf("small: %d %s", status, got)
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the slow ones keep the room")
		}
	}
	cut := 0 // one may do
	for _, conn := range slow {
		if status, got := answerOn(t, conn); strings.Contains(got, `"reason":"REQUEST_TOO_SLOW"`) && status == http.StatusGatewayTimeout {
			cut++
		}
	}
	if cut == 0 {
		t.Error("nobody was told to be slow")
	}
}

func TestRoomIsGivenBack(t *testing.T) {
	s := newServer(t, Options{})
	c := newClients(InProcess(s.Handler()), "http://any")
	crowd(t, c, 1000)
	if _, _, _, err := c.selectAll(t, &whowhenv1.SelectRequest{Expression: "everyone"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.audience.Count(t.Context(), connect.NewRequest(&whowhenv1.CountRequest{Expression: "("})); err == nil {
		t.Error("taken")
	}
	for name, all := range map[string]struct {
		take func(int64) bool
		n    int64
	}{
		"small texts": {s.rooms.smallText.TryAcquire, s.limits.SmallBytes}, "large texts": {s.rooms.largeText.TryAcquire, s.limits.TextBytes},
		"small work": {s.rooms.smallWork.TryAcquire, s.limits.SmallBytes}, "large work": {s.rooms.largeWork.TryAcquire, s.limits.DecodedBytes},
		"streams": {s.rooms.streams.TryAcquire, s.limits.StreamBytes},
	} {
		if !all.take(all.n) {
			t.Errorf("%s: some is still taken", name)
		}
	}
	if len(s.rooms.calls) != 0 {
		t.Errorf("%d calls go on", len(s.rooms.calls))
	}
}

func TestTakeWaitsInTurnButNotForEver(t *testing.T) {
	r := newRooms(Options{}.withDefaults().Limits)
	all, ok := r.takeNow(r.largeWork, r.largeWorkBytes)
	if !ok {
		t.Fatal("no room")
	}
	_, err := r.take(t.Context(), r.largeWork, 1, time.Millisecond)
	if code, info := infoOf(t, err); code != connect.CodeResourceExhausted || info.Reason != "SERVER_BUSY" || !info.Retryable {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.take(ctx, r.largeWork, 1, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	all.give(1)
	all.give(2) // more than it has
	if got, ok := r.takeNow(r.largeWork, r.largeWorkBytes-1); !ok {
		t.Errorf("%v", got)
	}
}

// TestFramesThatAreNone holds that what is wrong with the wrapping of a request is told with a reason in all protocols.
func TestFramesThatAreNone(t *testing.T) {
	url := listen(t, newServer(t, Options{}))
	envelope := func(flags byte, message string) string {
		return string(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message)))) + message
	}
	for _, c := range []struct {
		name, path, body string
		header           []string
		reason           string
	}{
		{"zstd", writePath, "{}", []string{"Content-Encoding", "zstd"}, "ENCODING_UNKNOWN"},
		{"zstd in a stream", "/whowhen.v1.AudienceService/Select", envelope(1, "x"), []string{"Content-Type", "application/connect+json", "Connect-Content-Encoding", "zstd"}, "ENCODING_UNKNOWN"},
		{"no gzip", writePath, "{}", []string{"Content-Encoding", "gzip"}, "REQUEST_MALFORMED"},
		{"cut short", "/whowhen.v1.AudienceService/Select", envelope(0, `{"expression":"everyone"}`)[:12], []string{"Content-Type", "application/connect+json"}, "REQUEST_MALFORMED"},
		{"no message", "/whowhen.v1.AudienceService/Select", "", []string{"Content-Type", "application/connect+json"}, "REQUEST_MALFORMED"},
		{"two messages", "/whowhen.v1.AudienceService/Select", strings.Repeat(envelope(0, `{"expression":"everyone"}`), 2), []string{"Content-Type", "application/connect+json"}, "REQUEST_MALFORMED"},
		{"flags", "/whowhen.v1.AudienceService/Select", envelope(8, "{}"), []string{"Content-Type", "application/connect+json"}, "REQUEST_MALFORMED"},
		{"compressed, how", "/whowhen.v1.AudienceService/Select", envelope(1, "{}"), []string{"Content-Type", "application/connect+json"}, "REQUEST_MALFORMED"},
		{"4 GiB promised", "/whowhen.v1.AudienceService/Select", "\x00\xff\xff\xff\xff", []string{"Content-Type", "application/connect+json"}, "REQUEST_TOO_LARGE"},
		{"timeout", writePath, "{}", []string{"Connect-Timeout-Ms", "-1"}, "REQUEST_INVALID"},
	} {
		if _, got := post(t, url+c.path, c.body, c.header...); !strings.Contains(got, `"reason":"`+c.reason+`"`) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

func TestGet(t *testing.T) {
	url := listen(t, newServer(t, Options{}))
	get := func(query string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/whowhen.v1.AudienceService/Count?encoding=json&connect=v1&"+query, nil)
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
	if status, got := get(`message=%7B%22expression%22:%22everyone%22%7D`); status != http.StatusOK || !strings.Contains(got, `"count":"0"`) {
		t.Errorf("%d %s", status, got)
	}
	if status, got := get(`compression=gzip&base64=1&message=xx`); !strings.Contains(got, "ENCODING_UNKNOWN") {
		t.Errorf("%d %s", status, got)
	}
	if status, got := get("message=" + strings.Repeat("x", 64<<10)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d %s", status, got)
	}
}

// TestIdleConnectionsMakeRoom holds that new connections are taken however many idle ones there are.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	url := listen(t, newServer(t, Options{Limits: Limits{Conns: 4}}))
	begin(t, url, 10, 0) // waits for its body: at work
	var idle []net.Conn
	for range 10 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle = append(idle, conn)
	}
	if status, got := post(t, url+"/whowhen.v1.AudienceService/Count", `{"expression":"everyone"}`); status != http.StatusOK {
		t.Errorf("%d %s", status, got)
	}
	if err := idle[0].SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := idle[0].Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
		t.Errorf("the oldest idle connection is still there: %v", err)
	}
}

// TestLongNamesAreNotRepeated holds that a name that is too long does not come back with each row that it spoils.
func TestLongNamesAreNotRepeated(t *testing.T) {
	url := listen(t, newServer(t, Options{}))
	long := strings.Repeat("n", 100<<10)
	for _, body := range []string{
		`{"profile_columns":[{"cids":{"strings":["a","b"]},"set":[{"name":"%s","values":{"values":[{"number":"NaN"},{"time":"0001-01-01T00:00:00Z"}]}}]}]}`,
		`{"profile_columns":[{"cids":{"strings":["a","b"]},"set":[{"name":"%s","numbers":{"values":["NaN","Infinity"]}}]}]}`,
		`{"records":[{"event":{"cid":"a","name":"x","properties":{"%s":{}}}}]}`,
	} {
		_, got := post(t, url+writePath, fmt.Sprintf(body, long))
		if !strings.Contains(got, `"reason":"NAME_TOO_LONG"`) || len(got) > 1000 {
			t.Errorf("%d bytes: %.500s", len(got), got)
		}
	}
}

// TestLargestBodyOfUnknownSize holds that a body up to the limit is taken on an idle server, whether its size is announced,
// found out as it comes, or only known once it is unpacked.
func TestLargestBodyOfUnknownSize(t *testing.T) {
	url := listen(t, newServer(t, Options{})) + writePath
	for _, mib := range []int{6, 9, 11} {
		body := `{"records":[]` + strings.Repeat(" ", mib<<20) + `}`
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if status, got := post(t, url, body); status != http.StatusOK {
			t.Errorf("%d MiB, announced: %d %s", mib, status, got)
		}
		if status, got := postFrom(t, url, io.MultiReader(strings.NewReader(body))); status != http.StatusOK {
			t.Errorf("%d MiB, in chunks: %d %s", mib, status, got)
		}
		if status, got := postFrom(t, url, &packed, "Content-Encoding", "gzip"); status != http.StatusOK {
			t.Errorf("%d MiB, with gzip: %d %s", mib, status, got)
		}
	}
}
