package features_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/features"
)

// TestChooseRecencies chooses the recency of the most frequent events that there is no room for, beside the columns that there is room for, and says so.
func TestChooseRecencies(t *testing.T) {
	for _, c := range []struct {
		kinds, most, recencies, bound, want int
		first                               []string
	}{
		{50, 60, 0, 0, 0, nil}, {50, 60, 5, 0, 5, nil}, {50, 60, 30, 0, 30, nil}, {20, 60, 100, 0, -1, nil},
		{50, 60, 30, 70, -2, nil}, {50, 60, 30, 60, -2, nil}, {3, 200, 30, 0, 0, nil}, {50, 30, 7, 0, 7, []string{"kind 3", "kind 9"}}, {50, 8, 7, 30, -2, []string{"kind 3", "kind 9"}},
	} {
		catalog := many(c.kinds, 1)
		o := features.Options{MostColumns: c.most, First: c.first, Bound: c.bound}
		without, err := features.Choose(catalog, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Recencies = c.recencies
		with, err := features.Choose(catalog, o)
		if err != nil {
			t.Fatal(err)
		}
		room := map[string]bool{}
		for _, column := range without.Columns {
			room[column.Name] = true
		}
		var dropped []string // the most frequent first, as the catalog has them
		for _, e := range catalog.Events {
			if !room[e.Name] && !strings.HasPrefix(e.Name, "push.") {
				dropped = append(dropped, e.Name)
			}
		}
		want := c.want
		switch want {
		case -1: // all
			want = len(dropped)
		case -2: // as many as the bound has room for
			want = min(c.recencies, len(dropped), max(0, c.bound-len(without.Columns)))
		}
		var added []string
		for _, column := range with.Columns {
			if !slices.Contains(without.Columns, column) {
				added = append(added, column.String())
			}
		}
		var expected []string
		for _, name := range dropped[:want] {
			expected = append(expected, fmt.Sprintf("recency(%q, within 365d)", name))
		}
		if !slices.Equal(added, expected) || len(with.Columns) != len(without.Columns)+want || with.Recencies != want || without.Recencies != 0 {
			t.Errorf("%+v: %v are added, want %v", c, added, expected)
		}
		said := 0
		for _, l := range with.LeftOut {
			if name, ok := strings.CutSuffix(l.What, " but for its recency"); ok {
				said++
				if !slices.Contains(expected, "recency("+strings.TrimPrefix(name, "event ")+", within 365d)") {
					t.Errorf("%+v: it is said of %s", c, l.What)
				}
			}
		}
		if said != want {
			t.Errorf("%+v: it is said of %d, want %d", c, said, want)
		}
	}
}
