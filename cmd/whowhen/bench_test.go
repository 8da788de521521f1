package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/cmd/internal/load"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve"
)

// retailFile returns the path of the Online Retail data, or skips where there is none.
func retailFile(b *testing.B) string {
	b.Helper()
	dir, err := os.Getwd()
	if err != nil {
		b.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "data", "online_retail.csv.gz")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	b.Skip("no shared/data/online_retail.csv.gz beside the project")
	return ""
}

func runQuietly(b *testing.B, want int, args ...string) {
	b.Helper()
	var out, errs bytes.Buffer
	m := &Main{
		Name: "whowhen", Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" }, Clock: load.SystemClock(), Version: "bench",
	}
	if code := m.Main(context.Background()); code != want {
		b.Fatalf("%q: exit %d: %s", args, code, errs.String())
	}
}

const retailRows = 541_909

func loadRetailEvents(b *testing.B, dir string) {
	b.Helper()
	runQuietly(b, 3, "load", "events", retailFile(b), "--event", "purchase", "--map", "cid=CustomerID,time=InvoiceDate",
		"--data", dir, "--rejects", filepath.Join(dir, "rejects.csv"))
}

// BenchmarkLoad loads the file from .gz into a new directory, from the start of the program to its end.
func BenchmarkLoad(b *testing.B) {
	retailFile(b)
	for range b.N {
		b.StopTimer()
		dir := b.TempDir()
		runQuietly(b, 0, "init", "--zone", "Europe/London", "--data", dir)
		b.StartTimer()
		loadRetailEvents(b, dir)
	}
	b.ReportMetric(float64(b.N)*retailRows/b.Elapsed().Seconds(), "rows/s")
}

// served opens a directory and serves it on loopback.
func served(b *testing.B, dir string) *api {
	b.Helper()
	home, err := segments.OpenHome(dir, segments.Options{})
	if err != nil {
		b.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve.New(home, serve.Options{}).Serve(ctx, listener) }()
	client := &http.Client{Transport: &http.Transport{}}
	b.Cleanup(func() {
		client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := home.Close(); err != nil {
			b.Error(err)
		}
	})
	return (&Main{Clock: load.SystemClock(), Stderr: io.Discard}).newAPI(client, "http://"+listener.Addr().String())
}

func BenchmarkCountOverRPC(b *testing.B) {
	dir := b.TempDir()
	runQuietly(b, 0, "init", "--zone", "Europe/London", "--data", dir)
	loadRetailEvents(b, dir)
	runQuietly(b, 3, "load", "profiles", retailFile(b), "--map", "cid=CustomerID,country=Country", "--only",
		"--data", dir, "--rejects", filepath.Join(dir, "rejects.csv"))
	a := served(b, dir)
	asOf := timestamppb.New(time.Date(2011, 12, 9, 0, 0, 0, 0, time.UTC))
	for _, expression := range []string{
		`everyone`,
		`did("purchase", within 30d)`,
		`count("purchase", within 90d) >= 50`,
		`days("purchase", within 180d) >= 5`,
		`last("purchase") before 90d ago`,
		`first("purchase") within 30d`,
		`did("purchase" where Quantity > 100, within 365d)`,
		`sum("purchase.Quantity", within 90d) > 1000`,
		`country = "Germany" and days("purchase", within 90d) >= 3`,
		`did("purchase", within 30d) and not did("purchase" where Quantity < 0, within 30d)`,
		`count("purchase" where Description = "WHITE HANGING HEART T-LIGHT HOLDER", within 365d) >= 3`,
		`did("purchase", from 2011-03-01 to 2011-04-01)`,
	} {
		b.Run(strings.ReplaceAll(expression, " ", "_"), func(b *testing.B) {
			for range b.N {
				_, err := a.audience.Count(context.Background(), connect.NewRequest(&whowhenv1.CountRequest{
					Expression: expression, Read: &whowhenv1.Read{AsOf: asOf},
				}))
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// hexBatch returns events of CIDs drawn from so many.
func hexBatch(random *rand.Rand, events, cids int) *whowhenv1.WriteRequest {
	e := &whowhenv1.EventColumns{Name: "open", Cids: &whowhenv1.CidColumn{}}
	amounts := &whowhenv1.DecimalColumn{Scale: 2}
	now := time.Now().UnixMilli()
	for range events {
		var cid [16]byte
		binary.LittleEndian.PutUint64(cid[:], uint64(random.IntN(cids)))
		e.Cids.Packed = append(e.Cids.Packed, cid[:]...)
		e.TimeUnixMillis = append(e.TimeUnixMillis, now-random.Int64N(600_000))
		amounts.Units = append(amounts.Units, random.Int64N(100_000))
	}
	e.Properties = []*whowhenv1.Column{{Name: "amount", Kind: &whowhenv1.Column_Decimals{Decimals: amounts}}}
	return &whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{e}}
}

// BenchmarkWriteOverRPC writes batches of 8,192 events, each on disk before the next.
func BenchmarkWriteOverRPC(b *testing.B) {
	a := served(b, b.TempDir())
	random := rand.New(rand.NewPCG(1, 2))
	const events = 8192
	var batches []*whowhenv1.WriteRequest
	for range 16 {
		batches = append(batches, hexBatch(random, events, 1_000_000))
	}
	b.ResetTimer()
	for i := range b.N {
		if _, err := a.ingest.Write(context.Background(), connect.NewRequest(batches[i%len(batches)])); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*events/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSelectOverRPC streams 1,000,000 CIDs.
func BenchmarkSelectOverRPC(b *testing.B) {
	a := served(b, b.TempDir())
	const cids = 1_000_000
	position := uint64(0)
	for from := 0; from < cids; from += 50_000 {
		tag := &whowhenv1.TagColumns{Tag: "all", Cids: &whowhenv1.CidColumn{}}
		for i := range 50_000 {
			var cid [16]byte
			binary.LittleEndian.PutUint64(cid[:], uint64(from+i)*0x9e3779b97f4a7c15)
			tag.Cids.Packed = append(tag.Cids.Packed, cid[:]...)
		}
		answer, err := a.ingest.Write(context.Background(), connect.NewRequest(&whowhenv1.WriteRequest{TagColumns: []*whowhenv1.TagColumns{tag}}))
		if err != nil {
			b.Fatal(err)
		}
		position = answer.Msg.GetPosition()
	}
	for _, packed := range []bool{true, false} {
		b.Run(fmt.Sprintf("packed=%v", packed), func(b *testing.B) {
			for range b.N {
				stream, err := a.audience.Select(context.Background(), connect.NewRequest(&whowhenv1.SelectRequest{
					Expression: `tag("all")`, Packed: packed, Read: &whowhenv1.Read{AtLeastPosition: position},
				}))
				if err != nil {
					b.Fatal(err)
				}
				got := 0
				for stream.Receive() {
					got += len(stream.Msg().GetPackedCids())/16 + len(stream.Msg().GetCids())
				}
				if err := stream.Err(); err != nil || got != cids {
					b.Fatalf("%d CIDs: %v", got, err)
				}
			}
			b.ReportMetric(float64(b.N)*cids/b.Elapsed().Seconds(), "CIDs/s")
		})
	}
}
