package expr

import (
	"strings"
	"unicode/utf8"
)

// maxEdits bounds how far a hint may be from what was written, however long that is.
const maxEdits = 3

// Nearest returns the known name that name was most likely meant to be. It counts
// edits: a letter added, left out, replaced, or swapped with its neighbour;
// letter case costs nothing. Up to one edit in three letters and three in all is
// near; otherwise ok is false. Of equally near names the smallest by bytes
// is returned, whatever the order of known. What is longer than a name may be is
// near to nothing, so the cost is linear in the length of all known names.
func Nearest(name string, known []string) (nearest string, ok bool) {
	if len(name) > MaxNameBytes {
		return "", false
	}
	a := []rune(strings.ToLower(name))
	best := maxEdits + 1
	for _, candidate := range known {
		if len(candidate) < len(a)-maxEdits || len(candidate) > utf8.UTFMax*(len(a)+maxEdits) {
			continue // too few or too many runes, whatever they are
		}
		b := []rune(strings.ToLower(candidate))
		limit := min(maxEdits, max(len(a), len(b))/3, best)
		d := edits(a, b, limit)
		if d > limit || d == best && candidate >= nearest {
			continue
		}
		nearest, best = candidate, d
	}
	return nearest, best <= maxEdits
}

// edits returns the optimal string alignment distance of a and b, or limit+1 when
// it exceeds limit. Only the 2*limit+1 cells about the diagonal can matter.
func edits(a, b []rune, limit int) int {
	if abs(len(a)-len(b)) > limit {
		return limit + 1
	}
	const width = 2*maxEdits + 1
	far := limit + 1
	// Cell j-i+limit of a row is the distance of a[:i] and b[:j].
	var older, old, row [width + 1]int
	for k := range row {
		older[k], old[k] = far, far
		if j := k - limit; 0 <= j && j <= limit {
			old[k] = j
		}
	}
	for i := 1; i <= len(a); i++ {
		least := far
		for k := range row {
			j := i + k - limit
			row[k] = far
			if k > 2*limit || j < 0 || j > len(b) {
				continue
			}
			if j == 0 {
				row[k] = min(i, far)
			} else {
				cost := 1
				if a[i-1] == b[j-1] {
					cost = 0
				}
				row[k] = min(far, old[k]+cost, old[k+1]+1)
				if k > 0 {
					row[k] = min(row[k], row[k-1]+1)
				}
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					row[k] = min(row[k], older[k]+1)
				}
			}
			least = min(least, row[k])
		}
		if least == far {
			return far
		}
		older, old = old, row
	}
	return old[len(b)-len(a)+limit]
}

func abs(n int) int { return max(n, -n) }
