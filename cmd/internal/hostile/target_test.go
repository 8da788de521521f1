//go:build linux

package hostile

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

const (
	pathWrite    = "/whowhen.v1.IngestService/Write"
	pathCount    = "/whowhen.v1.AudienceService/Count"
	pathSelect   = "/whowhen.v1.AudienceService/Select"
	pathContains = "/whowhen.v1.AudienceService/Contains"
)

// target is the server under attack.
type target struct {
	address string // host:port
	http1   *http.Client
	http2   *http.Client
}

func newTarget(t *testing.T, address string) *target {
	client := func(http2 bool) *http.Client {
		transport := &http.Transport{Protocols: new(http.Protocols), MaxIdleConnsPerHost: 100}
		transport.Protocols.SetHTTP1(!http2)
		transport.Protocols.SetUnencryptedHTTP2(http2)
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	return &target{strings.TrimPrefix(address, "http://"), client(false), client(true)}
}

func (a *target) dial(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", a.address)
}

// outcomes counts what became of the requests of an attack.
type outcomes struct {
	mu sync.Mutex
	n  map[string]int
}

func (o *outcomes) add(outcome string) {
	if outcome == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n == nil {
		o.n = map[string]int{}
	}
	o.n[outcome]++
}

func (o *outcomes) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(o.n)) {
		parts = append(parts, fmt.Sprintf("%s x%d", name, o.n[name]))
	}
	return strings.Join(parts, ", ")
}

// request is one hostile request.
type request struct {
	path    string
	content string // application/json when empty
	body    []byte
	header  []string
	chunked bool
	http2   bool
}

// send returns what the server made of a request: the reason of its error, REJECTED:reason of the first reject, ok, or why
// there is no answer; "" when ctx has ended.
func (a *target) send(ctx context.Context, q request) string {
	var body io.Reader = bytes.NewReader(q.body)
	if q.chunked {
		body = io.MultiReader(body) // of unknown length
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+a.address+q.path, body)
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	if q.content != "" {
		r.Header.Set("Content-Type", q.content)
	}
	for i := 0; i+1 < len(q.header); i += 2 {
		r.Header.Set(q.header[i], q.header[i+1])
	}
	client := a.http1
	if q.http2 {
		client = a.http2
	}
	response, err := client.Do(r)
	if err != nil {
		return lost(ctx)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return lost(ctx)
	}
	return outcomeOf(response, answer)
}

func lost(ctx context.Context) string {
	if ctx.Err() != nil {
		return ""
	}
	return "connection closed"
}

func outcomeOf(response *http.Response, answer []byte) string {
	for _, header := range []http.Header{response.Trailer, response.Header} {
		if status := header.Get("Grpc-Status"); status != "" && status != "0" {
			return infoInStatus(header.Get("Grpc-Status-Details-Bin"))
		}
	}
	if i := bytes.Index(answer, []byte(`{"error":`)); i >= 0 { // the end of a stream
		var end struct{ Error json.RawMessage }
		if json.Unmarshal(answer[i:], &end) == nil {
			answer = end.Error
		}
	}
	if response.StatusCode == http.StatusOK && response.Header.Get("Content-Type") == wireProto {
		var written whowhenv1.WriteResponse
		if proto.Unmarshal(answer, &written) == nil && len(written.Rejects) > 0 {
			return "REJECTED:" + written.Rejects[0].Reason
		}
	}
	var said struct {
		Code    string
		Details []struct{ Value string }
		Rejects []struct{ Reason string }
	}
	_ = json.Unmarshal(answer, &said)
	switch {
	case len(said.Details) > 0:
		raw, err := base64.RawStdEncoding.DecodeString(said.Details[0].Value)
		if err != nil {
			return err.Error()
		}
		return reasonIn(raw)
	case said.Code != "":
		return "untyped " + said.Code
	case len(said.Rejects) > 0:
		return "REJECTED:" + said.Rejects[0].Reason
	case response.StatusCode == http.StatusOK:
		return "ok"
	}
	return response.Status
}

func infoInStatus(encoded string) string {
	status, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil || encoded == "" {
		return "untyped gRPC error"
	}
	return reasonIn(field(field(status, 3), 2)) // google.rpc.Status.details, google.protobuf.Any.value
}

func field(message []byte, number protowire.Number) []byte {
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return nil
		}
		message = message[size:]
		if n == number && kind == protowire.BytesType {
			content, _ := protowire.ConsumeBytes(message)
			return content
		}
		if size = protowire.ConsumeFieldValue(n, kind, message); size < 0 {
			return nil
		}
		message = message[size:]
	}
	return nil
}

func reasonIn(detail []byte) string {
	var info whowhenv1.ErrorInfo
	if err := proto.Unmarshal(detail, &info); err != nil || info.Reason == "" {
		return "untyped"
	}
	return info.Reason
}

// gzipped returns n bytes of a byte, compressed.
func gzipped(with byte, n int) []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	block := bytes.Repeat([]byte{with}, 1<<20)
	for ; n > 0; n -= len(block) {
		z.Write(block[:min(n, len(block))]) // to memory, which does not fail
	}
	z.Close()
	return packed.Bytes()
}

func enveloped(flags byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...)
}

func mustMarshal(m proto.Message) []byte {
	data, err := proto.Marshal(m)
	if err != nil {
		panic(err) // messages of the tests themselves
	}
	return data
}
