package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/load"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// TestServerDiesWhileItAnswers holds that an answer that breaks off is told as that, wherever it does, and not as a fault of the protocol.
func TestServerDiesWhileItAnswers(t *testing.T) {
	for name, bytesSent := range map[string]string{"before the answer": "", "in its head": "\x00\x00\x00", "in a message": "\x00\x00\x00\x00\x09abc"} {
		for _, reset := range []bool{false, true} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
				if _, err := io.WriteString(w, bytesSent); err != nil {
					t.Error(err)
				}
				controller := http.NewResponseController(w)
				if err := controller.Flush(); err != nil {
					t.Error(err)
				}
				conn, _, err := controller.Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				if tcp, ok := conn.(*net.TCPConn); ok && reset {
					_ = tcp.SetLinger(0) // what is on its way is lost, too
				}
				_ = conn.Close()
			}))
			m := &Main{Clock: load.SystemClock(), Stderr: io.Discard}
			stream, err := m.newAPI(server.Client(), server.URL).models.ScoreAll(t.Context(), connect.NewRequest(&whowhenv1.ScoreAllRequest{Name: "pay"}))
			if err == nil {
				for stream.Receive() {
				}
				err = errors.Join(stream.Err(), stream.Close())
			}
			code, message := explainError(err)
			if code != exitFailed || !strings.HasPrefix(message, "no ") || !strings.Contains(message, "answer from the server: ") || strings.Contains(message, "protocol") || strings.Contains(message, "\n") {
				t.Errorf("%s, reset %v: %d, %q from %v", name, reset, code, message, err)
			}
			server.Close()
		}
	}
	// What the server itself says is told as it says it.
	if _, message := explainError(connect.NewError(connect.CodeInternal, errors.New("a bug"))); message != "a bug." {
		t.Errorf("%q", message)
	}
}
