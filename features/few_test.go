package features_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// TestFew asks one extractor about few, about other few, about nobody and about everyone in turn, as of now and of a past day, and holds that each has what
// a walk over everyone gives.
func TestFew(t *testing.T) {
	columns, levels, cids := columnsOfTests(t), levelsOfTests(), someCIDs(16)
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		dir, err := os.MkdirTemp("", "features")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		app, closed := h.open(t, dir, 20)
		defer closed()
		v := pinned(t, app)
		defer v.Close()
		if rapid.Bool().Draw(t, "past") {
			past, err := v.Before(v.Day() - rapid.Int32Range(0, 50).Draw(t, "days ago"))
			if err != nil {
				t.Fatal(err)
			}
			v = past
		}
		want := table(t, v, columns, levels, 1)
		source, err := features.NewSource(context.Background(), v, columns, levels)
		if err != nil {
			t.Fatal(err)
		}
		x, err := source.Extractor(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		for range rapid.IntRange(1, 6).Draw(t, "times") {
			var who *segments.Words
			asked := cids
			if rapid.IntRange(0, 3).Draw(t, "all") > 0 {
				who, asked = new(segments.Words), nil
				for _, cid := range cids {
					if _, known := want[cid]; known && rapid.Bool().Draw(t, cid) {
						who.Set(uint16(v.Ordinals([]string{cid})[0]))
						asked = append(asked, cid)
					}
				}
			}
			ordinals, got, err := x.Extract(0, who)
			if err != nil {
				t.Fatal(err)
			}
			told := rowsOf(v, 0, ordinals)
			if who != nil && len(told) != len(asked) {
				t.Fatalf("%v were asked for, told of %v", asked, told)
			}
			for row, cid := range told {
				if !slices.Contains(asked, cid) {
					t.Fatalf("%s was not asked for", cid)
				}
				for i, c := range columns {
					if !same(got[i][row], want[cid][i]) {
						t.Fatalf("%s of %s is %v among %v, and %v among all", c, cid, got[i][row], asked, want[cid][i])
					}
				}
			}
		}
	})
}

// TestFewOfMany asks about a part of a crowd, of each size about mostFew, and then about the others.
func TestFewOfMany(t *testing.T) {
	const crowd = 200
	now := time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	app, err := home.CreateApp("", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i := range 4 * crowd {
			b.Event(i, batch.Event{CID: fmt.Sprint(i % crowd), Name: "buy", TimeMillis: now.Add(-time.Duration(11*i) * time.Hour / 4).UnixMilli(), OffsetMinutes: batch.NoOffset,
				Properties: []batch.Named{{Name: "amount", Value: value.Num(decimal(t, int64(i*7919%1000), i%3))}}})
		}
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	var columns []features.Column
	for _, text := range []string{`count("buy")`, `night("buy")`, `weekend("buy", within 60d)`, `sum("buy.amount")`, `typical("buy.amount", around 1)`} {
		c, err := features.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, c)
	}
	v := pinned(t, app)
	defer v.Close()
	want := table(t, v, columns, nil, 1)
	source, err := features.NewSource(context.Background(), v, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 63, 64, 65, 66} {
		x, err := source.Extractor(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, first := range []int{0, n, 0, n / 2, 2 * n} {
			var who segments.Words
			for o := range n {
				who.Set(uint16(first + o))
			}
			ordinals, got, err := x.Extract(0, &who)
			if err != nil {
				t.Fatal(err)
			}
			for row, cid := range rowsOf(v, 0, ordinals) {
				for i, c := range columns {
					if !same(got[i][row], want[cid][i]) {
						t.Fatalf("%s of %s is %v among %d from %d, and %v among all", c, cid, got[i][row], n, first, want[cid][i])
					}
				}
			}
		}
		x.Close()
	}
}
