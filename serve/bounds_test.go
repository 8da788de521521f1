package serve

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

func TestOversizeBody(t *testing.T) {
	url := listen(t, newServer(t, Options{Limits: Limits{MessageBytes: 1000, WriteBytes: 4000}}))
	body := `{"expression":"` + strings.Repeat("x", 2000) + `"}`
	for procedure, want := range map[string]int{"AudienceService/Count": http.StatusTooManyRequests, "IngestService/Write": http.StatusBadRequest} {
		status, got := post(t, url+"/whowhen.v1."+procedure, body)
		if status != want || want == http.StatusTooManyRequests != strings.Contains(got, `"reason":"REQUEST_TOO_LARGE"`) {
			t.Errorf("%s: %d %s", procedure, status, got)
		}
	}
	_, err := newClients(newHTTPClient(t, true), url, connect.WithGRPC()).audience.Count(t.Context(), connect.NewRequest(&whowhenv1.CountRequest{Expression: body}))
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("gRPC: %v", err)
	}
}

func TestGzipBomb(t *testing.T) {
	url := listen(t, newServer(t, Options{Limits: Limits{WriteBytes: 1 << 20}}))
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(bytes.Repeat([]byte(" "), 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	status, got := postFrom(t, url+"/whowhen.v1.IngestService/Write", &bomb, "Content-Encoding", "gzip")
	if status != http.StatusTooManyRequests || !strings.Contains(got, `"reason":"REQUEST_TOO_LARGE"`) || !strings.Contains(got, "1048576 bytes") {
		t.Errorf("%d %s", status, got)
	}
}

func TestDecompressorStopsAtItsBound(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(make([]byte, 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	d := newDecompressor(1 << 20)()
	for range 2 { // they are used again
		if err := d.Reset(bytes.NewReader(packed.Bytes())); err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, d)
		if connect.CodeOf(err) != connect.CodeResourceExhausted || n > 1<<20+1<<16 {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

func TestSlowBody(t *testing.T) {
	url := listen(t, newServer(t, Options{Limits: Limits{BodyTimeout: 50 * time.Millisecond}}))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /whowhen.v1.AudienceService/Count HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusGatewayTimeout || !strings.Contains(string(got), `"reason":"REQUEST_TOO_SLOW"`) {
		t.Errorf("%s %s, %v", response.Status, got, err)
	}
}

// crowd writes n CIDs of 32 hexadecimal digits, by column.
func crowd(t testing.TB, c clients, n int) {
	t.Helper()
	var position uint64
	for done := 0; done < n; {
		rows := min(n-done, 65_536)
		packed := make([]byte, 0, 16*rows)
		for i := range rows {
			packed = fmt.Appendf(packed, "%016d", done+i)
		}
		position = c.write(t, &whowhenv1.WriteRequest{TagColumns: []*whowhenv1.TagColumns{{Tag: "all", Cids: &whowhenv1.CidColumn{Packed: packed}}}}).Position
		done += rows
	}
	if got := c.count(t, "everyone", position); got != uint64(n) {
		t.Fatalf("%d of %d are there", got, n)
	}
}

func TestLongAnswers(t *testing.T) {
	const n = 300_000 // more than the buffers between server and client hold
	s := newServer(t, Options{Limits: Limits{BodyTimeout: 50 * time.Millisecond}})
	url := listen(t, s)
	crowd(t, newClients(InProcess(s.Handler()), "http://any"), n)
	for name, c := range map[string]clients{
		"HTTP/1": newClients(newHTTPClient(t, false), url),
		"HTTP/2": newClients(newHTTPClient(t, true), url),
		"gRPC":   newClients(newHTTPClient(t, true), url, connect.WithGRPC()),
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := c.audience.Select(t.Context(), connect.NewRequest(&whowhenv1.SelectRequest{Expression: `tag("all")`}))
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			got := 0
			for stream.Receive() {
				if got == 0 {
					time.Sleep(100 * time.Millisecond) // past the time that the request had to arrive in
				}
				got += len(stream.Msg().Cids)
			}
			if stream.Err() != nil || got != n {
				t.Errorf("%d CIDs, %v", got, stream.Err())
			}
		})
	}
}

// callsOf is how many calls go on.
func callsOf(s *Server) int {
	s.rooms.mu.Lock()
	defer s.rooms.mu.Unlock()
	return len(s.rooms.calls)
}

func TestAnswerNobodyReads(t *testing.T) {
	s := newServer(t, Options{Limits: Limits{SendTimeout: 50 * time.Millisecond}})
	url := listen(t, s)
	crowd(t, newClients(InProcess(s.Handler()), "http://any"), 600_000)
	for name, c := range map[string]clients{
		"HTTP/1": newClients(newHTTPClient(t, false), url),
		"HTTP/2": newClients(newHTTPClient(t, true), url),
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := c.audience.Select(t.Context(), connect.NewRequest(&whowhenv1.SelectRequest{Expression: `tag("all")`}))
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			if !stream.Receive() {
				t.Fatal("it does not begin:", stream.Err())
			}
			for range 500 { // until the server has given up
				time.Sleep(20 * time.Millisecond)
				if callsOf(s) == 0 {
					break
				}
			}
			got := len(stream.Msg().Cids)
			for stream.Receive() {
				got += len(stream.Msg().Cids)
			}
			if stream.Err() == nil {
				t.Errorf("all %d CIDs came", got)
			}
		})
	}
}

func TestStreamIsNotCompressed(t *testing.T) {
	s := newServer(t, Options{})
	url := listen(t, s)
	crowd(t, newClients(InProcess(s.Handler()), "http://any"), 20_000)
	request := `{"expression":"everyone"}`
	body := string(append([]byte{0, 0, 0, 0, byte(len(request))}, request...)) // as streams are framed
	_, got := post(t, url+"/whowhen.v1.AudienceService/Select", body, "Content-Type", "application/connect+json", "Connect-Accept-Encoding", "gzip")
	if !strings.Contains(got, fmt.Sprintf("%x", "0000000000000000")) || !strings.Contains(got, fmt.Sprintf("%x", "0000000000019999")) {
		t.Errorf("no CIDs in %d bytes: %.200q", len(got), got)
	}
}
