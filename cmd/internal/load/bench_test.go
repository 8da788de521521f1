package load

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// sharedData returns the path of a file of real data, found in a folder shared/data beside one
// of the folders above, and skips the test where there is none.
func sharedData(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		up := filepath.Dir(dir)
		if up == dir {
			tb.Skipf("no folder above holds shared/data/%s", name)
		}
		dir = up
	}
}

// discard takes everything.
type discard struct{}

func (discard) Write(_ context.Context, r *connect.Request[whowhenv1.WriteRequest]) (*connect.Response[whowhenv1.WriteResponse], error) {
	load := r.Msg.Load
	return connect.NewResponse(&whowhenv1.WriteResponse{Accepted: load.Rows - load.RejectedRows - load.SkippedRows}), nil
}

func (discard) GetLoad(context.Context, *connect.Request[whowhenv1.GetLoadRequest]) (*connect.Response[whowhenv1.GetLoadResponse], error) {
	return connect.NewResponse(&whowhenv1.GetLoadResponse{}), nil
}

func london(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

// BenchmarkOnlineRetail runs both passes; use -cpu 1 for the figure of one core.
func BenchmarkOnlineRetail(b *testing.B) {
	job := Job{
		Kind: Events, Files: []string{sharedData(b, "online_retail.csv.gz")}, Event: "purchase",
		Map: []Pair{{"cid", "CustomerID"}, {"time", "InvoiceDate"}}, Zone: london(b), Clock: SystemClock(),
	}
	rows := uint64(0)
	for b.Loop() {
		sum, err := Run(b.Context(), discard{}, job, nil)
		if err != nil {
			b.Fatal(err)
		}
		rows += sum.Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkJSONLines(b *testing.B) {
	const lines = 200_000
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, `{"cid":"%032x","time":"2026-01-%02dT10:00:%02dZ","event":"open","amount":%d.%d,"screen":"home %d","vip":true}`+"\n", i, 1+i%28, i%60, i%100, i%10, i%50)
	}
	job := Job{Kind: Events, Files: []string{write(b, "f.jsonl", text.String())}, Zone: time.UTC, Clock: SystemClock()}
	for b.Loop() {
		if sum, err := Run(b.Context(), discard{}, job, nil); err != nil || sum.Accepted != lines {
			b.Fatal(sum, err)
		}
	}
	b.ReportMetric(lines*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
