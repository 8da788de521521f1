package serve

import (
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/registry"
)

// BenchmarkScore asks over Connect for the probability of some of a million CIDs and what moved it, each time of others, by a model of eighty columns, one of which
// goes by what everybody took. Beside it stands what each call takes where nothing is kept ready, which is what the first one of a day takes.
func BenchmarkScore(b *testing.B) {
	const cids = 1_000_000
	s, app := crowdedServer(b, cids)
	var columns []string
	for _, event := range []string{"visit", "open", "click", "buy"} {
		for _, family := range []string{"recency(%q)", "gap(%q, within 30d)", "pace(%q, within 30d)", "chance(%q, 30d, within 365d)", "habit(%q, 30d, within 365d)", "night(%q, within 30d)", "trend(%q, 7d, 30d)"} {
			columns = append(columns, fmt.Sprintf(family, event))
		}
		for _, days := range []int{1, 7, 14, 30} {
			columns = append(columns, fmt.Sprintf("count(%q, within %dd)", event, days), fmt.Sprintf("days(%q, within %dd)", event, days), fmt.Sprintf("sum(%q, within %dd)", event+".amount", days))
		}
	}
	columns = append(columns, "tenure", `popularity("buy.category", 30d, within 30d)`)
	addVersion(b, app, func(v string) registry.Content { return trained(b, v, 0.05, columns...) })
	client := whowhenv1connect.NewModelServiceClient(newHTTPClient(b, true), listen(b, s))
	view, err := app.View(b.Context(), segments.ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer view.Close()
	next := uint32(0)
	some := func(n int) (cids []string) {
		ordinals := make([]uint32, n)
		for i := range ordinals {
			next = (next + 611_953) % uint32(view.CIDs())
			ordinals[i] = next
		}
		var read batch.CIDs
		app.ReadCIDs(&read, ordinals)
		return appendTexts(nil, &read)
	}
	for _, n := range []int{1, 100} {
		for _, kept := range []string{"ready", "anew"} {
			b.Run(fmt.Sprintf("cids=%d/%s", n, kept), func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					if kept == "anew" {
						s.ready = &readyModels{}
					}
					asked := some(n)
					begun := time.Now()
					r, err := client.Score(b.Context(), connect.NewRequest(&whowhenv1.ScoreRequest{Name: "churn", Cids: asked, Moved: 5}))
					if err != nil || len(r.Msg.Scores) != n || !r.Msg.Scores[0].Known {
						b.Fatal(r, err)
					}
					took = append(took, time.Since(begun))
				}
				reportPercentiles(b, took)
			})
		}
	}
}
