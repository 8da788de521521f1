package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/bench"
	"whowhen.dev/whowhen/serve/registry"
)

// crowdedServer returns a server with so many CIDs, and its app.
func crowdedServer(b *testing.B, cids int) (*Server, *segments.App) {
	b.Helper()
	home, err := segments.OpenHome(b.TempDir(), segments.Options{Clock: testClock})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := home.Close(); err != nil {
			b.Error(err)
		}
	})
	d := bench.Dataset{CIDs: cids, Seed: 3, LastDay: int32(testNow.Unix() / 86400)}
	if err := bench.Seed(b.Context(), home, segments.DefaultApp, d, func(int, int) {}); err != nil {
		b.Fatal(err)
	}
	app, err := home.App("")
	if err != nil {
		b.Fatal(err)
	}
	return New(home, Options{Clock: testClock}), app
}

// reportPercentiles reports how long calls took.
func reportPercentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*percent/100].Microseconds()), fmt.Sprintf("p%d-us", percent))
	}
}

// BenchmarkCountBesideScoring counts over Connect, one call after the other, expressions that differ each time: while nothing else goes on, and
// while everybody is being scored as a server does by itself, again and again.
func BenchmarkCountBesideScoring(b *testing.B) {
	const cids = 1_000_000
	s, app := crowdedServer(b, cids)
	var columns []string
	for _, event := range []string{"visit", "open", "click", "buy"} {
		columns = append(columns, fmt.Sprintf("recency(%q)", event))
		for _, days := range []int{1, 7, 14, 30} {
			columns = append(columns, fmt.Sprintf("count(%q, within %dd)", event, days), fmt.Sprintf("days(%q, within %dd)", event, days))
		}
	}
	addVersion(b, app, func(v string) registry.Content { return trained(b, v, 0.05, columns...) })
	url := listen(b, s)
	if _, err := whowhenv1connect.NewModelServiceClient(newHTTPClient(b, true), url).Activate(b.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn"})); err != nil {
		b.Fatal(err)
	}
	m, _, err := loadModel(modelDir(app), "churn", "1")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.scores.publish(b.Context(), app, m, publishing{workers: 2}); err != nil {
		b.Fatal(err)
	}
	client := whowhenv1connect.NewAudienceServiceClient(newHTTPClient(b, true), url)
	counting := func(b *testing.B) {
		var took []time.Duration
		for i := 0; b.Loop(); i++ {
			begun := time.Now()
			_, err := client.Count(b.Context(), connect.NewRequest(&whowhenv1.CountRequest{
				Expression: fmt.Sprintf(`did("open", within %dd) and not did("buy", within %dd) and score("churn") >= 0.%03d`, 1+i%7, 8+i%20, i%1000)}))
			if err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begun))
		}
		reportPercentiles(b, took)
	}
	b.Run("quiet", counting)
	b.Run("scoring", func(b *testing.B) {
		ctx, stop := context.WithCancel(b.Context())
		rounds := make(chan int, 1)
		go func() {
			n := 0
			for ; ; n++ {
				if _, err := s.scores.publish(ctx, app, m, publishing{workers: 1, rest: restAsLong(time.Now)}); err != nil {
					if !errors.Is(err, context.Canceled) {
						b.Error(err)
					}
					break
				}
			}
			rounds <- n
		}()
		begun := time.Now()
		counting(b)
		took := time.Since(begun)
		stop()
		b.ReportMetric(float64(<-rounds)*cids/took.Seconds(), "scored/s")
	})
}
