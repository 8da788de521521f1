package models

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestFoldsPartRows compares the ranges of folds with what they stand for.
func TestFoldsPartRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3000).Draw(t, "rows")
		table := Table{Label: make([]bool, n), Group: make([]uint32, n), HorizonDays: 30}
		if rapid.Bool().Draw(t, "time") {
			table.Time = make([]int32, n)
		}
		for i := range n {
			table.Label[i], table.Group[i] = i%3 == 0, uint32(i%(n/2+1))
			if table.Time != nil {
				table.Time[i] = int32(i * 6 / n * 15)
			}
		}
		rows := inTimeOrder(&table)
		kind, ordered, folds := makeFolds(&table, rows, &Options{})
		if kind == FoldsNone {
			return
		}
		if distinct := slices.Sorted(slices.Values(ordered[:n])); !slices.Equal(distinct, slices.Sorted(slices.Values(rows))) {
			t.Fatal("the first rows are not all rows")
		}
		for _, f := range folds {
			train, test := ordered[f.train[0]:f.train[1]], ordered[f.test[0]:f.test[1]]
			if kind == FoldsByTime {
				if known := table.Time[train[len(train)-1]] + table.HorizonDays; known > table.Time[test[0]] {
					t.Fatalf("trained on outcomes known at %d, tested at %d", known, table.Time[test[0]])
				}
				continue
			}
			of := map[uint32]bool{}
			for _, row := range test {
				of[table.Group[row]] = true
			}
			for _, row := range train {
				if of[table.Group[row]] {
					t.Fatalf("group %d is trained on and tested", table.Group[row])
				}
			}
			if len(train)+len(test) != n {
				t.Fatalf("%d and %d of %d rows", len(train), len(test), n)
			}
		}
	})
}
