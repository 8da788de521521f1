package load

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments/value"
)

// fakeIngest is an IngestService that keeps what it is sent and takes the rows of a load in order, each once.
type fakeIngest struct {
	mu     sync.Mutex
	rows   []string // what was taken, one line each, in the order of the request
	loads  map[string]*whowhenv1.GetLoadResponse
	writes int
	calls  int
	last   *whowhenv1.WriteRequest

	reject func(line string) *whowhenv1.Reject // nil to take it
	before func(call int) error                // fails a call before it does anything
	after  func(call int) error                // fails a call after it was carried out
}

func (f *fakeIngest) GetLoad(_ context.Context, r *connect.Request[whowhenv1.GetLoadRequest]) (*connect.Response[whowhenv1.GetLoadResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail(f.before); err != nil {
		return nil, err
	}
	if state := f.loads[r.Msg.LoadId]; state != nil {
		return connect.NewResponse(state), f.fail(f.after)
	}
	return connect.NewResponse(&whowhenv1.GetLoadResponse{}), f.fail(f.after)
}

func (f *fakeIngest) fail(when func(int) error) error {
	if when == nil {
		return nil
	}
	return when(f.calls)
}

func (f *fakeIngest) Write(_ context.Context, r *connect.Request[whowhenv1.WriteRequest]) (*connect.Response[whowhenv1.WriteResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if err := f.fail(f.before); err != nil {
		return nil, err
	}
	load := r.Msg.Load
	state := f.loads[load.LoadId]
	if state == nil {
		state = &whowhenv1.GetLoadResponse{}
	}
	if load.FirstRow != state.NextRow || state.Finished {
		return nil, withInfo(connect.CodeFailedPrecondition, "LOAD_OUT_OF_ORDER", false)
	}
	lines, err := flatten(r.Msg)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	if got := uint64(len(lines)) + load.RejectedRows + load.SkippedRows; got != load.Rows {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("a batch of %d rows stands for %d", got, load.Rows))
	}
	response := &whowhenv1.WriteResponse{}
	for i, line := range lines {
		if f.reject != nil {
			if reject := f.reject(line); reject != nil {
				reject.Index = uint32(i)
				response.Rejects = append(response.Rejects, reject)
				continue
			}
		}
		f.rows = append(f.rows, line)
		response.Accepted++
	}
	f.writes++
	f.last = r.Msg
	response.Position = uint64(f.writes)
	if f.loads == nil {
		f.loads = map[string]*whowhenv1.GetLoadResponse{}
	}
	f.loads[load.LoadId] = &whowhenv1.GetLoadResponse{
		NextRow: load.FirstRow + load.Rows, Finished: load.Last, Position: response.Position,
		Accepted:     state.Accepted + response.Accepted,
		RejectedRows: state.RejectedRows + load.RejectedRows + uint64(len(response.Rejects)),
		SkippedRows:  state.SkippedRows + load.SkippedRows,
	}
	if err := f.fail(f.after); err != nil {
		return nil, err
	}
	return connect.NewResponse(response), nil
}

func withInfo(code connect.Code, reason string, retryable bool) error {
	err := connect.NewError(code, errors.New(reason))
	detail, detailErr := connect.NewErrorDetail(&whowhenv1.ErrorInfo{Reason: reason, Retryable: retryable})
	if detailErr != nil {
		return detailErr
	}
	err.AddDetail(detail)
	return err
}

// flatten writes each record of a request as one line.
func flatten(r *whowhenv1.WriteRequest) ([]string, error) {
	var lines []string
	add := func(what string, cids *whowhenv1.CidColumn, millis []int64, columns []*whowhenv1.Column, more func(row int) string) error {
		names := cids.Strings
		for p := cids.Packed; len(p) > 0; p = p[16:] {
			names = append(names, hex.EncodeToString(p[:16]))
		}
		if len(cids.Strings) > 0 && len(cids.Packed) > 0 || len(millis) != 0 && len(millis) != len(names) {
			return fmt.Errorf("%s: columns do not fit together", what)
		}
		first := len(lines)
		for row, cid := range names {
			line := what + " " + cid
			if len(millis) > 0 {
				line += " @" + time.UnixMilli(millis[row]).UTC().Format("2006-01-02T15:04:05.999Z")
			}
			lines = append(lines, line+more(row))
		}
		slices.SortFunc(columns, func(a, b *whowhenv1.Column) int { return cmp.Compare(a.Name, b.Name) })
		for _, c := range columns {
			values, err := columnValues(c, len(names))
			if err != nil {
				return fmt.Errorf("%s: column %s: %w", what, c.Name, err)
			}
			for row, v := range values {
				if v != "" {
					lines[first+row] += " " + c.Name + "=" + v
				}
			}
		}
		return nil
	}
	for _, e := range r.EventColumns {
		if err := add(e.Name, e.Cids, e.TimeUnixMillis, e.Properties, func(row int) string {
			more := ""
			if len(e.UtcOffsetMinutes) > 0 && e.UtcOffsetMinutes[row] != -32768 {
				more += fmt.Sprintf(" offset:%d", e.UtcOffsetMinutes[row])
			}
			if len(e.EventIds) > 0 && e.EventIds[row] != "" {
				more += " id:" + e.EventIds[row]
			}
			return more
		}); err != nil {
			return nil, err
		}
	}
	for _, t := range r.TagColumns {
		if err := add(fmt.Sprintf("%s%s", map[bool]string{true: "-", false: "+"}[t.Remove], t.Tag), t.Cids, t.TimeUnixMillis, nil, func(row int) string {
			if len(t.ExpiresAtUnixMillis) > 0 && t.ExpiresAtUnixMillis[row] != 0 {
				return " until " + time.UnixMilli(t.ExpiresAtUnixMillis[row]).UTC().Format(time.RFC3339)
			}
			return ""
		}); err != nil {
			return nil, err
		}
	}
	for _, p := range r.ProfileColumns {
		if err := add("profile", p.Cids, p.TimeUnixMillis, p.Set, func(int) string { return "" }); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func columnValues(c *whowhenv1.Column, rows int) ([]string, error) {
	var values []string
	switch k := c.Kind.(type) {
	case *whowhenv1.Column_Strings:
		for _, code := range k.Strings.Codes {
			values = append(values, value.Quote(k.Strings.Values[code]))
		}
	case *whowhenv1.Column_Decimals:
		for _, units := range k.Decimals.Units {
			d, err := value.NewDecimal(units, int(k.Decimals.Scale))
			if err != nil {
				return nil, err
			}
			values = append(values, d.String())
		}
	case *whowhenv1.Column_Bools:
		for _, b := range k.Bools.Values {
			values = append(values, fmt.Sprint(b))
		}
	case *whowhenv1.Column_Times:
		for _, millis := range k.Times.UnixMillis {
			values = append(values, "@"+time.UnixMilli(millis).UTC().Format(time.RFC3339))
		}
	case *whowhenv1.Column_Values:
		for _, v := range k.Values.Values {
			switch v := v.Kind.(type) {
			case nil:
				values = append(values, "")
			case *whowhenv1.Value_List:
				values = append(values, value.Strings(v.List.Values).String())
			case *whowhenv1.Value_Decimal:
				values = append(values, v.Decimal)
			default:
				return nil, fmt.Errorf("unexpected %T", v)
			}
		}
	}
	if len(values) != rows {
		return nil, fmt.Errorf("%d values for %d rows", len(values), rows)
	}
	for _, row := range c.Absent {
		values[row] = ""
	}
	return values, nil
}

// serve starts the fake and returns a client of it.
func (f *fakeIngest) serve(tb testing.TB) whowhenv1connect.IngestServiceClient {
	tb.Helper()
	mux := http.NewServeMux()
	mux.Handle(whowhenv1connect.NewIngestServiceHandler(f))
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	return whowhenv1connect.NewIngestServiceClient(server.Client(), server.URL)
}

// stillClock stands still and never waits.
func stillClock() Clock {
	return Clock{
		Now:   func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func joined(lines []string) string { return strings.Join(lines, "\n") }
