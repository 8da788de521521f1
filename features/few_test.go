package features_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
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
