package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// InProcess returns a client whose requests, whatever their host, are answered by handler
// without a socket. Bodies stream both ways, trailers arrive, and cancelling a request
// cancels the handler's context. The handler of a request is no longer running once
// Do has failed, or the response's body has been read to its end or closed.
//
// What stays in memory gains nothing by compression, so the handler is not asked for it.
func InProcess(handler http.Handler) *http.Client {
	return &http.Client{Transport: memoryTransport{handler}}
}

type memoryTransport struct{ handler http.Handler }

var errBodyClosed = errors.New("the response body was closed")

// RoundTrip runs the handler in a goroutine of its own, which ends with the call.
func (t memoryTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	reader, writer := io.Pipe()
	x := &exchange{
		cancel: cancel, out: writer, header: http.Header{},
		answered: make(chan struct{}), ended: make(chan struct{}),
		response: &http.Response{Proto: "HTTP/2.0", ProtoMajor: 2, Request: request, Trailer: http.Header{}},
	}
	x.response.Body = &memoryBody{PipeReader: reader, exchange: x}
	received := request.Clone(ctx)
	received.Proto, received.ProtoMajor, received.ProtoMinor = "HTTP/2.0", 2, 0
	received.RequestURI, received.RemoteAddr = request.URL.RequestURI(), "in-process"
	if received.Host == "" {
		received.Host = request.URL.Host
	}
	if received.Body == nil {
		received.Body = http.NoBody
	}
	for _, name := range []string{"Accept-Encoding", "Connect-Accept-Encoding", "Grpc-Accept-Encoding"} {
		received.Header.Del(name)
	}
	go x.run(t.handler, received)
	select {
	case <-x.answered:
	case <-request.Context().Done():
		<-x.ended
		return nil, context.Cause(ctx)
	}
	if x.err != nil {
		<-x.ended
		return nil, x.err
	}
	return x.response, nil
}

// exchange is one request and its answer, and the handler's view of the answer.
type exchange struct {
	cancel   context.CancelCauseFunc
	out      *io.PipeWriter
	answered chan struct{} // closed when response or err is there
	ended    chan struct{} // closed when the handler has returned

	// The handler's goroutine owns these until answered is closed, and the trailer
	// until the body's end.
	response *http.Response
	err      error

	header   http.Header // of the handler's goroutine
	declared []string    // trailers
	answer   sync.Once
}

func (x *exchange) run(handler http.Handler, request *http.Request) {
	// Nobody waits for a cancelled call: reads of the request and writes of the response
	// fail, so that the handler ends even when it does not look at its context.
	stop := context.AfterFunc(request.Context(), func() {
		_ = request.Body.Close()
		_ = x.out.CloseWithError(context.Cause(request.Context()))
	})
	defer close(x.ended)
	defer x.cancel(nil)
	defer stop()
	err := run(handler, x, request)
	_ = request.Body.Close()
	if err == nil {
		// What a handler leaves unsaid because its caller has gone is no answer.
		err = context.Cause(request.Context())
	}
	if err != nil {
		x.answer.Do(func() {
			x.err = err
			close(x.answered)
		})
		_ = x.out.CloseWithError(err)
		return
	}
	x.WriteHeader(http.StatusOK)
	for name, values := range x.header {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			x.response.Trailer[trailer] = values
		} else if slices.Contains(x.declared, name) {
			x.response.Trailer[name] = values
		}
	}
	_ = x.out.Close()
}

// run runs the handler and returns its panic, which would drop a connection, as an error.
func run(handler http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = io.ErrUnexpectedEOF
		default:
			err = fmt.Errorf("the handler of %s panicked: %v", r.URL.Path, p)
		}
	}()
	handler.ServeHTTP(w, r)
	return nil
}

// Header is part of http.ResponseWriter.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader is part of http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if status < http.StatusOK {
		return // informational
	}
	x.answer.Do(func() {
		header := x.header.Clone()
		for _, list := range header.Values("Trailer") {
			for name := range strings.SplitSeq(list, ",") {
				x.declared = append(x.declared, http.CanonicalHeaderKey(strings.TrimSpace(name)))
			}
		}
		header.Del("Trailer")
		for name := range header {
			if strings.HasPrefix(name, http.TrailerPrefix) {
				delete(header, name)
			}
		}
		length := int64(-1)
		if n, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
		r := x.response
		r.StatusCode, r.Status = status, fmt.Sprintf("%d %s", status, http.StatusText(status))
		r.Header, r.ContentLength = header, length
		close(x.answered)
	})
}

// Write is part of http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	return x.out.Write(p)
}

// Flush is part of http.Flusher. What is written is read at once anyway.
func (x *exchange) Flush() { x.WriteHeader(http.StatusOK) }

// memoryBody is the caller's end of an answer.
type memoryBody struct {
	*io.PipeReader
	exchange *exchange
}

// Read tells the end only when the handler has returned.
func (b *memoryBody) Read(p []byte) (int, error) {
	n, err := b.PipeReader.Read(p)
	if err != nil {
		<-b.exchange.ended
	}
	return n, err
}

// Close makes an unfinished handler give up, and waits for it.
func (b *memoryBody) Close() error {
	b.exchange.cancel(errBodyClosed)
	<-b.exchange.ended
	return b.PipeReader.Close()
}
