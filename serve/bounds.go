package serve

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/segments"
)

// envelopeBytes is what gRPC and streams put before a message.
const envelopeBytes = 5

// bound wraps a handler so that no caller can make it read more than there is room for, nor wait for ever for the rest of a
// request or for an answer to be taken, and all callers together do not make it take more memory than they may.
// Requests arrive here whole; the handler is given an empty one, and guard decodes what has arrived.
func (s *Server) bound(next http.Handler) http.Handler {
	return s.admit(func(c *call, w http.ResponseWriter, r *http.Request) error {
		f := framingOf(r)
		switch {
		case r.Method == http.MethodPost && f.known:
			if err := s.receive(c, f, r, s.maxBytes(r.URL.Path)); err != nil {
				return err
			}
			r.Header.Del(f.encodingHeader)
			stub := []byte(nil)
			if f.enveloped {
				stub = make([]byte, envelopeBytes) // a message of no bytes
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(stub)), int64(len(stub))
		case r.Method == http.MethodGet:
			if z := r.URL.Query().Get("compression"); z != "" && z != "identity" {
				return errEncoding(z)
			}
			if err := c.takeWork(r.Context(), r.URL.Path, getFactor*int64(len(r.URL.RawQuery))); err != nil {
				return err
			}
		}
		// Other methods and types of content are refused by the handler, which does not read them.
		next.ServeHTTP(w, r)
		return nil
	})
}

// boundStream is bound for a handler that reads a stream of messages, as they come.
func (s *Server) boundStream(next http.Handler) http.Handler {
	return s.admit(func(c *call, w http.ResponseWriter, r *http.Request) error {
		if encoding := r.Header.Get(framingOf(r).encodingHeader); encoding != "" && encoding != "identity" && encoding != "gzip" {
			return errEncoding(encoding)
		}
		if err := c.takeWork(r.Context(), r.URL.Path, smallWorkBytes); err != nil {
			return err
		}
		r.Body = http.MaxBytesReader(w, r.Body, s.limits.MessageBytes)
		next.ServeHTTP(w, r)
		return nil
	})
}

// admit makes a call of each request there is room for, and answers the error of its handler.
func (s *Server) admit(handle func(*call, http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		base, ok := s.rooms.takeNow(s.rooms.smallText, callBytes+headerBytes(r))
		if !ok {
			s.refuse(w, r)
			return
		}
		// Deadlines are not supported in-process, where nobody is slow on purpose.
		c := &call{rooms: s.rooms, limits: &s.limits, control: http.NewResponseController(w), begun: time.Now(), base: base}
		s.rooms.enter(c)
		defer c.end()
		if why := unsupported(r); why != "" {
			http.Error(w, why, http.StatusUnsupportedMediaType)
			return
		}
		_ = c.control.SetReadDeadline(c.begun.Add(s.limits.BodyTimeout))
		defer c.control.SetWriteDeadline(time.Time{}) // the connection may serve other requests
		inner := r.WithContext(context.WithValue(r.Context(), callKey{}, c))
		inner.Body = &boundedBody{ReadCloser: r.Body, call: c}
		patient := &patientWriter{ResponseWriter: w, call: c}
		err := badTimeout(r)
		if err == nil {
			err = handle(c, patient, inner)
		}
		if err != nil {
			c.body.give(0)
			c.work.give(0)
			_ = s.errors.Write(patient, r, s.toConnect(r.Context(), r.URL.Path, err)) // fails when the caller has gone
		}
	})
}

// refuse tells a caller that there is no room for the call. Even that takes room; when there is none for it
// either, the connection is dropped.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) {
	if !s.rooms.refusals.TryAcquire(1) {
		panic(http.ErrAbortHandler)
	}
	defer s.rooms.refusals.Release(1)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(time.Second))
	_ = control.SetWriteDeadline(time.Now().Add(time.Second))
	defer control.SetWriteDeadline(time.Time{})
	_ = s.errors.Write(w, r, errBusy())
}

