package serve

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
)

// envelopeBytes is what gRPC and streams put before a message.
const envelopeBytes = 5

// bound wraps a handler so that a caller can make it neither read more than maxBytes, nor
// wait for ever for the rest of a request or for an answer to be taken.
func (s *Server) bound(next http.Handler, maxBytes int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			// What curl -d sends unless told otherwise.
			http.Error(w, "say what you send: -H 'Content-Type: application/json'", http.StatusUnsupportedMediaType)
			return
		}
		if r.URL.Path == whowhenv1connect.AudienceServiceSelectProcedure && strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			http.Error(w, "Select answers with a stream, which Connect puts in envelopes: send application/connect+json with a 5-byte envelope (see connectrpc.com/docs/protocol), use a gRPC or Connect client, or \"whowhen select --server URL\"", http.StatusUnsupportedMediaType)
			return
		}
		// Deadlines are not supported in-process, where nobody is slow on purpose.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(s.limits.BodyTimeout))
		defer control.SetWriteDeadline(time.Time{}) // the connection may serve other requests
		bounded := *r
		bounded.Body = &boundedBody{
			ReadCloser: http.MaxBytesReader(w, r.Body, maxBytes+envelopeBytes),
			control:    control, maxBytes: maxBytes, timeout: s.limits.BodyTimeout,
		}
		next.ServeHTTP(&patientWriter{ResponseWriter: w, control: control, timeout: s.limits.SendTimeout}, &bounded)
	})
}

// boundedBody tells what went wrong in the API's own terms.
type boundedBody struct {
	io.ReadCloser
	control  *http.ResponseController
	maxBytes int64
	timeout  time.Duration
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
	case err == io.EOF:
		// All is here. A deadline left standing would end a long answer on HTTP/1.1,
		// where the server goes on reading to notice that the caller has gone.
		_ = b.control.SetReadDeadline(time.Time{})
	case errors.As(err, &tooLarge):
		err = errTooLarge(b.maxBytes)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = newError(connect.CodeDeadlineExceeded, &segments.Error{
			Reason: reasonRequestTooSlow, Message: fmt.Sprintf("the request did not arrive within %v", b.timeout), Retryable: true})
	}
	return n, err
}

func errTooLarge(maxBytes int64) error {
	return newError(connect.CodeResourceExhausted, &segments.Error{
		Reason: reasonRequestTooLarge, Message: fmt.Sprintf("the request is larger than %d bytes; send it in parts", maxBytes)})
}

// patientWriter waits for a caller to take what is written, but not for ever.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func (w *patientWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	return w.ResponseWriter.Write(p)
}

func (w *patientWriter) Flush() {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	_ = w.control.Flush()
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
