package scoring_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/bench"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/serve/scoring"
)

// fifty are the columns of the model of the benchmark: of all kinds, and as many as training chooses with plenty of rows.
func fifty() []string {
	var names []string
	for _, event := range []string{"visit", "open", "click", "buy", "return"} {
		names = append(names, fmt.Sprintf("recency(%q)", event), fmt.Sprintf("trend(%q, 7d, 30d)", event))
		for _, days := range []int{1, 7, 14, 30} {
			names = append(names, fmt.Sprintf("count(%q, within %dd)", event, days), fmt.Sprintf("days(%q, within %dd)", event, days))
		}
	}
	for _, event := range []string{"click", "buy"} {
		for _, days := range []int{7, 14, 30} {
			names = append(names, fmt.Sprintf("sum(%q, within %dd)", event+".amount", days))
		}
	}
	return append(names, `rate("click", "open", within 30d)`, `rate("buy", "visit", within 30d)`, "tenure")
}

// BenchmarkEach scores everybody, a million CIDs or as many as SCORING_CIDS says, by a model of some fifty columns.
// With the environment variable SCORING_DIR the store is made there, and found again by the next run.
func BenchmarkEach(b *testing.B) {
	cids := 1_000_000
	if text := os.Getenv("SCORING_CIDS"); text != "" {
		var err error
		if cids, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	v := crowd(b, cids)
	m := trained(b, v)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				scored := 0
				err := m.Each(b.Context(), scoring.Walk{View: v, Workers: workers}, func(s *scoring.Shard) error {
					scored += len(s.Codes)
					return nil
				})
				if err != nil || scored != cids {
					b.Fatal(scored, err)
				}
			}
			b.ReportMetric(float64(cids)*float64(b.N)/b.Elapsed().Seconds(), "CIDs/s")
			b.ReportMetric(float64(len(m.Artifact().Model.Columns())), "columns")
		})
	}
}

func crowd(b *testing.B, cids int) *segments.View {
	b.Helper()
	d := bench.Dataset{CIDs: cids, Seed: 5, LastDay: 20_700}
	dir, app := os.Getenv("SCORING_DIR"), fmt.Sprintf("crowd%d", cids)
	if dir == "" {
		dir = b.TempDir()
	}
	home, err := segments.OpenHome(dir, segments.Options{Clock: func() time.Time { return time.Unix(int64(d.LastDay)*86400+86399, 0) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { home.Close() })
	a, err := home.App(app)
	if err != nil {
		if err := bench.Seed(b.Context(), home, app, d, func(int, int) {}); err != nil {
			b.Fatal(err)
		}
		if a, err = home.App(app); err != nil {
			b.Fatal(err)
		}
	}
	v, err := a.View(b.Context(), segments.ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(v.Close)
	return v
}

// trained is a model with splines, fitted to the first block.
func trained(b *testing.B, v *segments.View) *scoring.Model {
	b.Helper()
	var columns []features.Column
	t := models.Table{}
	for _, name := range fifty() {
		c, err := features.Parse(name)
		if err != nil {
			b.Fatal(err)
		}
		columns = append(columns, c)
		t.Columns = append(t.Columns, models.Column{Name: c.String()})
	}
	source, err := features.NewSource(b.Context(), v, columns, nil)
	if err != nil {
		b.Fatal(err)
	}
	x, err := source.Extractor(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	ordinals, values, err := x.Extract(0, nil)
	if err != nil {
		b.Fatal(err)
	}
	t.Values = values
	random := rand.New(rand.NewPCG(1, 1))
	for range ordinals {
		t.Label = append(t.Label, random.IntN(4) == 0)
	}
	r, err := models.Fit(b.Context(), t, models.Options{Shape: models.ShapeSpline, Penalties: []float64{10}, Calibrate: models.CalibrateNever}, nil)
	if err != nil {
		b.Fatal(err)
	}
	m, err := scoring.New(&models.Artifact{Name: "bench", Version: "1", Model: r.Model, ColumnBins: r.ColumnBins, ScoreBins: r.ScoreBins}, expr.Everyone{})
	if err != nil {
		b.Fatal(err)
	}
	return m
}
