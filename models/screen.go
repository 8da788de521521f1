package models

import (
	"errors"
	"fmt"
	"math"

	"whowhen.dev/whowhen/models/internal/transform"
	"whowhen.dev/whowhen/models/metrics"
)

// usable drops columns that are constant, or equal to an earlier one in every row.
func usable(t *Table, rows []int32, o *Options) (columns []int, dropped []Dropped) {
	seen := map[uint64][]int{}
	for c, values := range t.Values {
		source := transform.Source{Values: values, Rows: rows, Weight: t.Weight}
		if varies := variesEnough(source, len(t.Columns[c].Levels), o.MinLevelRows); !varies {
			dropped = append(dropped, Dropped{t.Columns[c].Name, "it is the same in every row, but for a few at most"})
			continue
		}
		h := uint64(0)
		for i := 0; i < len(values); i += 1 + len(values)/1024 {
			h = mix(h ^ uint64(math.Float32bits(values[i])))
		}
		twin := -1
		for _, other := range seen[h] {
			if same(values, t.Values[other]) && len(t.Columns[other].Levels) == len(t.Columns[c].Levels) {
				twin = other
			}
		}
		if twin >= 0 {
			dropped = append(dropped, Dropped{t.Columns[c].Name, fmt.Sprintf("it is equal to %s in every row", t.Columns[twin].Name)})
			continue
		}
		seen[h] = append(seen[h], c)
		columns = append(columns, c)
	}
	return columns, dropped
}

// variesEnough says whether a column would have any term.
func variesEnough(s transform.Source, levels, minRows int) bool {
	if levels > 0 {
		l := transform.FitLevels(s, levels, minRows)
		return len(l.Sparse()) > 0
	}
	missing, first, varies := 0, float32(math.NaN()), false
	for _, row := range s.Rows {
		x := s.Values[row]
		switch {
		case x != x:
			missing++
		case math.IsInf(float64(x), 0):
		case first != first:
			first = x
		default:
			varies = varies || x != first
		}
	}
	return varies || missing >= minRows && missing < len(s.Rows)
}

func same(a, b []float32) bool {
	for i, x := range a {
		if x != b[i] && (x == x || b[i] == b[i]) {
			return false
		}
	}
	return true
}

// leakRows is how many rows, about, a column is judged on alone.
const leakRows = 1 << 14

// leaks warns of columns that nearly decide the target alone.
func leaks(t *Table, columns []int, rows []int32, o *Options) ([]Warning, error) {
	var warnings []Warning
	sample := make([]int32, 0, leakRows)
	for step := max(1, len(rows)/leakRows); len(sample)*step < len(rows); {
		sample = append(sample, rows[len(sample)*step])
	}
	label, weight := t.labels(sample)
	for _, c := range columns {
		auc := 0.0
		for _, order := range orders(t, c, sample, label) {
			e, err := metrics.AUC(metrics.Rows{Probability: order, Label: label, Weight: weight})
			if errors.Is(err, metrics.ErrOneClass) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			auc = max(auc, e.Value, 1-e.Value)
		}
		if auc >= o.LeakAUC {
			name := t.Columns[c].Name
			warnings = append(warnings, Warning{name, auc, fmt.Sprintf(
				"%s alone ranks %.1f %% of pairs right: it may have been written when the outcome was known. Leave it out unless it is known at the cut-off", name, 100*auc)})
		}
	}
	return warnings, nil
}

// orders are rankings of the rows by one column, as numbers within 0 and 1: missing values first, and last; levels by
// their share of positives.
func orders(t *Table, c int, rows []int32, label []bool) [][]float64 {
	values := t.Values[c]
	if levels := len(t.Columns[c].Levels); levels > 0 {
		positives, all := make([]float64, levels+2), make([]float64, levels+2)
		of := make([]int, len(rows))
		for i, row := range rows {
			switch x := values[row]; {
			case x != x:
				of[i] = levels + 1
			case x >= 0 && x < float32(levels):
				of[i] = int(x)
			default:
				of[i] = levels
			}
			all[of[i]]++
			if label[i] {
				positives[of[i]]++
			}
		}
		order := make([]float64, len(rows))
		for i, k := range of {
			order[i] = positives[k] / all[k]
		}
		return [][]float64{order}
	}
	first, last, missing := make([]float64, len(rows)), make([]float64, len(rows)), false
	for i, row := range rows {
		x := float64(values[row])
		if x != x {
			first[i], last[i], missing = 0, 1, true
			continue
		}
		// Keeps the order of all float32 and leaves room on both sides.
		first[i] = 0.5 + math.Copysign(rank(math.Abs(x)), x)
		last[i] = first[i]
	}
	if !missing {
		return [][]float64{first}
	}
	return [][]float64{first, last}
}

// rank maps 0 to +Inf onto 0 to 0.45, in order: the bits of a float of one sign are ordered like the floats.
func rank(x float64) float64 {
	return 0.45 * float64(math.Float32bits(float32(x))) / float64(math.Float32bits(float32(math.Inf(1))))
}
