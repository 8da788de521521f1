package features_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/bench"
)

// BenchmarkMillion extracts about a hundred columns of a million CIDs: those that training would choose of five events over 30 days, one of which a fifth of all CIDs
// do each day.
func BenchmarkMillion(b *testing.B) {
	const cids = 1_000_000
	d := bench.Dataset{CIDs: cids, Seed: 5, LastDay: 20_700}
	home, err := segments.OpenHome(b.TempDir(), segments.Options{Clock: func() time.Time { return time.Unix(int64(d.LastDay)*86400+86399, 0) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := home.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := bench.Seed(b.Context(), home, "million", d, func(int, int) {}); err != nil {
		b.Fatal(err)
	}
	app, err := home.App("million")
	if err != nil {
		b.Fatal(err)
	}
	v := pinned(b, app)
	defer v.Close()
	catalog, err := v.Catalog(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	plan, err := features.Choose(catalog, features.Options{MostColumns: 200})
	if err != nil {
		b.Fatal(err)
	}
	popularities := slices.DeleteFunc(slices.Clone(plan.Columns), func(c features.Column) bool { return c.Family != features.Popularity })
	b.Run(fmt.Sprintf("popularities=%d", len(popularities)), func(b *testing.B) {
		for b.Loop() { // before the first CID
			if _, err := features.NewSource(b.Context(), v, popularities, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run(fmt.Sprintf("columns=%d/workers=%d", len(plan.Columns), workers), func(b *testing.B) {
			for b.Loop() {
				walk := features.Walk{View: v, Columns: plan.Columns, Workers: workers}
				if err := walk.Each(b.Context(), func(features.Block) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(cids*float64(b.N)/b.Elapsed().Seconds()/1e6, "MCIDs/s")
		})
	}
}