// unsupported says what is wrong with a request's type of content where a handler would say less.
func unsupported(r *http.Request) string {
	switch content := r.Header.Get("Content-Type"); {
	case r.Method == http.MethodPost && content == "application/x-www-form-urlencoded":
		// What curl -d sends unless told otherwise.
		return "say what you send: -H 'Content-Type: application/json'"
	case streamsCIDs(r.URL.Path) && strings.HasPrefix(content, "application/json"):
		return "this call answers with a stream, which Connect puts in envelopes: send application/connect+json with a 5-byte envelope (see connectrpc.com/docs/protocol), use a gRPC or Connect client, or \"whowhen select --server URL\""
	}
	return ""
}

// headerBytes reckons what a request's header takes in memory.
func headerBytes(r *http.Request) int64 {
	const each = 160 // two string headers, a slice and its place in the map
	n := 2 * len(r.RequestURI)
	for name, values := range r.Header {
		n += each + len(name)
		for _, v := range values {
			n += each/4 + len(v)
		}
	}
	return int64(n)
}

// boundedBody tells what went wrong in the API's own terms.
type boundedBody struct {
	io.ReadCloser
	call *call
}

func (b *boundedBody) Read(p []byte) (int, error) {
	c := b.call
	begun := c.sinceBegun()
	c.reading.Store(begun)
	n, err := b.ReadCloser.Read(p)
	c.reading.Store(0)
	c.arrive(n, time.Duration(c.sinceBegun()-begun))
	switch {
	case err == nil:
	case err == io.EOF:
		// All is here. A deadline left standing would end a long answer on HTTP/1.1,
		// where the server goes on reading to notice that the caller has gone.
		_ = c.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded) && c.cut.Load():
		err = errTooSlow("the request arrived at less than %d KiB a second while others found no room", slowestPerSecond>>10)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errTooSlow("the request did not arrive within %v", c.limits.BodyTimeout)
	}
	return n, err
}

func errTooSlow(format string, args ...any) error {
	return newError(connect.CodeDeadlineExceeded, &segments.Error{
		Reason: reasonRequestTooSlow, Message: fmt.Sprintf(format, args...), Retryable: true})
}

func errTooLarge(maxBytes int64) error {
	return newError(connect.CodeResourceExhausted, &segments.Error{
		Reason: reasonRequestTooLarge, Message: fmt.Sprintf("the request is larger than %d bytes; send it in parts", maxBytes)})
}

func errBusy() error {
	e := newError(connect.CodeResourceExhausted, &segments.Error{
		Reason: reasonServerBusy, Message: "the server has as many requests at hand as it has memory for; try again in a moment", Retryable: true})
	e.Meta().Set("Retry-After", "1")
	return e
}

// patientWriter waits for a caller to take what is written, but not for ever.
type patientWriter struct {
	http.ResponseWriter
	call *call
}

func (w *patientWriter) Write(p []byte) (int, error) {
	defer w.begin()()
	return w.ResponseWriter.Write(p)
}

func (w *patientWriter) Flush() {
	defer w.begin()()
	_ = w.call.control.Flush()
}

func (w *patientWriter) begin() (end func()) {
	c := w.call
	_ = c.control.SetWriteDeadline(time.Now().Add(c.limits.SendTimeout))
	c.writing.Store(c.sinceBegun())
	return func() { c.writing.Store(0) }
}

func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// newDecompressor returns a maker of gzip readers that stop at maxBytes. connect bounds
// what it keeps of a message, but would go on to unpack all of it just to tell its size.
func newDecompressor(maxBytes int64) func() connect.Decompressor {
	return func() connect.Decompressor { return &boundedGunzip{maxBytes: maxBytes} }
}

type boundedGunzip struct {
	gzip.Reader
	maxBytes, readBytes int64
}

func (z *boundedGunzip) Reset(r io.Reader) error {
	z.readBytes = 0
	return z.Reader.Reset(r)
}

func (z *boundedGunzip) Read(p []byte) (int, error) {
	n, err := z.Reader.Read(p)
	z.readBytes += int64(n)
	if z.readBytes > z.maxBytes {
		return n, errTooLarge(z.maxBytes)
	}
	return n, err
}

func newCompressor() connect.Compressor { return gzip.NewWriter(io.Discard) }
