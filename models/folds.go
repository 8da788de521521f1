package models

import "slices"

// leastInFold is how many positives and negatives the training and the test rows of a fold need to say anything.
const leastInFold = 20

// maxTimeFolds is how many of the last cut-offs are tested at; groupFolds how many parts are made without time.
const (
	maxTimeFolds = 4
	groupFolds   = 5
)

type fold struct{ train, test []int32 }

// makeFolds parts rows, which are in the order of time, so that each fold trains on rows whose outcome was known when
// its test rows were predicted. Where no cut-off has enough rows before it, groups are parted instead.
func makeFolds(t *Table, rows []int32, o *Options) (FoldKind, []fold) {
	if t.Time != nil {
		if folds := timeFolds(t, rows); len(folds) > 0 {
			return FoldsByTime, folds
		}
	}
	if folds := partFolds(t, rows, o.Seed); len(folds) > 0 {
		return FoldsByGroup, folds
	}
	return FoldsNone, nil
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
		if f := (fold{rows[:known], rows[low:high]}); f.enough(t) {
			folds = append(folds, f)
		}
		high = low
	}
	slices.Reverse(folds)
	return folds
}

func partFolds(t *Table, rows []int32, seed uint64) []fold {
	folds := make([]fold, groupFolds)
	for _, row := range rows {
		part := t.scatter(row, seed) % groupFolds
		for k := range folds {
			if uint64(k) == part {
				folds[k].test = append(folds[k].test, row)
			} else {
				folds[k].train = append(folds[k].train, row)
			}
		}
	}
	return slices.DeleteFunc(folds, func(f fold) bool { return !f.enough(t) })
}

// scatter is a number that is the same for rows of one group, and else as good as random.
func (t *Table) scatter(row int32, seed uint64) uint64 {
	if t.Group != nil {
		return mix(mix(seed) ^ uint64(t.Group[row]))
	}
	return mix(mix(seed) ^ uint64(row))
}

func (f fold) enough(t *Table) bool {
	for _, rows := range [][]int32{f.train, f.test} {
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
