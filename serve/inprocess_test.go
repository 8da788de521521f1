package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func get(t *testing.T, ctx context.Context, c *http.Client, body io.Reader) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://in-process/path?q=1", body)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(request)
}

func TestInProcessPassesAll(t *testing.T) {
	c := InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", fmt.Sprint(r.Method, " ", r.Host, " ", r.RequestURI, " ", r.ProtoMajor, r.Header["Accept-Encoding"]))
		w.Header().Set("Trailer", "X-Declared")
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // too late
		w.Header().Set("X-Late", "x")
		if _, err := io.Copy(w, r.Body); err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Declared", "1")
		w.Header().Set(http.TrailerPrefix+"X-Prefixed", "2")
	}))
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	response, err := get(t, t.Context(), c, bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
	if response.StatusCode != http.StatusTeapot || response.Header.Get("X-Seen") != "POST in-process /path?q=1 2 []" || response.Header.Get("X-Late") != "" {
		t.Errorf("%s %v", response.Status, response.Header)
	}
	if response.Trailer.Get("X-Declared") != "1" || response.Trailer.Get("X-Prefixed") != "2" || len(response.Trailer) != 2 {
		t.Errorf("trailer %v", response.Trailer)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestInProcessEmptyAnswer(t *testing.T) {
	response, err := get(t, t.Context(), InProcess(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); len(body) != 0 || err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%q, %v, %s", body, err, response.Status)
	}
}

func TestInProcessStreamsBothWays(t *testing.T) {
	c := InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		line := make([]byte, 5)
		for {
			if _, err := io.ReadFull(r.Body, line); err != nil {
				return
			}
			if _, err := w.Write(bytes.ToUpper(line)); err != nil {
				t.Error(err)
			}
		}
	}))
	reader, writer := io.Pipe()
	response, err := get(t, t.Context(), c, reader) // returns although nothing is sent yet
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for _, word := range []string{"hello", "again"} {
		if _, err := writer.Write([]byte(word)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != strings.ToUpper(word) {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(response.Body); len(rest) != 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestInProcessCancel cancels a call at each stage; the handler must be gone when the call is over.
func TestInProcessCancel(t *testing.T) {
	blocked, unblocked := make(chan struct{}, 1), make(chan error, 1)
	for name, c := range map[string]struct {
		handler func(http.ResponseWriter, *http.Request) error
		answers bool
	}{
		"waiting before the answer": {func(w http.ResponseWriter, r *http.Request) error {
			blocked <- struct{}{}
			<-r.Context().Done()
			return r.Context().Err()
		}, false},
		"reading the request": {func(w http.ResponseWriter, r *http.Request) error {
			blocked <- struct{}{}
			_, err := r.Body.Read(make([]byte, 1))
			return err
		}, false},
		"writing the answer": {func(w http.ResponseWriter, r *http.Request) error {
			for {
				if _, err := w.Write([]byte("x")); err != nil {
					return err
				}
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			client := InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { unblocked <- c.handler(w, r) }))
			body, bodyWriter := io.Pipe()
			defer bodyWriter.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				if !c.answers {
					<-blocked
					cancel()
				}
			}()
			response, err := get(t, ctx, client, body)
			if c.answers {
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				if _, err := response.Body.Read(make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
				cancel()
				if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, context.Canceled) {
					t.Errorf("read: %v", err)
				}
			} else if !errors.Is(err, context.Canceled) {
				t.Errorf("do: %v", err)
			}
			select {
			case err := <-unblocked:
				if err == nil {
					t.Error("the handler noticed nothing")
				}
			default:
				t.Error("the handler still runs")
			}
		})
	}
}

func TestInProcessCloseEndsTheHandler(t *testing.T) {
	ended := make(chan error, 1)
	c := InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				ended <- r.Context().Err()
				return
			}
		}
	}))
	response, err := get(t, t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(response.Body, make([]byte, 2500)); err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the handler's context: %v", err)
		}
	default:
		t.Error("the handler still runs")
	}
	if _, err := response.Body.Read(make([]byte, 1)); err == nil {
		t.Error("a closed body can be read")
	}
}

func TestInProcessPanics(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		words   string
	}{
		"before the answer": {func(http.ResponseWriter, *http.Request) { panic("oh") }, "the handler of /path panicked: oh"},
		"within the answer": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("x"))
			panic(http.ErrAbortHandler)
		}, io.ErrUnexpectedEOF.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := get(t, t.Context(), InProcess(c.handler), nil)
			if err == nil {
				defer response.Body.Close()
				_, err = io.ReadAll(response.Body)
			}
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v; want %s", err, c.words)
			}
		})
	}
}

func TestInProcessDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	response, err := get(t, ctx, InProcess(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })), nil)
	if err == nil {
		response.Body.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
