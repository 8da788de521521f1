//go:build linux && (amd64 || arm64)

package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// table counts what became of the runs, by what failed in them. Its zero value is empty.
type table struct {
	rows map[row]int
	left map[string]int
}

type row struct {
	operation, fault, what string
}

func (t *table) add(s *scene, f fault, o outcome) {
	if t.rows == nil {
		t.rows, t.left = map[row]int{}, map[string]int{}
	}
	if len(o.failed) == 0 {
		t.rows[row{"none: the run was over before", f.String(), o.what}]++
		return
	}
	failed := o.failed[0].String()
	t.rows[row{failed, f.String(), o.what}]++
	for _, name := range o.left {
		t.left[fmt.Sprintf("after a failed %s a temporary %s is left", failed, name)]++
	}
}

func (t *table) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%-36s %-16s %5s  %s\n", "what failed", "how", "runs", "what became of it")
	byName := func(a, b row) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	}
	for _, r := range slices.SortedFunc(maps.Keys(t.rows), byName) {
		fmt.Fprintf(&text, "%-36s %-16s %5d  %s\n", r.operation, r.fault, t.rows[r], r.what)
	}
	for _, what := range slices.Sorted(maps.Keys(t.left)) {
		fmt.Fprintf(&text, "%s: %d\n", what, t.left[what])
	}
	return text.String()
}
