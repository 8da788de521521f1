package serve

import (
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
)

// framing is how a request is written: by which codec, compressed or not, in an envelope or plain.
type framing struct {
	known          bool // whether the codec is one of the API's
	enveloped      bool
	codec          string
	encodingHeader string
}

func framingOf(r *http.Request) framing {
	content, _, _ := strings.Cut(strings.ToLower(r.Header.Get("Content-Type")), ";")
	content, ok := strings.CutPrefix(strings.TrimSpace(content), "application/")
	f := framing{codec: content, encodingHeader: "Content-Encoding"}
	switch kind, codec, _ := strings.Cut(content, "+"); kind {
	case "grpc", "grpc-web":
		if codec == "" {
			codec = "proto"
		}
		f = framing{enveloped: true, codec: codec, encodingHeader: "Grpc-Encoding"}
	case "connect":
		f = framing{enveloped: true, codec: codec, encodingHeader: "Connect-Content-Encoding"}
	}
	f.known = ok && (f.codec == "json" || f.codec == "proto")
	return f
}

// receive reads the request's one message, decompressed, and finds room for it to be decoded. An error says
// what is wrong with it or that there is no room.
func (s *Server) receive(c *call, f framing, r *http.Request, maxBytes int64) error {
	encoding := r.Header.Get(f.encodingHeader)
	switch encoding {
	case "", "identity", "gzip":
	default:
		return errEncoding(encoding)
	}
	compressed := encoding == "gzip"
	from, size := io.Reader(&cappedReader{from: r.Body, left: maxBytes, maxBytes: maxBytes}), r.ContentLength
	if size > maxBytes+envelopeBytes {
		return errTooLarge(maxBytes)
	}
	if f.enveloped {
		var prefix [envelopeBytes]byte
		if _, err := io.ReadFull(r.Body, prefix[:]); err != nil {
			return cutShort(err)
		}
		size = int64(binary.BigEndian.Uint32(prefix[1:]))
		switch flags := prefix[0]; {
		case size > maxBytes:
			return errTooLarge(maxBytes)
		case flags > 1:
			return errMalformed("the envelope of the message has the flags %#x; only 1, compressed, is known", flags)
		case flags == 1 && !compressed:
			return errMalformed("the envelope says that the message is compressed, but no %s header says how", f.encodingHeader)
		default:
			compressed = flags == 1
		}
		from = io.LimitReader(r.Body, size)
	}
	var text []byte
	var err error
	switch {
	case compressed && size == 0:
	case compressed:
		text, err = c.gunzip(r.Context(), from, maxBytes)
	default:
		text, err = c.read(r.Context(), from, size, maxBytes)
		if err == nil && f.enveloped && int64(len(text)) < size {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		return cutShort(err)
	}
	if err := drain(r.Body, f.enveloped); err != nil {
		return cutShort(err)
	}
	c.waiting, c.codec, c.text = true, f.codec, text
	return c.takeWork(r.Context(), r.URL.Path, footprintOf(r.URL.Path, f.codec, text))
}

// drain makes sure that nothing follows the message. What it does not wait for, the end of the body, it has seen.
func drain(body io.Reader, enveloped bool) error {
	var next [1]byte
	switch n, err := io.ReadFull(body, next[:]); {
	case n > 0 && enveloped:
		return errMalformed("more than one message, or something else, follows the envelope of the first")
	case n > 0:
		return errMalformed("something follows the compressed message")
	case err != io.EOF:
		return err
	}
	return nil
}

// cutShort says of a body that ended too early, or was damaged, that it did.
func cutShort(err error) error {
	var told *connect.Error
	switch {
	case errors.As(err, &told), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errMalformed("the request ends before its message does")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return errMalformed("the request is not what gzip writes: %v", err)
	}
	return errMalformed("the request could not be read: %v", err)
}

func errMalformed(format string, args ...any) error {
	return newError(connect.CodeInvalidArgument, &segments.Error{Reason: reasonRequestMalformed, Message: fmt.Sprintf(format, args...)})
}

func errEncoding(encoding string) error {
	return newError(connect.CodeUnimplemented, &segments.Error{
		Reason: reasonEncodingUnknown, Message: fmt.Sprintf("the request is compressed with %.40q; send it plain or with gzip", encoding)})
}

// cappedReader fails when there is more than so many bytes.
type cappedReader struct {
	from           io.Reader
	left, maxBytes int64
}

func (r *cappedReader) Read(p []byte) (int, error) {
	if int64(len(p)) > r.left+1 {
		p = p[:r.left+1]
	}
	n, err := r.from.Read(p)
	if r.left -= int64(n); r.left < 0 {
		return 0, errTooLarge(r.maxBytes)
	}
	return n, err
}

// gunzip reads and unpacks at once, so that what is compressed is never held.
func (c *call) gunzip(ctx context.Context, from io.Reader, maxBytes int64) ([]byte, error) {
	const inflaterBytes = 48 << 10
	inflater, err := c.rooms.take(ctx, c.rooms.smallText, inflaterBytes, textPatience)
	if err != nil {
		return nil, err
	}
	defer inflater.give(0)
	z, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	return c.read(ctx, &cappedReader{from: z, left: maxBytes, maxBytes: maxBytes}, -1, maxBytes)
}

// read reads all, taking room as it arrives: nobody gets much room for what is only promised. size is that promise, or
// negative; from gives maxBytes at most.
func (c *call) read(ctx context.Context, from io.Reader, size, maxBytes int64) ([]byte, error) {
	var text []byte
	for {
		if len(text) == cap(text) {
			grown, err := c.grow(ctx, text, c.nextCapacity(int64(len(text)), size, maxBytes))
			if err != nil {
				return nil, err
			}
			text = grown
		}
		n, err := from.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if err == io.EOF {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// nextCapacity returns how much room to make for a text of which so much has arrived.
func (c *call) nextCapacity(arrived, size, maxBytes int64) int64 {
	const first = 4 << 10
	whole := size + 1 // so that the end is seen
	switch {
	case size < arrived: // not promised, or not kept
	case size < smallTextBytes, arrived >= smallTextBytes && (whole <= c.limits.TextBytes/8 || whole <= 4*arrived):
		return whole
	}
	if arrived >= smallTextBytes && maxBytes < 4*arrived {
		return maxBytes + 1 // twice would be more than is there for two copies of a text
	}
	return max(first, 2*arrived)
}

// grow moves a text to where it has more room. Callers wait for room only when they enter that of large texts: if those
// who have a part of it waited for more, all might.
func (c *call) grow(ctx context.Context, text []byte, capacity int64) ([]byte, error) {
	room := c.rooms.smallText
	if capacity > smallTextBytes {
		room = c.rooms.largeText
	}
	larger, ok := c.rooms.takeNow(room, capacity)
	if !ok {
		if c.body.room == room {
			return nil, errBusy()
		}
		var err error
		if larger, err = c.rooms.take(ctx, room, capacity, textPatience); err != nil {
			return nil, err
		}
	}
	grown := make([]byte, len(text), capacity)
	copy(grown, text)
	c.body.give(0)
	c.body = larger
	return grown, nil
}

// getFactor is how much more than the text of a query what is made of it may take.
const getFactor = 32

// takeWork waits for room to decode the request and to carry it out.
func (c *call) takeWork(ctx context.Context, path string, footprint int64) (err error) {
	room, bytes := c.rooms.smallWork, callBytes+footprint
	switch {
	case streamsCIDs(path):
		const eachStream = 1<<20 + 768<<10
		room, bytes = c.rooms.streams, min(eachStream+footprint, c.rooms.streamBytes)
	case footprint > c.rooms.largeWorkBytes:
		return newError(connect.CodeResourceExhausted, &segments.Error{Reason: reasonRequestTooLarge, Message: fmt.Sprintf(
			"the request would take more than %d MiB of memory; send it in parts", c.rooms.largeWorkBytes>>20)})
	case bytes > smallWorkBytes:
		room, bytes = c.rooms.largeWork, min(bytes, c.rooms.largeWorkBytes)
	}
	c.work, err = c.rooms.take(ctx, room, bytes, c.limits.RoomTimeout)
	return err
}

// footprintOf reckons what carrying out a request takes, its text aside.
func footprintOf(path, codec string, text []byte) int64 {
	// Expressions become trees, and trees plans.
	factor := int64(8)
	if path == whowhenv1connect.IngestServiceWriteProcedure || path == whowhenv1connect.AudienceServiceContainsProcedure {
		factor = 1
	}
	if codec == "json" {
		return factor * jsonFootprint(text)
	}
	return factor * wireFootprint(inputOf(path), text)
}

// inputOf returns the request message of a procedure, or nil.
func inputOf(procedure string) protoreflect.MessageDescriptor {
	name := strings.ReplaceAll(strings.TrimPrefix(procedure, "/"), "/", ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	method, ok := found.(protoreflect.MethodDescriptor)
	if err != nil || !ok {
		return nil
	}
	return method.Input()
}

// badTimeout checks what a caller says of its patience, of which connect would say less.
func badTimeout(r *http.Request) error {
	if text := r.Header.Get("Connect-Timeout-Ms"); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || n < 0 || len(text) > 10 {
			return invalid("", "Connect-Timeout-Ms is %.40q; it takes milliseconds, at most 10 digits", text)
		}
	}
	if text := r.Header.Get("Grpc-Timeout"); text != "" && framingOf(r).encodingHeader == "Grpc-Encoding" {
		digits := strings.TrimRight(text, "HMSmun")
		if n, err := strconv.ParseInt(digits, 10, 64); err != nil || n < 0 || len(text) != len(digits)+1 || len(digits) > 8 {
			return invalid("", "grpc-timeout is %.40q; it takes at most 8 digits and one of the units H, M, S, m, u and n", text)
		}
	}
	return nil
}
