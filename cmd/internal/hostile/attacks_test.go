//go:build linux

package hostile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// attack is something that many clients do at once, again and again for as long as it lasts.
type attack struct {
	name string
	// want lists the outcomes that are right; SERVER_BUSY and a closed connection are too when busy is set.
	want []string
	busy bool
	// holds is set when what a client does lasts as long as the attack.
	holds bool
	// clients at once, and in the whole test.
	clients, all int
	// make prepares what is the same for all clients, and returns what each does.
	make func(*target) func(ctx context.Context, client int) string
}

// requests makes an attack of sending the same requests again and again.
func requests(make func() []request) func(*target) func(context.Context, int) string {
	return func(a *target) func(context.Context, int) string {
		all := make()
		var mu sync.Mutex
		next := 0
		return func(ctx context.Context, _ int) string {
			mu.Lock()
			q := all[next%len(all)]
			next++
			mu.Unlock()
			return a.send(ctx, q)
		}
	}
}

func one(make func() request) func(*target) func(context.Context, int) string {
	return requests(func() []request { return []request{make()} })
}

const (
	tooLarge  = "REQUEST_TOO_LARGE"
	malformed = "REQUEST_MALFORMED"
	busy      = "SERVER_BUSY"
	closed    = "connection closed"
	grpcProto = "application/grpc+proto"
	wireProto = "application/proto"
)

// inAllProtocols returns a message in each way that it can be sent.
func inAllProtocols(path string, binary []byte, json string) []request {
	return []request{
		{path: path, body: []byte(json)},
		{path: path, content: wireProto, body: binary},
		{path: path, content: grpcProto, body: enveloped(0, binary), http2: true},
		{path: path, content: "application/grpc-web+proto", body: enveloped(0, binary)},
		{path: path, content: "application/grpc-web+json", body: enveloped(0, []byte(json))},
	}
}

