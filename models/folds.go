package models

import "slices"

// leastInFold is how many positives and negatives the training and the test rows of a fold need to say anything.
const leastInFold = 20

// maxTimeFolds is how many of the last cut-offs are tested at; groupFolds how many parts are made without time.
const (
	maxTimeFolds = 4
	groupFolds   = 5
)

// fold is trained and tested on ranges [low, high) of the rows that makeFolds returned.
type fold struct{ train, test [2]int }

// makeFolds parts rows, which are in the order of time, so that each fold trains on rows whose outcome was known when
// its test rows were predicted. Where no cut-off has enough rows before it, groups are parted instead. The rows come
// back in an order in which folds are ranges, which for that holds most of them twice: the first so many are distinct.
func makeFolds(t *Table, rows []int32, o *Options) (kind FoldKind, ordered []int32, folds []fold) {
	if t.Time != nil {
		if folds := timeFolds(t, rows); len(folds) > 0 {
			return FoldsByTime, rows, folds
		}
	}
	if ordered, folds := partFolds(t, rows, o.Seed); len(folds) > 0 {
		return FoldsByGroup, ordered, folds
	}
	return FoldsNone, nil, nil
}

func timeFolds(t *Table, rows []int32) []fold {
	var folds []fold
	for high := len(rows); high > 0 && len(folds) < maxTimeFolds; {
		at := t.Time[rows[high-1]]
		low := high
		for low > 0 && t.Time[rows[low-1]] == at {
			low--
		}
		known := low
		for known > 0 && int64(t.Time[rows[known-1]])+int64(t.HorizonDays) > int64(at) {
			known--
		}
		if f := (fold{[2]int{0, known}, [2]int{low, high}}); f.enough(t, rows) {
			folds = append(folds, f)
		}
		high = low
	}
	slices.Reverse(folds)
	return folds
}

// partFolds lays the parts out one after the other and then again: all parts but one follow each other somewhere.
func partFolds(t *Table, rows []int32, seed uint64) (ordered []int32, folds []fold) {
	var starts [groupFolds + 1]int
	for k := range groupFolds {
		for _, row := range rows {
			if t.scatter(row, seed)%groupFolds == uint64(k) {
				ordered = append(ordered, row)
			}
		}
		starts[k+1] = len(ordered)
	}
	ordered = append(ordered, ordered[:starts[groupFolds-1]]...)
	for k := range groupFolds {
		f := fold{train: [2]int{starts[k+1], starts[k] + len(rows)}, test: [2]int{starts[k], starts[k+1]}}
		if f.enough(t, ordered) {
			folds = append(folds, f)
		}
	}
	return ordered, folds
}

// scatter is a number that is the same for rows of one group, and else as good as random.
func (t *Table) scatter(row int32, seed uint64) uint64 {
	if t.Group != nil {
		return mix(mix(seed) ^ uint64(t.Group[row]))
	}
	return mix(mix(seed) ^ uint64(row))
}

func (f fold) enough(t *Table, ordered []int32) bool {
	for _, part := range [][2]int{f.train, f.test} {
		rows := ordered[part[0]:part[1]]
		positives, negatives := 0, 0
		for _, row := range rows {
			if t.Label[row] {
				positives++
			} else {
				negatives++
			}
		}
		if min(positives, negatives) < leastInFold {
			return false
		}
	}
	return true
}

// searchRows leaves whole groups out until about most rows are left. Order is kept.
func searchRows(t *Table, rows []int32, most int, seed uint64) []int32 {
	if len(rows) <= most {
		return rows
	}
	limit := uint64(float64(most) / float64(len(rows)) * (1 << 32))
	kept := make([]int32, 0, most)
	for _, row := range rows {
		if t.scatter(row, seed^0x736561726368)>>32 < limit {
			kept = append(kept, row)
		}
	}
	return kept
}