func attacks() []attack {
	return []attack{
		{name: "body of 13 MiB, announced", want: []string{tooLarge, closed}, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, body: make([]byte, 13<<20)}
		})},
		{name: "body of 64 MiB, in chunks", want: []string{tooLarge, closed}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, body: bytes.Repeat([]byte(" "), 64<<20), chunked: true}
		})},
		{name: "body of 11 MiB of blanks", want: []string{malformed}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, body: bytes.Repeat([]byte(" "), 11<<20)}
		})},
		{name: "message of 2 MiB for a count, all protocols", want: []string{tooLarge, closed}, busy: true, clients: 16, all: 64, make: requests(func() []request {
			text := strings.Repeat("x", 2<<20)
			return inAllProtocols(pathCount, mustMarshal(&whowhenv1.CountRequest{Expression: text}), `{"expression":"`+text+`"}`)
		})},
		{name: "gzip bomb, 1000 to 1", want: []string{tooLarge, closed}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, body: gzipped(' ', bombBytes()), header: []string{"Content-Encoding", "gzip"}}
		})},
		{name: "gzip bomb in a gRPC envelope", want: []string{tooLarge}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, content: grpcProto, body: enveloped(1, gzipped(0, bombBytes())), header: []string{"Grpc-Encoding", "gzip"}, http2: true}
		})},
		{name: "gzip to the brim, 11 MiB each", want: []string{malformed}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, body: gzipped(' ', 11<<20), header: []string{"Content-Encoding", "gzip"}}
		})},
		{name: "damaged and truncated gzip", want: []string{malformed}, busy: true, clients: 8, all: 32, make: requests(func() []request {
			z := gzipped(' ', 1<<20)
			return []request{
				{path: pathWrite, body: z[:len(z)/2], header: []string{"Content-Encoding", "gzip"}},
				{path: pathWrite, body: []byte("no gzip"), header: []string{"Content-Encoding", "gzip"}},
				{path: pathWrite, content: grpcProto, body: enveloped(1, []byte("no gzip")), header: []string{"Grpc-Encoding", "gzip"}, http2: true},
				{path: pathWrite, content: grpcProto, body: enveloped(1, z), http2: true},
				{path: pathWrite, content: grpcProto, body: enveloped(0xff, z), http2: true},
				{path: pathWrite, content: grpcProto, body: enveloped(0, z)[:100], http2: true},
				{path: pathWrite, content: grpcProto, body: append(enveloped(0, nil), enveloped(0, nil)...), http2: true},
			}
		})},
		{name: "zstd, which is not taken", want: []string{"ENCODING_UNKNOWN", closed}, clients: 8, all: 32, make: requests(func() []request {
			bomb := zeros("zst", bombBytes())
			return []request{
				{path: pathWrite, body: bomb, header: []string{"Content-Encoding", "zstd"}},
				{path: pathWrite, content: grpcProto, body: enveloped(1, bomb), header: []string{"Grpc-Encoding", "zstd"}, http2: true},
				{path: pathSelect, content: "application/connect+json", body: enveloped(1, bomb), header: []string{"Connect-Content-Encoding", "zstd"}},
			}
		})},
		{name: "3 million records of 3 bytes in JSON", want: []string{tooLarge}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, body: []byte(`{"records":[` + strings.Repeat(`{},`, 3_000_000) + `{}]}`)}
		})},
		{name: "5 million records of 2 bytes in binary", want: []string{tooLarge}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, content: wireProto, body: bytes.Repeat([]byte{0x1a, 0x00}, 5_000_000)}
		})},
		{name: "11 million numbers of 1 byte", want: []string{tooLarge}, busy: true, clients: 16, all: 64, make: one(func() request {
			m := &whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{{TimeUnixMillis: make([]int64, 11<<20)}}}
			return request{path: pathWrite, content: wireProto, body: mustMarshal(m)}
		})},
		{name: "JSON just below what is too large", want: []string{"TOO_MANY_RECORDS", malformed}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, body: []byte(`{"records":[` + strings.Repeat(`{},`, 66_000) + `{}],"event_columns":[{"utc_offset_minutes":[` + strings.Repeat("1,", 10_000) + `1]}]}`)}
		})},
		{name: "all of 65,536 records rejected", want: []string{"REJECTED:RECORD_EMPTY"}, busy: true, clients: 16, all: 64, make: one(func() request {
			return request{path: pathWrite, body: []byte(`{"records":[` + strings.Repeat(`{},`, 65_535) + `{}]}`)}
		})},
		{name: "all of 32,768 rows rejected, long names", want: []string{"REJECTED:TIME_INVALID", tooLarge}, busy: true, clients: 16, all: 64, make: one(func() request {
			rows := 32_768
			bad := &whowhenv1.Value{Kind: &whowhenv1.Value_Time{Time: &timestamppb.Timestamp{Seconds: math.MaxInt64}}}
			values := make([]*whowhenv1.Value, rows)
			for i := range values {
				values[i] = bad
			}
			return request{path: pathWrite, content: wireProto, body: mustMarshal(&whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{
				Cids: &whowhenv1.CidColumn{Packed: make([]byte, 16*rows)},
				Set:  []*whowhenv1.Column{{Name: strings.Repeat("n", 256), Kind: &whowhenv1.Column_Values{Values: &whowhenv1.ValueColumn{Values: values}}}},
			}}})}
		})},
		{name: "a column name of 1 MB, every row bad", want: []string{"REJECTED:NAME_TOO_LONG", tooLarge}, busy: true, clients: 16, all: 64, make: requests(func() []request {
			rows, name := 8192, strings.Repeat("n", 1<<20)
			values := make([]*whowhenv1.Value, rows)
			for i := range values {
				values[i] = &whowhenv1.Value{Kind: &whowhenv1.Value_Time{Time: &timestamppb.Timestamp{Seconds: math.MaxInt64}}}
			}
			m := &whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{
				Cids: &whowhenv1.CidColumn{Packed: make([]byte, 16*rows)},
				Set:  []*whowhenv1.Column{{Name: name, Kind: &whowhenv1.Column_Values{Values: &whowhenv1.ValueColumn{Values: values}}}},
			}}}
			numbers := make([]float64, rows)
			for i := range numbers {
				numbers[i] = math.Inf(1)
			}
			n := &whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{
				Cids: &whowhenv1.CidColumn{Packed: make([]byte, 16*rows)},
				Set:  []*whowhenv1.Column{{Name: name, Kind: &whowhenv1.Column_Numbers{Numbers: &whowhenv1.NumberColumn{Values: numbers}}}},
			}}}
			return []request{{path: pathWrite, content: wireProto, body: mustMarshal(m)}, {path: pathWrite, content: wireProto, body: mustMarshal(n)}}
		})},
		{name: "greedy: 12,000 events in JSON, valid, checked only", want: []string{"ok"}, busy: true, clients: 16, all: 64, make: one(func() request {
			var b strings.Builder
			b.WriteString(`{"validate_only":true,"records":[`)
			for i := range 12_000 {
				if i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, `{"event":{"cid":"%032x","name":"greed","time":"2026-01-01T00:00:00Z","properties":{"a":{"number":%d},"b":{"string":"%d"}}}}`, i, i, i)
			}
			b.WriteString(`]}`)
			return request{path: pathWrite, body: []byte(b.String())}
		})},
		{name: "100,000 CIDs to look up", want: []string{"ok"}, busy: true, clients: 32, all: 64, make: one(func() request {
			m := &whowhenv1.ContainsRequest{Expression: "everyone"}
			for i := range 100_000 {
				m.Cids = append(m.Cids, fmt.Sprintf("%032x", i))
			}
			return request{path: pathContains, content: wireProto, body: mustMarshal(m)}
		})},
		{name: "nested a million deep", want: []string{malformed, tooLarge}, busy: true, clients: 16, all: 64, make: requests(func() []request {
			groups := []byte{}
			for range 400_000 {
				groups = protowire.AppendTag(groups, 1000, protowire.StartGroupType)
			}
			return []request{
				{path: pathWrite, body: []byte(`{"records":` + strings.Repeat("[", 200_000))},
				{path: pathWrite, body: []byte(`{"x":` + strings.Repeat("[", 1_000_000))},
				{path: pathWrite, body: []byte(strings.Repeat(`{"records":[`, 50_000))},
				{path: pathCount, content: wireProto, body: groups},
			}
		})},
		{name: "expressions, nested and huge", want: []string{"EXPRESSION_SYNTAX", tooLarge}, busy: true, clients: 32, all: 64, make: requests(func() []request {
			var all []request
			for _, text := range []string{
				strings.Repeat("(", 250_000), strings.Repeat("not ", 60_000) + "everyone", strings.Repeat("a=1 and ", 30_000) + "a=1",
				`a in (` + strings.Repeat("1,", 120_000) + "1)", `tag("` + strings.Repeat("t", 10_240) + `")`, strings.Repeat("x", 900_000),
				`age = 1e400`, `age > NaN`, `did("x", within 99999999999999999999d)`,
			} {
				all = append(all, request{path: pathCount, content: wireProto, body: mustMarshal(&whowhenv1.CountRequest{Expression: text})})
			}
			return all
		})},
		{name: "expressions as large as they may be", want: []string{"ok"}, busy: true, clients: 32, all: 64, make: requests(func() []request {
			var all []request
			for _, text := range []string{
				`a in (` + strings.Repeat(`"0123456789",`, 9_999) + `"x")`,
				strings.Repeat(`tag("`+strings.Repeat("t", 50)+`") or `, 3_000) + `everyone`,
				strings.Repeat(`did("e" where a = 1, within 30d) or `, 2_000) + `everyone`,
			} {
				all = append(all, request{path: pathCount, content: wireProto, body: mustMarshal(&whowhenv1.CountRequest{Expression: text})})
			}
			return all
		})},
		{name: "invalid UTF-8 in every place", want: []string{malformed}, clients: 8, all: 32, make: requests(func() []request {
			bad := []byte("\xff\xfe")
			var all []request
			tag := func(number protowire.Number, content ...byte) []byte {
				return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
			}
			for _, body := range [][]byte{
				tag(1, bad...), tag(2, bad...), // app, batch_id
				tag(3, tag(1, tag(1, bad...)...)...), tag(3, tag(1, tag(2, bad...)...)...), tag(3, tag(1, tag(5, bad...)...)...), // an event's cid, name, id
				tag(3, tag(1, tag(6, tag(1, bad...)...)...)...),                 // a property's name
				tag(3, tag(1, tag(6, tag(2, tag(1, bad...)...)...)...)...),      // its value
				tag(3, tag(2, tag(2, bad...)...)...),                            // a tag
				tag(4, tag(2, tag(1, bad...)...)...), tag(4, tag(1, bad...)...), // columns
				tag(7, tag(1, bad...)...), // a load id
			} {
				all = append(all, request{path: pathWrite, content: wireProto, body: body}, request{path: pathWrite, content: grpcProto, body: enveloped(0, body), http2: true})
			}
			for _, body := range []string{
				`{"app":"%s"}`, `{"batch_id":"%s"}`, `{"load":{"load_id":"%s"}}`, `{"records":[{"event":{"cid":"%s","name":"x"}}]}`,
				`{"records":[{"event":{"cid":"a","name":"x","properties":{"%s":{"number":1}}}}]}`, `{"records":[{"event":{"cid":"a","name":"x","properties":{"p":{"string":"%s"}}}}]}`,
			} {
				all = append(all, request{path: pathWrite, body: fmt.Appendf(nil, body, bad)}, request{path: pathWrite, body: fmt.Appendf(nil, body, `\ud800`)})
			}
			return append(all, request{path: pathCount, body: []byte("{\"expression\":\"\xff\"}")}, request{path: pathContains, content: wireProto, body: tag(4, bad...)})
		})},
		{name: "names of 10 kB", clients: 8, all: 32, want: []string{
			"APP_NAME_INVALID", "REQUEST_INVALID", "REJECTED:CID_TOO_LONG", "REJECTED:EVENT_TOO_LONG", "REJECTED:TAG_TOO_LONG", "REJECTED:NAME_TOO_LONG", "REJECTED:EVENT_ID_TOO_LONG", "REJECTED:VALUE_MISSING", "EXPRESSION_SYNTAX",
		}, make: requests(func() []request {
			long := strings.Repeat("n", 10_240)
			var all []request
			for _, body := range []string{
				`{"app":"%s"}`, `{"batch_id":"%s"}`, `{"load":{"load_id":"%s"}}`,
				`{"records":[{"event":{"cid":"%s","name":"x"}}]}`, `{"records":[{"event":{"cid":"x","name":"%s"}}]}`, `{"records":[{"event":{"cid":"x","name":"x","event_id":"%s"}}]}`,
				`{"records":[{"event":{"cid":"x","name":"x","properties":{"%s":{"number":1}}}}]}`, `{"records":[{"event":{"cid":"x","name":"x","properties":{"%s":{}}}}]}`,
				`{"records":[{"tag":{"cid":"x","tag":"%s"}}]}`, `{"records":[{"profile":{"cid":"x","set":{"%s":{"number":1}}}}]}`, `{"records":[{"profile":{"cid":"x","unset":["%s"]}}]}`,
				`{"tag_columns":[{"tag":"%s","cids":{"strings":["x"]}}]}`, `{"event_columns":[{"name":"%s","cids":{"strings":["x"]}}]}`,
				`{"profile_columns":[{"cids":{"strings":["x"]},"set":[{"name":"%s","bools":{"values":[true]}}]}]}`,
			} {
				all = append(all, request{path: pathWrite, body: fmt.Appendf(nil, body, long)})
			}
			return append(all, request{path: pathCount, body: []byte(`{"app":"` + long + `","expression":"everyone"}`)}, request{path: pathCount, body: []byte(`{"expression":"tag(\"` + long + `\")"}`)})
		})},
		{name: "numbers and times out of range", clients: 8, all: 32, want: []string{
			malformed, "REQUEST_INVALID", "AS_OF_OUT_OF_RANGE", "AS_OF_IN_FUTURE", "BATCH_MALFORMED", "REJECTED:NUMBER_OUT_OF_RANGE", "REJECTED:NUMBER_INVALID", "REJECTED:OFFSET_OUT_OF_RANGE", "REJECTED:TIME_OUT_OF_RANGE", "REJECTED:TIME_IN_FUTURE", "REJECTED:TIME_INVALID",
		}, make: requests(func() []request {
			var all []request
			for _, number := range []string{`{"number":"NaN"}`, `{"number":"Infinity"}`, `{"number":1e300}`, `{"number":1e400}`, `{"decimal":"1e400"}`, `{"decimal":"1e999999999"}`, `{"decimal":"1e-999999999999999999999"}`, `{"decimal":"0x10"}`, `{"time":"9999999-01-01T00:00:00Z"}`} {
				all = append(all, request{path: pathWrite, body: fmt.Appendf(nil, `{"records":[{"event":{"cid":"x","name":"x","properties":{"p":%s}}}]}`, number)})
			}
			for _, event := range []string{`"time":"1969-12-31T23:59:59Z"`, `"time":"9999-12-31T23:59:59Z"`, `"utc_offset_minutes":2147483647`, `"utc_offset_minutes":-1081`, `"utc_offset_minutes":99999999999`} {
				all = append(all, request{path: pathWrite, body: fmt.Appendf(nil, `{"records":[{"event":{"cid":"x","name":"x",%s}}]}`, event)})
			}
			for _, load := range []string{`"first_row":"18446744073709551615","rows":"2"`, `"rows":"-1"`, `"rows":"18446744073709551616"`, `"rows":"1","rejected_rows":"2"`} {
				all = append(all, request{path: pathWrite, body: fmt.Appendf(nil, `{"load":{"load_id":"x",%s}}`, load)})
			}
			for _, read := range []string{`"as_of":"0001-01-01T00:00:00Z"`, `"as_of":"9999-12-31T23:59:59Z"`, `"as_of":"x"`, `"at_least_position":"-1"`} {
				all = append(all, request{path: pathCount, body: fmt.Appendf(nil, `{"expression":"everyone","read":{%s}}`, read)})
			}
			return append(all,
				request{path: pathCount, content: wireProto, body: mustMarshal(&whowhenv1.CountRequest{Expression: "everyone", Read: &whowhenv1.Read{AsOf: &timestamppb.Timestamp{Seconds: math.MinInt64, Nanos: -1}}})},
				request{path: pathWrite, content: wireProto, body: mustMarshal(&whowhenv1.WriteRequest{TagColumns: []*whowhenv1.TagColumns{{Tag: "x", Cids: &whowhenv1.CidColumn{Strings: []string{"x"}}, ExpiresAtUnixMillis: []int64{math.MinInt64}, TimeUnixMillis: []int64{math.MaxInt64}}}})},
				request{path: pathWrite, content: wireProto, body: mustMarshal(&whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{Cids: &whowhenv1.CidColumn{Strings: []string{"x"}}, Set: []*whowhenv1.Column{{Name: "x", Kind: &whowhenv1.Column_Decimals{Decimals: &whowhenv1.DecimalColumn{Units: []int64{1}, Scale: math.MaxUint32}}}}}}})},
			)
		})},
		{name: "waiting for a position that never comes", want: []string{"POSITION_NOT_REACHED", "ok"}, busy: true, clients: 200, all: 1000, make: one(func() request {
			return request{path: pathCount, body: []byte(`{"expression":"everyone","read":{"at_least_position":"9999999999"}}`), http2: true}
		})},
		{name: "opening and cancelling streams", want: []string{"ok"}, busy: true, clients: 64, all: 256, make: func(a *target) func(context.Context, int) string {
			return func(ctx context.Context, _ int) string {
				soon, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(2000))*time.Microsecond)
				defer cancel()
				return a.send(soon, request{path: pathCount, body: []byte(`{"expression":"everyone"}`), http2: true})
			}
		}},
		{name: "header of 64 KiB, and of 5,000 lines", want: []string{"431 Request Header Fields Too Large", closed, "ok"}, busy: true, clients: 64, all: 256, make: func(a *target) func(context.Context, int) string {
			return func(ctx context.Context, client int) string {
				q := request{path: pathCount, body: []byte(`{"expression":"everyone"}`), http2: client%2 == 0}
				if client%4 < 2 {
					q.header = []string{"X-Long", strings.Repeat("x", 64<<10)}
				} else {
					for i := range 5_000 {
						q.header = append(q.header, fmt.Sprintf("X%d", i), "")
					}
				}
				return a.send(ctx, q)
			}
		}},
		{name: "silent connections", holds: true, want: []string{closed}, clients: 1000, all: 3000, make: hold(func(int) string { return "" }, 0)},
		{name: "slow headers, many lines each", holds: true, want: []string{closed, "400 Bad Request", "431 Request Header Fields Too Large"}, clients: 600, all: 2000, make: hold(func(int) string {
			var b strings.Builder
			b.WriteString("POST " + pathCount + " HTTP/1.1\r\nHost: x\r\n")
			for i := range 1_000 {
				fmt.Fprintf(&b, "X%d:\r\n", i)
			}
			return b.String()
		}, 1)},
		{name: "slow bodies of 11 MiB", holds: true, want: []string{"REQUEST_TOO_SLOW"}, busy: true, clients: 300, all: 600, make: hold(func(int) string {
			return "POST " + pathWrite + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 11000000\r\n\r\n" + strings.Repeat(" ", 300_000)
		}, 1)},
		{name: "answers that nobody takes", holds: true, want: []string{closed, "held"}, busy: true, clients: 200, all: 500, make: hold(func(client int) string {
			if client%2 == 0 {
				body := `{"records":[` + strings.Repeat(`{},`, 30_000) + `{}]}`
				return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", pathWrite, len(body), body)
			}
			body := enveloped(0, []byte(`{"expression":"everyone"}`))
			return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/connect+json\r\nContent-Length: %d\r\n\r\n%s", pathSelect, len(body), body)
		}, 0)},
		// Last, because what it writes stays.
		{name: "greedy: 65,536 rows by column, valid, written", want: []string{"ok"}, busy: true, clients: 8, all: 32, make: one(func() request {
			rows := 65_536
			packed := make([]byte, 16*rows)
			random := rand.New(rand.NewPCG(1, 2))
			for i := range packed {
				packed[i] = byte(random.IntN(256))
			}
			units := make([]int64, rows)
			for i := range units {
				units[i] = int64(i)
			}
			return request{path: pathWrite, content: wireProto, body: mustMarshal(&whowhenv1.WriteRequest{ProfileColumns: []*whowhenv1.ProfileColumns{{
				Cids: &whowhenv1.CidColumn{Packed: packed},
				Set:  []*whowhenv1.Column{{Name: "greed", Kind: &whowhenv1.Column_Decimals{Decimals: &whowhenv1.DecimalColumn{Units: units}}}},
			}}})}
		})},
	}
}

// hold makes an attack of connections that send something, then a byte now and then, or nothing, and read no answer
// until the attack is over.
func hold(say func(client int) string, trickle int) func(*target) func(context.Context, int) string {
	return func(a *target) func(context.Context, int) string {
		return func(ctx context.Context, client int) string {
			conn, err := a.dial(ctx)
			if err != nil {
				return lost(ctx)
			}
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond)) })
			defer stop()
			if _, err := io.WriteString(conn, say(client)); err == nil {
				for ctx.Err() == nil {
					pause(ctx, 200*time.Millisecond)
					if _, err := io.WriteString(conn, strings.Repeat("x", trickle)); err != nil {
						break
					}
					if trickle == 0 && ctx.Err() == nil && gone(conn) {
						return closed
					}
				}
			}
			return answerOn(conn)
		}
	}
}
